"""The two programs that follow the changes: one keeps a copy, the other calls a webhook."""

import functools
import json
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.http import Agency, serving_with
from support.page import replaced
from support.server import make_key, serving
from support.sockets import wait_for

PROGRAM, POLLER = (
    Path(__file__).with_name(name).read_text("utf-8") for name in ("example_copy.py", "example_webhook.py")
)


def line(program, address, key):
    text = replaced(program, {"127.0.0.1:8080": address, "YOUR_API_KEY": key})
    return [sys.executable, "-W", "error", "-c", text]


@contextmanager
def running(line, **options):
    """The program; killed at the end."""
    with subprocess.Popen(line, **{"stderr": subprocess.PIPE, **options}) as process:
        try:
            yield
            assert process.poll() is None, process.stderr.read().decode()
        finally:
            process.kill()


def copied(copy):
    if not copy.exists():
        return {}
    with closing(sqlite3.connect(copy, timeout=30)) as connection:
        return {name: json.loads(text) for name, text in connection.execute("SELECT id, json FROM clients")}


@pytest.fixture
def served(tmp_path):
    """The address of a server, and a caller of it."""
    key = make_key(tmp_path / "served.db")
    with serving(tmp_path / "served.db") as (_, address):
        yield functools.partial(line, address=address, key=key), Agency(address, key)


@contextmanager
def feed(answers):
    """A stand-in for the server; each request gets the next answer: a status, or a page's ids and its end."""

    def answer(request):
        answered = next(answers)
        status, data = (answered, None) if isinstance(answered, int) else (200, page(*answered))
        body = json.dumps({"data": data}).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def page(ids, more):
        changes = [{"id": name, "client": {"id": name}} for name in ids]
        return {"changes": changes, "meta": {"cursor": "".join(ids), "hasMore": more}}

    with serving_with(answer) as url:
        yield url.removeprefix("http://")


def test_a_copy_is_complete_while_a_new_one_is_read(tmp_path):
    copy, seen = tmp_path / "copy.db", []

    def answers():
        for answer in (("ab", False), 410, ("a", True), ("c", False)):
            seen.append(sorted(copied(copy)))
            yield answer

    with feed(answers()) as address:
        for _ in range(2):
            subprocess.run([*line(PROGRAM, address, "key"), copy, "--once"], check=True, timeout=30)
    assert [*seen, sorted(copied(copy))] == [[], ["a", "b"], ["a", "b"], ["a", "b"], ["a", "c"]]


@contextmanager
def webhook(refused=()):
    """The URL of a webhook, and what it has taken; it refuses the clients with these first names."""
    taken, asked = [], []

    def receive(request):
        change = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        name = (change["client"] or {}).get("first_name")
        asked.append(name)
        request.send_response(400 if name in refused else 204)
        request.end_headers()
        if name not in refused:
            taken.append(change)

    with serving_with(receive) as url:
        yield url, taken, asked


def poller(url):
    """The program with this webhook, without its waits."""
    return replaced(
        POLLER, {"https://hooks.example/clients": url, "else 5": "else 0.1", "sleep(5)": "sleep(0.05)"}
    )


def test_the_poller_skips_what_is_refused_three_times(served, tmp_path):
    program, caller = served
    with (
        webhook(refused=["No"]) as (url, taken, asked),
        (tmp_path / "err").open("w") as err,
        running(program(poller(url)), cwd=tmp_path, stderr=err),
    ):
        wait_for((tmp_path / "cursor.txt").exists)
        refused, _ = caller.create(first_name="No"), caller.create(first_name="Yes")
        wait_for(lambda: taken)
    assert (tmp_path / "err").read_text() == f"The webhook refuses {refused['id']}: 400\n"
    assert asked == ["No", "No", "No", "Yes"]


@pytest.mark.parametrize(("option", "first"), [([], "New"), (["--from-beginning"], "Old")])
def test_the_poller_begins_now_or_at_the_beginning(served, tmp_path, option, first):
    program, caller = served
    caller.create(first_name="Old")
    with (
        webhook() as (url, taken, _),
        (tmp_path / "out").open("w") as out,
        running([*program(poller(url)), *option], cwd=tmp_path, stdout=out),
    ):
        wait_for((tmp_path / "cursor.txt").exists)
        caller.create(first_name="New")
        wait_for(lambda: taken)
    assert taken[0]["client"]["first_name"] == first
    begin = "all clients" if option else "the changes from now on"
    assert (tmp_path / "out").read_text() == f"Begins with {begin}.\n"
