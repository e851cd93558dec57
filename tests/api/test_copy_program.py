"""The programs on the page about the API: one keeps a copy, while writers work and the server is killed.

They write for ACARE_TEST_COPY_SECONDS. Meanwhile the server is killed three times, the program once, and the
database is restored once, which ends the program's cursor.
"""

import functools
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.crash import WRITERS, Writer, check, read_clients, write_until
from support.http import HttpCaller, serving_with
from support.page import replaced
from support.server import make_key, serving
from support.sockets import free_port, wait_for

from acare.maintenance.backup import back_up
from acare.maintenance.restore import restore

SECONDS = float(os.environ.get("ACARE_TEST_COPY_SECONDS", "3"))
PAGE = Path(__file__).resolve().parents[2] / "acare" / "api" / "README.md"
REVOKED = "The API key is not valid: it was revoked, has expired, or its user is disabled."
PROGRAM, POLLER = re.findall(
    r"<!-- \S*test_copy_program.py -->\n```python\n(.*?)^```", PAGE.read_text(), re.M | re.S
)


def line(program, address, key):
    text = replaced(program, {"127.0.0.1:8080": address, "YOUR_API_KEY": key})
    return [sys.executable, "-W", "error", "-c", text]


@contextmanager
def running(line, **options):
    """The program; killed at the end."""
    with subprocess.Popen(line, stderr=subprocess.PIPE, **options) as process:
        try:
            yield
            assert process.poll() is None, process.stderr.read().decode()
        finally:
            process.kill()


def copied(copy):
    with closing(sqlite3.connect(copy, timeout=30)) as connection:
        return {name: json.loads(text) for name, text in connection.execute("SELECT id, json FROM clients")}


def follow_to_the_end(folder, program, copied):
    """Checks a copy; ``program`` makes a command line of an address and a key, ``copied`` reads the copy."""
    database = folder / "served.db"
    key, address = make_key(database), f"127.0.0.1:{free_port()}"
    writers = [Writer(number, key) for number in range(WRITERS)]

    def write_until_killed():
        with serving(database, "--listen", address) as (process, _):
            assert check(database, writers) == []
            write_until(address, writers, SECONDS / 3, process.kill)

    with running(program(address, key)):
        write_until_killed()
    with running(program(address, key)):
        write_until_killed()
        restore(back_up(database, folder / "backups"), database)
        write_until_killed()
        with serving(database, "--listen", address):
            expected = {client["id"]: client for client in read_clients(database).values()}
            deadline = time.monotonic() + 30
            while copied() != expected and time.monotonic() < deadline:
                time.sleep(0.1)
            assert copied() == expected
            assert expected


def test_the_copy_equals_the_list_in_the_end(tmp_path):
    copy = tmp_path / "copy.db"
    follow_to_the_end(tmp_path, lambda *server: [*line(PROGRAM, *server), copy], lambda: copied(copy))


@pytest.fixture
def served(tmp_path):
    """The address of a server, and a caller of it."""
    key = make_key(tmp_path / "served.db")
    with serving(tmp_path / "served.db") as (_, address), closing(HttpCaller(address, key)) as caller:
        yield functools.partial(line, address=address, key=key), caller


def test_a_copy_is_made_once_until_the_key_is_revoked(served, tmp_path):
    program, caller = served
    once = [*program(PROGRAM), tmp_path / "copy.db", "--once"]
    client = caller.create()
    subprocess.run(once, check=True, timeout=30)
    assert copied(tmp_path / "copy.db") == {client["id"]: client}
    (own,) = caller.expect(200, "GET", "/v1/keys")["keys"]
    caller.expect(200, "DELETE", f"/v1/keys/{own['id']}")
    ended = subprocess.run(once, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, *ended.stderr.splitlines()) == (1, REVOKED)


def test_the_poller_passes_on_what_comes(served, tmp_path):
    program, caller = served
    received = []

    def receive(request):
        received.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
        request.send_response(204)
        request.end_headers()

    with serving_with(receive) as webhook:
        poller = replaced(POLLER, {"https://hooks.example/clients": webhook, "else 5": "else 0.1"})
        with running(program(poller), cwd=tmp_path):
            wait_for((tmp_path / "cursor.txt").exists)
            client = caller.create()
            wait_for(lambda: received)
    assert received == [{"id": client["id"], "client": client}]
