"""The first start: the first key, where it is printed, and the report of a migration."""

import json
import re
import subprocess
from contextlib import closing

from support import old_schema
from support.server import command, interrupt_when_it_waits
from support.terminal import on_terminal

from acare.auth import OPERATOR
from acare.database.database import Database
from acare.database.schema import SCHEMA_VERSION
from acare.store.callers import Callers
from acare.store.keys import KeyStore

SERVE = ("serve", "--listen", "127.0.0.1:0", "--database", "served.db")


# --- the first key


def test_on_a_terminal_the_first_start_asks_for_a_broker_and_shows_a_key(tmp_path):
    with on_terminal(tmp_path, *SERVE) as terminal:
        terminal.wait_for("first broker: $")
        terminal.type("ana@example.com\n")
        terminal.wait_for("broker ana@example.com")
        line = terminal.wait_for(r"(curl -s .*)\r\n")[1]
        ended = subprocess.run(line, shell=True, capture_output=True, check=True, timeout=10)
        key = re.search(r"\b[0-9a-f]{64}\b", terminal.shown)[0]
        with closing(Database(tmp_path / "served.db")) as database:
            caller = Callers(database).with_key(key)
    assert json.loads(ended.stdout)["success"] is True
    assert caller.role == "broker"
    assert all(caller.may("clients", (action,)) for action in ("read", "write"))


def test_the_question_for_a_broker_can_be_left(tmp_path):
    with on_terminal(tmp_path, *SERVE) as terminal:
        terminal.wait_for("first broker: $")
        interrupt_when_it_waits(terminal.process)
        assert terminal.process.wait(timeout=10) == 130
    for typed in ("\x04", "nowhere\n"):
        with on_terminal(tmp_path, *SERVE) as terminal:
            terminal.wait_for("first broker: $")
            terminal.type(typed)
            terminal.wait_for("acare: not started: .* e-mail address")
            assert terminal.process.wait(timeout=10) == 1


def test_elsewhere_it_creates_no_key(tmp_path):
    with subprocess.Popen(command(*SERVE), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://[^/]+/", server.stdout.readline())[0]
            assert server.stdout.readline().endswith(f" is at {url}\n")
            assert "no API key yet" in server.stdout.readline()
            with closing(Database(tmp_path / "served.db")) as database:
                assert KeyStore(database).list(OPERATOR).total == 0
        finally:
            server.kill()


# --- a migration


def test_a_command_reports_a_migration_outside_a_terminal(tmp_path):
    old_schema.write_to(tmp_path / "acare.db")
    line = command("user", "add", "eve@example.com")
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert f"acare: migrated acare.db to schema {SCHEMA_VERSION}; the backup is" in ended.stderr
