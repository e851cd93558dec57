"""A database file: creating one, and refusing files that acare should not open, unchanged."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest
from support import command
from support.backups import back_up, leave_log
from support.files import contents, edit, leave_in_log, query
from support.keys import new_key
from support.threads import in_threads

from acare.auth import OPERATOR
from acare.database import file, schema
from acare.database.database import Database
from acare.database.disk import PREFIX, copy_owner, temporary
from acare.errors import DatabaseRefused
from acare.maintenance.restore import restore
from acare.store.keys import KeyStore


def make_with_key(path, email="first@example.com"):
    """A database with one key in it."""
    with closing(Database(path)) as database:
        new_key(KeyStore(database), email, {})


def emails(path):
    """The users of its keys."""
    with closing(Database(path)) as database:
        return sorted(key["email"] for key in KeyStore(database).list(OPERATOR).rows)


# --- creating one


def test_a_new_file_is_private_and_marked_as_ours(path):
    Database(path).close()
    assert (stat.S_IMODE(path.stat().st_mode), os.listdir(path.parent)) == (0o600, [path.name])
    found = [
        query(path, f"PRAGMA {name}")[0][0] for name in ("application_id", "user_version", "integrity_check")
    ]
    assert found == [file.APPLICATION_ID, schema.SCHEMA_VERSION, "ok"]


def test_the_name_of_a_new_file_is_synced(path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    Database(path).close()
    assert path.parent.stat().st_ino in synced


def test_a_database_is_found_through_a_symbolic_link(path):
    make_with_key(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    assert emails(link) == ["first@example.com"]


def test_threads_that_create_a_file_at_once_share_it(tmp_path):
    for attempt in range(3):
        path = tmp_path / f"{attempt}.db"
        in_threads(4, lambda n, path=path: make_with_key(path, f"{n}@example.com"))
        assert emails(path) == [f"{n}@example.com" for n in range(4)]


# --- files that are refused and not changed


def with_its_log(path):
    """A file of another program after a crash: what was written last is in the log alone."""
    edit(path, "PRAGMA journal_mode = WAL")
    leave_in_log(path, "CREATE TABLE songs (title)")


def of_a_newer_schema(path):
    make_with_key(path)
    edit(path, f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")


def of_a_newer_schema_with_its_copy(path):
    of_a_newer_schema(path)
    path.with_name(f"acare.db.schema-{schema.SCHEMA_VERSION}.db").touch()


def cut_off(path):
    Database(path).close()
    os.truncate(path, path.stat().st_size // 4)


def a_log_alone(path):
    """SQLite would apply it to the new file."""
    leave_log(path, "Ana")
    path.unlink()


REFUSED = {
    "a text": (lambda path: path.write_text("Dear diary,\n" * 1000), "file is not a database"),
    "another program's": (
        lambda path: edit(path, "CREATE TABLE songs (title)"),
        "a database of another program",
    ),
    "another program's with a log": (with_its_log, "a database of another program"),
    "a newer schema": (of_a_newer_schema, "created by a newer version of acare"),
    "a newer schema with a copy": (
        of_a_newer_schema_with_its_copy,
        rf"acare.db.schema-{schema.SCHEMA_VERSION}.db, made before its migration, can be restored",
    ),
    "a file that was cut off": (cut_off, "database disk image is malformed"),
    "a folder": (lambda path: path.mkdir(), "Is a directory"),
    "a dangling link": (lambda path: path.symlink_to("missing.db"), "No such file or directory"),
    "a log alone": (a_log_alone, "wal"),
    "an empty file": (lambda path: path.touch(), "the file is empty"),
}


def assert_refused(path, reason):
    """DatabaseRefused in one line, and no file is changed or created."""
    before = contents(path.parent) if path.parent.exists() else None
    with pytest.raises(DatabaseRefused, match=rf"(?s)\A[^\n]*{reason}[^\n]*\Z"):
        Database(path).close()
    assert before == (contents(path.parent) if path.parent.exists() else None)


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_ours_is_refused_unchanged(path, make, reason):
    make(path)
    assert_refused(path, rf"acare\.db: [^\n]*{reason}")


def test_an_empty_log_of_a_file_without_wal_mode_is_ignored(path):
    """As a power cut in a restore leaves it, or a backup that is copied next to it."""
    make_with_key(path)
    edit(path, "PRAGMA journal_mode = DELETE")
    path.with_name("acare.db-wal").touch()
    assert emails(path) == ["first@example.com"]


def test_a_missing_folder_is_refused_and_not_created(tmp_path):
    assert_refused(tmp_path / "missing" / "acare.db", r"acare\.db: No such file or directory")


def test_a_read_only_file_is_refused_unchanged(path, monkeypatch):
    make_with_key(path)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may write whatever the mode says
    assert_refused(path, r"acare\.db: Permission denied; [^\n]*belongs to \w+")


def test_an_old_sqlite_is_refused(path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 4))
    assert_refused(path, r"SQLite \S+ is too old: acare needs 3\.40\.0 or newer")
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 0))
    Database(path).close()


# --- temporary files: a killed process leaves them, and the next command in the folder removes them


WORK = {
    "start": lambda database, folder: Database(database).close(),
    "backup": back_up,
    "restore": lambda database, folder: restore(back_up(database, folder.parent), database),
    "export": lambda database, folder: command.run("export", folder / "all.csv", "--database", database),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_temporary_files_of_a_killed_process_are_removed(tmp_path, work):
    folder = tmp_path / "work"
    folder.mkdir()
    Database(folder / "acare.db").close()
    (folder / f"{PREFIX}killed").mkdir()
    for name in ("killed/acare.db", "killed/acare.db-journal"):
        (folder / f"{PREFIX}{name}").write_bytes(b"a client")
    work(folder / "acare.db", folder)
    assert list(folder.glob(f"{PREFIX}*")) == []


def test_a_temporary_file_in_use_is_not_removed(tmp_path):
    """Nor is a new folder, which a process is about to lock."""
    new, left = (tmp_path / f"{PREFIX}{name}" for name in ("new", "left"))
    for folder in (new, left):
        folder.mkdir()
    os.utime(left, (0, 0))
    with temporary(tmp_path / "all.csv") as used:
        Database(tmp_path / "acare.db").close()
        assert list(tmp_path.glob(f"{PREFIX}*/*")) == [used]
        assert {*tmp_path.glob(f"{PREFIX}*")} == {new, used.parent}


def test_an_owner_is_not_copied_through_a_link(tmp_path, monkeypatch):
    """The user of the folder could make root give them any file."""
    changed, source = [], os.stat_result(range(10))  # of user 4, group 5
    monkeypatch.setattr(os, "chown", lambda path, *owner, **options: changed.append((path, owner, options)))
    target = tmp_path / "link"
    target.symlink_to("/etc/passwd")
    copy_owner(source, target)
    assert changed == [(target, (4, 5), {"follow_symlinks": False})]
