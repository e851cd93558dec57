"""``acare status``."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import schema_2
from support.client import Api

import acare
from acare.auth import OPERATOR
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
        app.keys.revoke(OPERATOR, keys[2].id)
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
    assert printed.err == ""
    assert "clients:         2\n" in printed.out
    assert "processes:       none\n" in printed.out
    assert printed.out.endswith("hours old\n")


def test_it_changes_nothing(run, path, tmp_path):
    before = sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir())
    run("status")
    assert sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir()) == before


def test_it_shows_which_process_has_the_file_open(run, path):
    with acare.create_app(database=path) as app:
        app.keys.list(OPERATOR)
        assert json.loads(run("status", "--json").out)["processes"] == [os.getpid()]


# --- what needs attention


def expiring_key(path, folder, monkeypatch):
    with acare.create_app(database=path) as app:
        expires_at = f"{IN_13_DAYS}T12:00:00.000Z"
        app.keys.create("d@example.com", {}, name="CRM sync", expires_at=expires_at)


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


def read_only_file(path, folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda place, mode: False)


def older_schema(path, folder, monkeypatch):
    path.unlink()
    schema_2.write_to(path)


def damaged_backup(path, folder, monkeypatch):
    with next(folder.glob("*.db")).open("ab") as content:
        content.write(b"x")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (expiring_key, f" of d@example.com (CRM sync) expires on {IN_13_DAYS}\n"),
        (older_schema, "the schema is 2; it is migrated to 3 when the file is opened"),
        (read_only_file, "this user cannot write to the file"),
        (full_disk, "free on the disk"),
        (long_log, "the log has"),
        (no_backup, "there is no backup in"),
        (old_backup, "49 hours old"),
        (damaged_backup, "damaged"),
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
    assert "damaged" not in printed.err
    assert f"{denied}: unreadable: Permission denied" in printed.err
