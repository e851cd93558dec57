"""The program on the page about the API that keeps a copy, while writers work and the server is killed.

They write for ACARE_TEST_COPY_SECONDS. Meanwhile the server is killed three times, the program once, and the
database is restored once, which ends the program's cursor.
"""

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

from support.crash import WRITERS, Writer, check, write_until
from support.http import HttpCaller
from support.server import make_key, serving

from acare.maintenance.backup import back_up
from acare.maintenance.restore import restore

SECONDS = float(os.environ.get("ACARE_TEST_COPY_SECONDS", "3"))
PAGE = Path(__file__).resolve().parents[2] / "acare" / "api" / "README.md"
PROGRAM = re.search(r"<!-- \S*test_copy_program.py -->\n```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)[
    1
]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@contextmanager
def following(address, key, copy):
    """The program; killed at the end."""
    text = PROGRAM.replace("127.0.0.1:8080", address).replace("YOUR_API_KEY", key)
    line = [sys.executable, "-W", "error", "-c", text, copy]
    with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
        try:
            yield
            assert process.poll() is None, process.stderr.read().decode()
        finally:
            process.kill()


def listed(address, key):
    """The clients in all pages of the list, by id."""
    found, number = {}, 1
    with closing(HttpCaller(address, key)) as caller:
        while page := caller.expect(200, "GET", f"/v1/clients?limit=100&page={number}")["clients"]:
            found |= {client["id"]: client for client in page}
            number += 1
    return found


def copied(copy):
    with closing(sqlite3.connect(copy, timeout=30)) as connection:
        return {name: json.loads(text) for name, text in connection.execute("SELECT id, json FROM clients")}


def test_the_copy_equals_the_list_in_the_end(tmp_path):
    database, copy = tmp_path / "served.db", tmp_path / "copy.db"
    key, address = make_key(database), f"127.0.0.1:{free_port()}"
    writers = [Writer(number, key) for number in range(WRITERS)]

    def write_until_killed():
        with serving(database, "--listen", address) as (process, _):
            assert check(database, writers) == []
            write_until(address, writers, SECONDS / 3, process.kill)

    with following(address, key, copy):
        write_until_killed()
    with following(address, key, copy):
        write_until_killed()
        restore(back_up(database, tmp_path / "backups"), database)
        write_until_killed()
        with serving(database, "--listen", address):
            expected, deadline = listed(address, key), time.monotonic() + 30
            while copied(copy) != expected and time.monotonic() < deadline:
                time.sleep(0.1)
            assert copied(copy) == expected
            assert expected
