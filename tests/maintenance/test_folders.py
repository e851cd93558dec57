"""Folders of backups: names are the order, and neither another database nor a wrong clock deletes any."""

import os

import pytest
from support import old_schema
from support.backups import back_up, fill, names, rename
from support.files import edit, listing, query
from support.keys import new_key

import acare
from acare.maintenance.backup import verify
from acare.maintenance.restore import restore


@pytest.fixture
def used(path):
    """A database with users."""
    with acare.create_app(database=path) as app:
        new_key(app.keys, "ana@example.com", {}, role="broker")
    return path


# --- which backup is the newest


def test_names_are_the_order(used, folder):
    """The last modification may be that of a copy."""
    past = [rename(back_up(used, folder), days=-days) for days in (1, 9)]
    os.utime(past[1])
    newest = back_up(used, folder, keep=2)
    assert sorted(folder.glob("*.db")) == [past[0], newest]


def test_no_backup_is_deleted_if_one_is_later_than_now(run, used, folder):
    """The clock was wrong when that one was made, or is wrong now: a new one would be deleted before it."""
    later = rename(back_up(used, folder), minutes=2)
    refused = run("backup", folder, "--keep", 1)
    assert refused.is_refusal()
    made, kept = sorted(folder.glob("*.db"))
    assert f"{later}: the new backup is {made}, and no old one was deleted, since this one" in refused.err
    assert (kept, verify(made)) == (later, 0)
    later.rename(used.parent / later.name)
    assert run("backup", folder, "--keep", 1).code == 0


def test_a_minute_is_no_wrong_clock(used, folder):
    rename(back_up(used, folder), seconds=50)
    assert len([back_up(used, folder, keep=9) for _ in range(2)]) == 2


def test_a_name_with_an_impossible_time_is_no_backup(run, used, folder):
    newest = back_up(used, folder)
    (folder / "acare-99991301T000000.000Z.db").write_text("mine")
    assert f'file "{newest}"' in run("status", "--backups", folder).out


# --- backups of another database


def test_an_empty_database_pushes_no_backup_out(run, used, folder):
    """The disk was not mounted for 14 nights, and a server made a new database."""
    newest = [back_up(used, folder) for _ in range(3)][-1]
    mounted = used.rename(used.with_name("mounted"))
    acare.create_app(database=used).close()
    before = listing(folder)
    for _ in range(3):
        refused = run("backup", folder, "--keep", 3)
        assert refused.is_refusal()
    assert f"{used}: no backup was made: {newest} is of another database: is the disk mounted?" in refused.err
    assert listing(folder) == before
    mounted.replace(used)
    assert run("backup", folder, "--keep", 3).code == 0


def test_keep_refuses_a_folder_that_has_lost_its_backups(run, path, folder):
    """The disk of the backups was unmounted."""
    fill(path, "Ana")
    back_up(path, folder)
    mounted = folder.rename(folder.with_name("mounted"))
    folder.mkdir()
    refused = run("backup", folder, "--keep", 3)
    assert refused.is_refusal()
    assert f"{folder} has none: is its disk mounted? Make the first one without --keep" in refused.err
    assert listing(folder) == []
    folder.rmdir()
    mounted.rename(folder)
    assert run("backup", folder, "--keep", 3).code == 0


def test_status_reports_a_backup_of_another_database(run, used, folder):
    back_up(used, folder)
    assert run("status", "--backups", folder).code == 0
    used.unlink()
    acare.create_app(database=used).close()
    printed = run("status", "--backups", folder)
    assert (printed.code, "is of another database: is the disk mounted?" in printed.err) == (1, True)


def test_backups_of_schema_4_do_not_hinder_a_backup(path, folder):
    """They have no id."""
    old_schema.write_to(path)
    back_up(path, folder)
    acare.create_app(database=path).close()  # migrates it
    back_up(path, folder)


def test_a_restore_keeps_the_identity_of_the_replaced_database(used, folder, tmp_path):
    before = query(used, "SELECT id FROM identity")
    fill(tmp_path / "other.db", "Ana")
    restore(back_up(tmp_path / "other.db", folder), used)
    assert query(used, "SELECT id FROM identity") == before


# --- acare restore FOLDER


def test_the_newest_backup_of_a_folder_is_restored_and_named(run, path, folder):
    fill(path, "Ana")
    back_up(path, folder)
    edit(path, "UPDATE clients SET first_name = 'Bea', version = version + 1")
    newest = back_up(path, folder)
    restored = run("restore", folder)
    assert f"Restored {path} from {newest}: 1 client." in restored.out
    assert names(path) == ["Bea"]


def test_a_folder_with_a_backup_later_than_now_is_not_restored(run, path, folder):
    fill(path, "Ana")
    later = rename(back_up(path, folder), minutes=2)
    before = path.read_bytes()
    refused = run("restore", folder)
    assert refused.is_refusal()
    assert f"{later}: it has a time in its name that is later than now: check the clock" in refused.err
    assert path.read_bytes() == before
    assert run("restore", later).code == 0


def test_a_damaged_newest_backup_is_not_passed_over_in_silence(run, path, folder):
    fill(path, "Ana")
    before, newest = [back_up(path, folder) for _ in range(2)]
    newest.write_bytes(b"x")
    refused = run("restore", folder)
    assert (refused.is_refusal(), f"{newest}: " in refused.err) == (True, True)
    assert run("restore", before).code == 0
