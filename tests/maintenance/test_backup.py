"""Making backups: verified copies, snapshots while others write, and deleting old ones."""

import errno
import hashlib
import os
import re
import stat
from pathlib import Path

import pytest
from support.backups import OWNER, back_up, fill, leave_log, names
from support.files import edit, listing

from acare.database import wal
from acare.database.file import checksum_file
from acare.errors import DatabaseRefused
from acare.maintenance.backup import verify

# --- making one


def test_file_and_log_become_one_private_backup_with_a_checksum(path, folder):
    leave_log(path, "Ana", "Bea")  # as a killed server does
    backup = back_up(path, folder / "of" / "today")
    digest = hashlib.sha256(backup.read_bytes()).hexdigest()
    assert names(backup) == ["Ana", "Bea"]
    assert backup.read_bytes()[18:20] == b"\1\1"  # not WAL (sqlite.org/fileformat.html, 1.3.3)
    assert re.fullmatch(r"acare-\d{8}T\d{6}\.\d{3}Z\.db", backup.name)
    assert listing(backup.parent) == [backup.name, f"{backup.name}.sha256"]
    assert checksum_file(backup).read_text() == f"{digest}  {backup.name}\n"  # as sha256sum reads it
    assert {stat.S_IMODE(file.stat().st_mode) for file in backup.parent.iterdir()} == {0o600}


def test_a_left_log_is_in_the_backup_if_the_disk_is_full(path, folder, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    leave_log(path, "Ana", "Bea")
    monkeypatch.setattr(wal, "sync", fail)
    assert names(back_up(path, folder)) == ["Ana", "Bea"]


def test_a_backup_without_a_folder_is_in_backups(run, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(path)
    Path("backups").mkdir()
    assert Path(run("backup").out.strip()).parent == Path("backups")


@pytest.mark.parametrize("name", ["naïve 客户.db", "a b?c#d%20'.db", os.fsdecode(b"\xff.db")])
def test_a_database_of_any_name_is_backed_up(tmp_path, folder, name):
    fill(tmp_path / name, "Ana")
    assert verify(back_up(tmp_path / name, folder / name)) == 1


def test_a_backup_has_nothing_of_what_was_deleted_earlier(path, folder):
    fill(path, "Zaphodina")
    edit(path, "DELETE FROM clients; DELETE FROM client_history; DELETE FROM clients_to_index")
    edit(path, "INSERT INTO clients_search (clients_search) VALUES ('rebuild')")
    path.write_bytes(path.read_bytes() + b"Zaphodina".ljust(4096))  # a page that is no longer used
    assert b"Zaphodina" not in back_up(path, folder).read_bytes()


def test_a_backup_belongs_to_the_owner_of_the_database(path, folder):
    fill(path)
    os.chown(path, *OWNER)
    backup = back_up(path, folder)
    owners = {(file.stat().st_uid, file.stat().st_gid) for file in (backup, checksum_file(backup))}
    assert owners == {OWNER}


# --- --keep


@pytest.mark.parametrize("keep", [2, None])
def test_keep_deletes_all_but_the_newest(run, path, folder, keep):
    fill(path)
    folder.mkdir()
    arguments = ["--keep", keep] if keep else []
    made = [Path(run("backup", folder, *arguments).out.strip()).name for _ in range(4)]
    kept = [name + ending for name in made[-(keep or 4) :] for ending in ("", ".sha256")]
    assert listing(folder) == sorted(kept)


def test_keep_deletes_no_other_file(path, folder):
    fill(path)
    folder.mkdir()
    others = """
        acare.db acare-Z.db acare-2026Z.db notes.txt
        acare-20260715T143210.000Z.db.gz acare-20260715T143210Z.db
        acare-old-20260715T143210.000Z.db my-acare-20260715T143210.000Z.db
    """.split()
    for name in others:
        (folder / name).write_text("mine")
    made = [back_up(path, folder, keep=1) for _ in range(2)][-1]
    assert set(listing(folder)) == {*others, made.name, f"{made.name}.sha256"}


def test_a_failed_backup_deletes_no_older_one(path, folder):
    fill(path, "Ana")
    good = back_up(path, folder)
    edit(path, "DELETE FROM clients_search")
    with pytest.raises(DatabaseRefused):
        back_up(path, folder, keep=1)
    assert listing(folder) == [good.name, f"{good.name}.sha256"]


def test_compacting_repairs_a_wrong_full_text_index(run, path, folder):
    fill(path, "Ana")
    folder.mkdir()
    edit(path, "DELETE FROM clients_search")
    assert "the full-text index, which 'acare compact' rebuilds" in run("backup", folder).err
    assert run("compact").code == 0
    assert verify(back_up(path, folder)) == 1


# --- failures


def test_a_missing_folder_is_not_created(run, path, folder):
    """Its disk may not be mounted."""
    fill(path)
    refused = run("backup", folder)
    assert refused.err == f"acare: {folder}: no backup was made: No such file or directory\n"
    assert (refused.code, listing(path.parent)) == (1, ["acare.db"])


@pytest.mark.parametrize(("name", "times"), [("fsync", 1), ("fsync", 2), ("replace", 1), ("replace", 2)])
def test_a_disk_that_is_full_at_the_end_leaves_nothing(path, folder, run, fail, name, times):
    fill(path)
    folder.mkdir()
    fail(name, times)
    assert run("backup", folder).is_refusal()
    assert listing(folder) == []


def test_a_backup_is_synced_before_it_gets_its_name(path, folder, renamed, synced):
    fill(path)
    renamed.clear()
    back_up(path, folder)
    assert renamed == [True, True]
    assert folder.stat().st_ino in synced  # the names survive a power cut
