"""The first start: the first key, where it is printed, and the other messages."""

import json
import re
import signal
import subprocess
from contextlib import closing

import pytest
from support import schema_2, warm
from support.server import command
from support.terminal import on_terminal

from acare.cli import main
from acare.database.database import Database
from acare.store.keys import KeyStore

SERVE = ("serve", "--listen", "127.0.0.1:0", "--database", "served.db")


def any_key(path):
    with closing(Database(path)) as database:
        return KeyStore(database).any()


# --- the first key


def test_on_a_terminal_the_first_start_shows_a_key(tmp_path):
    with on_terminal(tmp_path, *SERVE) as terminal:
        line = terminal.wait_for(r"(curl -s .*)\r\n")[1]
        ended = subprocess.run(line, shell=True, capture_output=True, check=True, timeout=10)
    assert json.loads(ended.stdout)["success"] is True


def test_the_first_key_is_a_broker_s_with_full_access(tmp_path):
    with on_terminal(tmp_path, *SERVE) as terminal:
        key = terminal.wait_for(r"\b[0-9a-f]{64}\b")[0]
        with closing(Database(tmp_path / "served.db")) as database:
            caller = KeyStore(database).authenticate(key)
    assert caller.role == "broker"
    assert all(caller.may("clients", (action,)) for action in ("read", "write"))


def test_elsewhere_it_shows_how_to_create_one(start, tmp_path):
    with warm.Popen(command(*SERVE), cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://[^/]+/", server.stdout.readline())[0]
            assert server.stdout.readline() == f"The page for people is at {url}\n"
            assert "acare key create --user EMAIL" in server.stdout.readline()
            assert not any_key(tmp_path / "served.db")
        finally:
            server.kill()


def test_a_second_start_shows_no_key(tmp_path):
    with closing(Database(tmp_path / "served.db")) as database:
        KeyStore(database).create("ana@example.com", {})
    with on_terminal(tmp_path, *SERVE, "--no-page") as terminal:
        terminal.wait_for("serves served.db")
        terminal.process.send_signal(signal.SIGINT)
        terminal.end()
    assert "key" not in terminal.shown
    assert "page" not in terminal.shown


# --- acare key create


def test_key_create_says_that_it_created_the_database(tmp_path, capsys):
    arguments = ["key", "create", "--user", "ana@example.com", "--database", str(tmp_path / "new.db")]
    assert main(arguments) == 0
    assert f"Created the database {tmp_path}/new.db" in capsys.readouterr().err


def test_key_create_names_the_database(tmp_path, capsys):
    Database(tmp_path / "old.db").close()
    main(["key", "create", "--user", "ana@example.com", "--database", str(tmp_path / "old.db")])
    printed = capsys.readouterr()
    assert f"in {tmp_path}/old.db.\n" in printed.err
    assert "Created the database" not in printed.err


# --- every line on stderr is JSON

BROKEN = (
    "import acare.cli.serve as s\ndef create_app(**_): raise RuntimeError('a bug')\ns.create_app = create_app"
)

FAILURES = [
    pytest.param(["--database", "missing/a.db"], "", "missing", id="no folder"),
    pytest.param(["--threads", "none"], "", "threads", id="a wrong setting"),
    pytest.param(["--no-such-flag"], "", "no-such-flag", id="an unknown flag"),
    pytest.param([], BROKEN, "unexpected", id="a bug"),
]


@pytest.mark.parametrize("by", ["flag", "flag with =", "variable"])
@pytest.mark.parametrize(("arguments", "before", "expected"), FAILURES)
def test_with_json_logs_a_failed_start_is_a_line_of_json(
    tmp_path, monkeypatch, arguments, before, expected, by
):
    flags = {"flag": ["--log-format", "json"], "flag with =": ["--log-format=json"], "variable": []}[by]
    if by == "variable":
        monkeypatch.setenv("ACARE_LOG_FORMAT", "json")
    line = command("serve", "--listen", "127.0.0.1:0", *flags, *arguments, before=before)
    ended = warm.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=20)
    (error,) = map(json.loads, ended.stderr.splitlines())
    assert (ended.returncode != 0, error["level"], expected in error["message"]) == (True, "error", True)


def test_a_command_reports_a_migration_outside_a_terminal(tmp_path):
    schema_2.write_to(tmp_path / "acare.db")
    ended = warm.run(command("user", "list"), cwd=tmp_path, capture_output=True, text=True, timeout=20)
    assert "acare: migrated acare.db to schema 3; the backup is" in ended.stderr
