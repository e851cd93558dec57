"""Messages about a database that cannot be used, and about unknown variables."""

import json
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
from support.client import Api
from support.data import UNKNOWN_ID

import acare
from acare.cli import export, main
from acare.database.writer import Writer
from acare.errors import StoreUnavailable
from acare.store import search

Printed = namedtuple("Printed", "code out err")


@pytest.fixture(autouse=True)
def _in_a_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(capsys):
    def run(command):
        code = main(command.split())
        return Printed(code, *capsys.readouterr())

    return run


@pytest.fixture
def client_id():
    """A client with one old version, of ana@example.com."""
    with acare.create_app(database="acare.db") as app:
        api = Api(app, app.keys.create("ana@example.com", {"all": ["read", "write"]}).key)
        made = api.create()["id"]
        api.put(made, {"notes": "x"})
    return made


# --- a full disk


@pytest.fixture
def full_disk(monkeypatch):
    """No write succeeds. (tests/store/test_disk.py fills real disks.)"""

    def fail(writer, work):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(Writer, "run", fail)


WRITING = [
    "key create --user ben@example.com",
    "key revoke --user ana@example.com",
    "user add ben@example.com",
    "undelete CLIENT_ID",
    "erase CLIENT_ID --yes",
    "purge --older-than 0 --quiet",
    "transfer --from ana@example.com --to ana@example.com",
]


@pytest.mark.parametrize("command", WRITING)
def test_a_full_disk_is_reported_with_path_and_outcome(run, client_id, full_disk, command):
    printed = run(command.replace("CLIENT_ID", client_id))
    assert printed == (1, "", "acare: acare.db: the disk is full; nothing was changed\n")


def test_an_erasure_succeeds_if_the_disk_is_full_afterwards(run, client_id, monkeypatch):
    """Only the deleted rows are not overwritten yet."""

    def fail(*arguments):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(search, "erase_deleted_words", fail)
    monkeypatch.setattr(Writer, "empty_log", fail)
    printed = run(f"erase {client_id} --yes")
    assert (printed.code, printed.out.startswith("Erased Jordan Lee")) == (0, True)
    assert all(said in printed.err for said in ("still in the log", "search index"))


def test_opening_a_database_reports_a_full_disk(run, client_id, monkeypatch, tmp_path):
    def fail(*arguments):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("acare.database.migrations.open_file", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(0))
    printed = run("key list")
    reason = f"disk I/O error; only 0.0 MiB are free on the disk of {tmp_path}"
    assert printed == (1, "", f"acare: acare.db: cannot be opened: {reason}; it was not changed\n")


def test_a_backup_on_a_full_disk_names_the_folder(run, client_id, monkeypatch):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("acare.maintenance.backup.copy_verified", fail)
    printed = run("backup copies --quiet")
    assert printed == (1, "", "acare: copies: no backup was made: No space left on device\n")


def test_a_file_that_cannot_be_written_is_named(run, client_id, monkeypatch):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export._WRITERS, "jsonl", fail)
    printed = run("export clients.jsonl")
    assert printed == (1, "", "acare: clients.jsonl: not written: No space left on device\n")


# --- an empty file

READING = [
    "key list", f"key revoke {UNKNOWN_ID}", "user list", "find lee", "export", "backup", "verify acare.db",
    "status", f"history {UNKNOWN_ID}", f"undelete {UNKNOWN_ID}", f"erase {UNKNOWN_ID}", "compact",
    "purge --older-than 0",
]  # fmt: skip


@pytest.mark.parametrize("command", READING)
def test_an_empty_file_does_not_become_a_database(run, tmp_path, command):
    (tmp_path / "acare.db").touch()
    printed = run(command)
    assert (printed.code, printed.err) == (
        1,
        "acare: acare.db: the file is empty, so it is not a database of acare\n",
    )
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("acare.db", 0)]


def test_the_first_key_makes_a_database_of_an_empty_file(run, tmp_path):
    (tmp_path / "acare.db").touch()
    assert run("key create --user ana@example.com").code == 0


# --- variables


@pytest.mark.parametrize("name", ["ACARE_DB", "ACARE_DATABASE_URL", "ACARE_PORT"])
def test_an_unknown_variable_is_named_and_ignored(run, client_id, monkeypatch, name):
    monkeypatch.setenv(name, "secret")
    printed = run("key list")
    assert (printed.code, printed.err) == (0, f"acare: unknown variables are ignored: {name}\n")


def test_in_a_json_log_the_warning_is_json(run, monkeypatch):
    monkeypatch.setenv("ACARE_DB", "x")
    monkeypatch.setenv("ACARE_THREADS", "0")
    lines = run("serve --log-format json").err.splitlines()
    assert [json.loads(line)["message"].split(":")[1] for line in lines] == [
        " unknown variables are ignored",
        " ACARE_THREADS",
    ]


def test_variables_of_the_test_suite_are_not_named(run, client_id, monkeypatch):
    monkeypatch.setenv("ACARE_TEST_KILLS", "1")
    assert run("key list").err == ""


def test_a_misspelt_variable_is_reported_once(run, monkeypatch):
    monkeypatch.setenv("ACARE_DATABSE", "x")
    printed = run("key list")
    assert printed.err.count("ACARE_DATABSE") == 1


# --- an old backup that cannot be deleted


def test_a_backup_is_named_if_an_old_one_cannot_be_deleted(run, client_id, monkeypatch):
    first, unlink = run("backup copies --quiet").out.strip(), Path.unlink

    def fail(path, missing_ok):
        if str(path) == first:
            raise PermissionError(13, "Permission denied", first)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", fail)
    printed = run("backup copies --quiet --keep 1")
    (second,) = {str(path) for path in Path("copies").glob("*.db")} - {first}
    assert printed.code == 1
    assert printed.err == (
        f"acare: {first}: the old backup cannot be deleted: Permission denied; the new backup is {second}\n"
    )
