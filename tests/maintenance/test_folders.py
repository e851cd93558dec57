"""Folders of backups: the newest is found by number, and another database leaves them alone."""

import pytest
from support import old_schema
from support.backups import back_up, fill, names, rename
from support.files import edit, listing, query, write_lock
from support.keys import new_key

import acare
from acare.database import connection
from acare.database.file import checksum_file
from acare.maintenance.restore import restore


@pytest.fixture
def used(path):
    """A database with users."""
    with acare.create_app(database=path) as app:
        new_key(app.keys, "ana@example.com", {}, role="broker")
    return path


def number(path):
    return query(path, "SELECT backups FROM identity")[0][0]


# --- which backup is the newest


def test_keep_deletes_by_number_whatever_the_clock_was(used, folder):
    rename(back_up(used, folder), days=1)
    made = [back_up(used, folder, keep=2) for _ in range(2)]
    assert sorted(folder.glob("*.db")) == made
    past = rename(back_up(used, folder), days=-99)
    newest = back_up(used, folder, keep=2)
    assert sorted(folder.glob("*.db")) == [past, newest]


def test_a_restored_database_goes_on_above_all_numbers(used, folder, tmp_path):
    first, *_ = [back_up(used, folder) for _ in range(3)]
    used.unlink()
    restore(first, used)
    assert number(back_up(used, folder)) == 4
    back_up(used, tmp_path / "other")
    restore(first, used)  # whose next backup is newer than those of both
    assert number(back_up(used, tmp_path / "third")) == 6


def test_a_backup_is_made_while_another_process_writes_for_long(used, folder, monkeypatch):
    """Then two backups have one number, and their names decide."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    first = back_up(used, folder)
    with write_lock(used):
        second = back_up(used, folder)
    third = back_up(used, folder, keep=2)
    assert [number(each) for each in (second, third)] == [1, 2]
    assert not first.exists()


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


def test_status_reports_a_backup_of_another_database(run, used, folder):
    back_up(used, folder)
    assert run("status", "--backups", folder).code == 0
    used.unlink()
    acare.create_app(database=used).close()
    printed = run("status", "--backups", folder)
    assert (printed.code, "is of another database: is the disk mounted?" in printed.err) == (1, True)


def test_files_of_schema_4_with_users_count_as_one_database(run, path, folder):
    """They have no id. A database without users is none of them."""
    old_schema.write_to(path)
    old = back_up(path, folder)
    acare.create_app(database=path).close()  # migrates it
    assert number(back_up(path, folder)) == 1
    for each in folder.iterdir():
        if old.name not in each.name:
            each.unlink()
    path.unlink()
    acare.create_app(database=path).close()
    assert run("backup", folder).is_refusal()


def test_a_restore_keeps_the_identity_of_the_replaced_database(used, folder, tmp_path):
    before = query(used, "SELECT id FROM identity")
    fill(tmp_path / "other.db", "Ana")
    restore(back_up(tmp_path / "other.db", folder), used)
    assert query(used, "SELECT id FROM identity") == before


# --- acare restore FOLDER


def test_the_newest_backup_of_a_folder_is_restored_and_named(run, path, folder):
    fill(path, "Ana")
    rename(back_up(path, folder), days=1)
    edit(path, "UPDATE clients SET first_name = 'Bea', version = version + 1")
    newest = back_up(path, folder)
    restored = run("restore", folder)
    assert f"Restored {path} from {newest}: 1 client." in restored.out
    assert names(path) == ["Bea"]


@pytest.mark.parametrize("damage", [b"x", b"", None])
def test_a_damaged_newest_backup_is_not_passed_over_in_silence(run, path, folder, damage):
    fill(path, "Ana")
    before, newest = [back_up(path, folder) for _ in range(2)]
    checksum_file(newest).unlink() if damage is None else newest.write_bytes(damage)
    refused = run("restore", folder)
    assert refused.is_refusal()
    assert f"{newest}: " in refused.err
    assert f"it is the newest backup, and the one before it is {before}: name the file" in refused.err
    assert run("restore", before).code == 0
