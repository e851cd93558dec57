"""Restoring a backup: the old database is kept, and a failed restore changes nothing."""

import os
import re
import stat
from pathlib import Path

import pytest
from support.backups import content, fill, leave_log, names
from support.files import edit, listing, snapshot, write_lock

import acare
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance.backup import verify
from acare.maintenance.restore import restore


def restored_name(printed):
    """The new name of the old database, as the command prints it."""
    return Path(re.search(r"renamed to (/.*)\.\n", printed.out)[1])


def test_a_restore_keeps_the_old_database_and_the_backup(run, backup, path):
    leave_log(path, "Old", "In the log")
    path.chmod(0o600)
    backup.chmod(0o644)
    before = set(listing(path.parent))
    old = restored_name(run("restore", backup))
    assert (len(names(path)), names(old), verify(backup)) == (20, ["Old", "In the log"], 20)
    assert set(listing(path.parent)) == {*before, old.name} - {"acare.db-wal"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_restored_database_is_synced_before_it_gets_its_name(backup, path, renamed, synced):
    fill(path)
    renamed.clear()
    restore(backup, path)
    assert renamed == [True]
    assert path.parent.stat().st_ino in synced


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_logs_of_a_removed_database_are_not_applied(backup, path, ending):
    leave_log(path, "Old")
    os.replace(f"{path}-wal", f"{path}{ending}")
    path.unlink()
    restore(backup, path)
    assert not os.path.exists(f"{path}{ending}")
    assert len(names(path)) == 20


def test_a_backup_of_a_newer_schema_names_the_older_file_of_the_database(run, backup, path):
    """The one that its migration left; there is none next to the backup."""
    fill(path)
    older = path.with_name(f"{path.name}.schema-{SCHEMA_VERSION}.db")
    older.touch()
    edit(backup, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    refused = run("restore", backup)
    assert refused.is_refusal()
    assert f"{older}, made before its migration, can be restored" in refused.err


# --- names that are not regular files


def test_a_restore_follows_a_symbolic_link(run, backup, path, tmp_path):
    (tmp_path / "disk").mkdir()
    fill(tmp_path / "disk" / "real.db", "Old")
    path.symlink_to("disk/real.db")
    old = restored_name(run("restore", backup))
    assert path.is_symlink()
    assert (len(names(tmp_path / "disk" / "real.db")), names(old)) == (20, ["Old"])


NOT_REPLACED = {
    "a FIFO": os.mkfifo,
    "a folder": os.mkdir,
    "a link without a target": lambda path: path.symlink_to("missing.db"),
}


@pytest.mark.parametrize("make", NOT_REPLACED.values(), ids=NOT_REPLACED)
def test_only_a_regular_file_is_replaced(run, backup, path, make):
    make(path)
    before = listing(path.parent), path.lstat().st_ino
    assert run("restore", backup).is_refusal()
    assert (listing(path.parent), path.lstat().st_ino) == before


# --- damaged databases


DAMAGES = {
    "nothing": lambda content: b"",
    "a page less": lambda content: content[:-4096],
    "a header alone": lambda content: content[:4096] + b"\xff" * (len(content) - 4096),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_database_is_replaced_and_kept_as_it_is(run, backup, path, damage):
    fill(path, "Old")
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    printed = run("restore", backup)
    assert (len(names(path)), restored_name(printed).read_bytes()) == (20, damaged)
    assert "could not be read" in printed.err


def test_a_log_is_kept_though_its_database_was_emptied(backup, path):
    """SQLite deletes a log next to an empty file; the clients may all be in it."""
    leave_log(path, "Old")
    path.write_bytes(b"")
    restore(backup, path)
    kept = [each for each in path.parent.glob("acare.db.*-wal") if each.read_bytes() == content("Old").log]
    assert (len(kept), len(names(path))) == (1, 20)


# --- open databases


USERS = {"an app": lambda path: acare.create_app(database=path), "a reader": snapshot, "a writer": write_lock}


@pytest.mark.parametrize("use", USERS.values(), ids=USERS)
def test_an_open_database_is_not_replaced(run, backup, path, use):
    fill(path, "Old")
    with use(path):
        printed = run("restore", backup)
    assert printed.is_refusal()
    assert names(path) == ["Old"]


@pytest.mark.parametrize("damage", [None, b"x" * 100], ids=["intact", "no header"])
def test_a_database_that_is_served_is_not_replaced(start, run, backup, tmp_path, damage):
    """SQLite cannot read a damaged file, so it cannot tell that another process has it open."""
    server = start()
    served = tmp_path / "served.db"
    if damage is not None:
        served.write_bytes(damage + served.read_bytes()[100:])
    before = served.read_bytes()
    printed = run("restore", backup, database=served)
    assert printed.is_refusal()
    assert f"in use by process {server.process.pid}:" in printed.err
    assert served.read_bytes() == before


# --- a restore that fails


def test_a_failed_restore_puts_the_log_back(backup, path, fail):
    leave_log(path, "Old")
    path.write_bytes(b"")  # so its log cannot be merged
    before = listing(path.parent), path.with_name("acare.db-wal").read_bytes()
    fail("replace", 2)  # the first one renames the log
    with pytest.raises(DatabaseRefused):
        restore(backup, path)
    assert (listing(path.parent), path.with_name("acare.db-wal").read_bytes()) == before
