"""``acare status``."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import schema_2
from support.client import Api

import acare
from acare.database.access import size_text
from acare.database.copying import checksum_file
from acare.database.schema import SCHEMA_VERSION
from acare.maintenance import status
from acare.maintenance.backup import back_up

IN_13_DAYS = (datetime.now(UTC) + timedelta(days=13)).date()


@pytest.fixture
def path(tmp_path):
    """A database with two clients and three keys, of which one was used and one is revoked."""
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        keys = [app.keys.create(f"{name}@example.com", {"all": ["write", "read"]}) for name in "abc"]
        app.keys.revoke(keys[2].id)
        for _ in range(2):
            Api(app, keys[0].key).create()
    return tmp_path / "acare.db"


@pytest.fixture
def folder(path):
    """A folder with a backup."""
    return back_up(path, path.with_name("backups")).parent


def test_it_shows_counts_and_sizes(run, path):
    shown = json.loads(run("status", "--json").out)
    names = ("clients", "users", "keys_active", "keys_expiring", "keys_never_used", "schema", "processes")
    assert [shown[name] for name in names] == [2, 3, 2, 0, 1, SCHEMA_VERSION, []]
    assert (shown["file_size"], shown["log_size"]) == (path.stat().st_size, 0)
    assert shown["disk_free"] > 0


def test_as_text_it_has_a_line_for_each(run, folder):
    printed = run("status", "--backups", folder)
    assert (len(printed.out.splitlines()), printed.err) == (9, "")
    assert printed.out.endswith("hours old, intact\n")


def test_large_sizes_are_in_gib():
    assert [size_text(size) for size in (1024 * 1536, 2**30 - 2**20, 75_161_927_680)] == [
        "1.5 MiB", "1023.0 MiB", "70.0 GiB"
    ]  # fmt: skip


def test_it_changes_nothing(run, path, tmp_path):
    before = sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir())
    run("status")
    assert sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir()) == before


def test_it_shows_which_process_has_the_file_open(run, path):
    with acare.create_app(database=path) as app:
        app.keys.any()
        assert json.loads(run("status", "--json").out)["processes"] == [os.getpid()]


# --- what needs attention


def expiring_key(path, folder, monkeypatch):
    with acare.create_app(database=path) as app:
        app.keys.create("d@example.com", {}, name="CRM sync", expires_in_days=13)


def full_disk(path, folder, monkeypatch):
    monkeypatch.setattr(status, "LOW_DISK", 2**60)


def long_log(path, folder, monkeypatch):
    monkeypatch.setattr(status, "MAX_PAGES", -1)


def no_backup(path, folder, monkeypatch):
    next(folder.glob("*.db")).unlink()


def old_backup(path, folder, monkeypatch):
    """A copy of one: its own time is the time of the copying."""
    (backup,) = folder.glob("*.db")
    ago = datetime.now(UTC) - timedelta(hours=49)
    checksum_file(backup).rename(checksum_file(older := folder / f"acare-{ago:%Y%m%dT%H%M%S}.000Z.db"))
    backup.rename(older)


def unreadable_folder(path, folder, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)


def full_backup_disk(path, folder, monkeypatch):
    usage = shutil.disk_usage
    little = usage(folder)._replace(free=path.stat().st_size - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: little if place == folder else usage(place))


def read_only_file(path, folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)


def older_schema(path, folder, monkeypatch):
    path.unlink()
    schema_2.write_to(path)


def damaged_backup(path, folder, monkeypatch):
    with next(folder.glob("*.db")).open("ab") as content:
        content.write(b"x")


def no_checksum(path, folder, monkeypatch):
    checksum_file(next(folder.glob("*.db"))).unlink()


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (
            expiring_key,
            f" of d@example.com (CRM sync) expires on {IN_13_DAYS}\n",
        ),
        (older_schema, "the schema is 2; it is migrated to 3 when the file is opened"),
        (read_only_file, "this user cannot write to the file"),
        (full_disk, "free on the disk"),
        (long_log, "the log has"),
        (unreadable_folder, "backups: Permission denied"),
        (full_backup_disk, "no room for another backup"),
        (no_backup, "there is no backup in"),
        (old_backup, "49 hours old"),
        (damaged_backup, "damaged"),
        (no_checksum, "is missing"),
    ],
)
def test_what_needs_attention_is_one_line_and_exit_code_1(run, path, folder, monkeypatch, harm, reason):
    run("status", "--backups", folder)
    harm(path, folder, monkeypatch)
    printed = run("status", "--backups", folder, status=1)
    assert (printed.err.count("\n"), reason in printed.err) == (1, True)


@pytest.mark.parametrize("what", ["backup", "checksum"])
def test_a_backup_that_cannot_be_read_is_not_called_damaged(run, folder, monkeypatch, what):
    (backup,) = folder.glob("*.db")
    denied, opened = backup if what == "backup" else checksum_file(backup), Path.open

    def refuse(path, *arguments, **options):
        if path == denied:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    printed = run("status", "--backups", folder, status=1)
    assert ("DAMAGED" in printed.out, "unreadable" in printed.out) == (False, True)
    assert f"{denied}: unreadable: Permission denied" in printed.err


def newer_schema(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (Path.unlink, "the database does not exist"),
        (newer_schema, "created by a newer version of acare"),
        (lambda path: path.write_bytes(b"x" * 5000), "not an SQLite database"),
        (lambda path: path.write_bytes(path.read_bytes()[:8192]), "damaged"),
    ],
    ids=["missing", "newer schema", "another file", "damaged"],
)
def test_a_file_that_cannot_be_opened_is_reported_in_one_line(run, path, harm, reason):
    harm(path)
    printed = run("status", "--json", status=1)
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert reason in printed.err
