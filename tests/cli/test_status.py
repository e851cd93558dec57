"""``acare status``."""

import json
import shutil
import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import old_schema
from support.backups import back_up, rename
from support.client import Api
from support.http import serving_with
from support.keys import new_key
from support.server import serving
from support.sockets import free_port

import acare
from acare.auth import OPERATOR
from acare.database.schema import SCHEMA_VERSION
from acare.maintenance import status


@pytest.fixture
def path(tmp_path):
    """A database with two clients and three keys: one was used, and one is revoked."""
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        keys = [new_key(app.keys, f"{name}@example.com", {"all": ["write", "read"]}) for name in "abc"]
        app.keys.revoke(OPERATOR, keys[2].id)
        for _ in range(2):
            Api(app, keys[0].key).create()
    return tmp_path / "acare.db"


@pytest.fixture
def folder(path):
    """A folder with a backup."""
    return back_up(path, path.with_name("backups")).parent


@pytest.fixture
def checks(run):
    """The checks, as ``acare status --json`` prints them."""
    return lambda *arguments, status=0: json.loads(run("status", "--json", *arguments, status=status).out)


def test_it_shows_counts_and_sizes(checks, path):
    shown = checks()
    size = path.stat().st_size
    expected = {"schema": SCHEMA_VERSION, "size": size, "clients": 2, "processes": []}
    assert shown["database"] == {"problems": [], **expected}
    assert shown["disk"]["free"] > 0


def test_as_text_each_check_has_a_line_with_its_figures(run, folder):
    printed = run("status", "--backups", folder)
    lines = printed.out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == "database disk writes backup".split()
    assert lines[0].startswith(f"database: ok schema {SCHEMA_VERSION} size ")
    assert printed.err == ""


# --- what needs attention


def no_room(path, folder, patch):
    free = shutil.disk_usage(path).free
    usage = {folder: SimpleNamespace(free=path.stat().st_size - 1)}
    patch.setattr(shutil, "disk_usage", lambda place: usage.get(place, SimpleNamespace(free=free)))


def backup_in(folder):
    return next(folder.glob("*.db"))


#: What goes wrong, by what the line says of it.
PROBLEMS = {
    f"the schema is 4; it is migrated to {SCHEMA_VERSION} by a server": (
        lambda path, folder, patch: (path.unlink(), old_schema.write_to(path))
    ),
    "disk: less than 1073741824.0 GiB is free": (
        lambda path, folder, patch: patch.setattr(status, "LOW_DISK", 2**60)
    ),
    "there is no room for another backup": no_room,
    "there is no backup in": lambda path, folder, patch: backup_in(folder).unlink(),
    "the newest backup is older than 48 hours": (
        lambda path, folder, patch: rename(backup_in(folder), hours=-49)
    ),
    "later than now: check the clock, or move the backup to another folder\n": (
        lambda path, folder, patch: rename(backup_in(folder), days=9999)
    ),
    "damaged": lambda path, folder, patch: backup_in(folder).write_bytes(b"x"),
}


@pytest.mark.parametrize("reason", PROBLEMS)
def test_a_problem_is_one_line_and_exit_code_1(run, path, folder, monkeypatch, reason):
    run("status", "--backups", folder)
    PROBLEMS[reason](path, folder, monkeypatch)
    printed = run("status", "--backups", folder, status=1)
    assert (printed.err.count("\n"), reason in printed.err) == (1, True)


@pytest.mark.parametrize("disk", ["/dev/shm", "/var/tmp"])
def test_backups_on_the_disk_of_the_database_are_said(checks, path, disk):
    with tempfile.TemporaryDirectory(dir=disk) as folder:
        back_up(path, Path(folder))
        is_same = Path(disk).stat().st_dev == path.stat().st_dev
        assert checks("--backups", folder)["disk"]["has_backups"] is is_same


# --- the server


def answering(status, content):
    """A server that gives this answer to every request."""

    def answer(request):
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return serving_with(answer)


def test_a_server_that_answers_is_ok_and_no_proxy_is_asked(checks, path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(path) as (_, address):
        shown = checks("--url", f"http://{address}")
    assert (shown["server"]["problems"], shown["writes"]["problems"]) == ([], [])


def test_a_server_of_another_database_does_not_count(checks, path, start):
    url = start().url
    (problem,) = checks("--url", url, status=1)["server"]["problems"]
    assert problem.startswith(f"no process has the database open: {url} is another program, or uses")


def test_a_server_on_another_machine_is_not_looked_for_here(checks, path, start, monkeypatch):
    url, answer = start().url, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, *more: real(host, port, *more) if port else answer
    )
    assert checks("--url", url)["server"]["problems"] == []


def test_a_server_that_does_not_answer_has_failed(checks, path):
    url = f"http://127.0.0.1:{free_port()}"
    shown = checks("--url", url, status=1)
    (problem,) = shown["server"]["problems"]
    assert (problem.startswith(f"GET {url}/readyz failed: [Errno"), shown["writes"]["problems"]) == (True, [])


ERROR = b'{"success": false, "error": {"message": "This path does not exist."}}'
PAGES = [(200, b"<html>"), (200, b"[]"), (404, ERROR)]


@pytest.mark.parametrize(("code", "page"), PAGES, ids="html list path".split())
def test_another_program_at_the_url_does_not_count(checks, path, code, page):
    with answering(code, page) as url:
        assert f"GET {url}/readyz failed: " in checks("--url", url, status=1)["server"]["problems"][0]


def test_a_server_that_refuses_writes_answers(checks, path):
    refusal = {"success": False, "error": {"message": "Not ready. disk: full"}}
    with answering(503, json.dumps(refusal).encode()) as url, acare.create_app(database=path):
        shown = checks("--url", url, status=1)
    assert (shown["server"]["problems"], shown["writes"]["problems"]) == ([], ["Not ready. disk: full"])
