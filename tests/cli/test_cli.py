"""The command line: help, usage errors, failures, and the environment."""

import json
import os
import re
import sqlite3
import subprocess
import sys

import pytest
from support.backups import fill
from support.data import UNKNOWN_ID
from support.files import contents, listing

import acare
from acare.cli.output import print_error, print_json
from acare.cli.serve import Server
from acare.database.schema import SCHEMA_VERSION

VERSION = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {sqlite3.sqlite_version})\n"

# Usage errors: each is one line, with exit code 2.
USAGE_ERRORS = [
    ("", "COMMAND"),
    ("start", "start"),
    ("key list --js", "unrecognized arguments: --js; see 'acare --help'"),
    ("key create --user a@b --expires-in-days 366", "1 to 365"),
    ("key revoke", "ID"),
    ("purge --keep-days ٣", "0 to 99999"),
    ("serve --keep-days 1", "unrecognized arguments: --keep-days"),  # it has no effect there
    ("status --url localhost:8080", "must be a base URL, such as http://127.0.0.1:8080"),
    ("import in.csv --default owner=x", "must be FIELD=VALUE with one of first_name"),
]

# Failures: each is one line, with exit code 1.
FAILURES = [
    ("key list --database none.db", "none.db"),
    ("serve --listen 203.0.113.1:8080", "203.0.113.1:8080"),
    ("serve --listen 127.0.0.1:0 --database /", "/: Is a directory"),
    ("verify .", ".: Is a directory"),  # like "", from "$(ls backups/*.db | tail -n 1)" without backups
    (f"history {UNKNOWN_ID} --database text.db", "text.db"),
]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """An empty working directory, and lines of help that do not wrap."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def cli(run, monkeypatch):
    """Runs a command line in process; a server that starts by mistake ends at once."""
    monkeypatch.setattr(Server, "run", lambda server: 0)
    return lambda command, *more, status=0: run(*command.split(), *more, status=status)


def assert_one_line(printed, said):
    assert printed.out == ""
    assert re.fullmatch(r"acare[a-z ]*: [^\n]+\n", printed.err)
    assert said in printed.err


# --- mistakes and failures


@pytest.mark.parametrize(("command", "said"), USAGE_ERRORS)
def test_a_usage_error_is_one_line(cli, command, said):
    assert_one_line(cli(command, status=2), said)


@pytest.mark.parametrize(("command", "said"), FAILURES)
def test_a_failure_is_one_line_and_changes_nothing(cli, tmp_path, command, said):
    (tmp_path / "text.db").write_text("not a database " * 20)
    before = listing(tmp_path), contents(tmp_path)
    assert_one_line(cli(command, status=1), said)
    assert (listing(tmp_path), contents(tmp_path)) == before


# --- the environment


@pytest.mark.parametrize("line", ["import in.csv", "user add a@b", "key create --user a@b", "backup ."])
def test_a_missing_database_is_named_and_not_made(cli, tmp_path, line):
    said = cli(f"{line} --database none.db", status=1).err
    assert said.startswith("acare: none.db: the database does not exist: start 'acare serve' once")
    assert list(tmp_path.iterdir()) == []


# --- as a process


def test_the_version_has_those_of_the_schema_and_of_sqlite(cli):
    assert cli("--version").out == VERSION


def test_a_reader_that_ends_early_ends_the_command(tmp_path):
    """As ``acare find | head -1`` does."""
    fill(tmp_path / "acare.db", *map(str, range(200)))
    line, env = [sys.executable, "-m", "acare", "find"], {**os.environ, "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait(20)) == (b"", 1)


# --- what a terminal would obey


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\n", "\0", "\u202e", "\u2028"])
def test_a_character_that_a_terminal_obeys_is_escaped(character, capsys):
    print_error(f"Zoë{character}[31m")
    shown = capsys.readouterr().err
    assert shown.startswith("acare: Zoë\\")
    assert (character in shown.rstrip("\n"), shown.count("\n")) == (False, 1)
    print_json(character)
    printed = capsys.readouterr().out
    assert (json.loads(printed), printed.isascii()) == (character, True)
