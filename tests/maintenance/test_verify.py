"""Verifying a backup: what is found with its checksum, and what without."""

import os
import subprocess

import pytest
from support.backups import content, fill, names, sign
from support.files import edit, listing

from acare.database.copying import checksum_file
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance.restore import restore

PAGE = 4096


def test_verifying_an_intact_backup_changes_nothing(run, backup):
    renamed = backup.with_name("monday.db")
    backup.rename(renamed)
    checksum_file(backup).rename(checksum_file(renamed))
    before = renamed.read_bytes(), listing(renamed.parent)
    assert run("verify", renamed) == (0, f"{renamed}: OK, 20 clients\n", "")
    assert (renamed.read_bytes(), listing(renamed.parent)) == before


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_backup_with_a_log_is_refused_and_unchanged(run, backup, path, ending):
    before = backup.read_bytes()
    backup.with_name(backup.name + ending).write_bytes(content("Old").log)
    assert run("verify", backup).is_refusal()
    assert run("restore", backup).is_refusal()
    assert (backup.read_bytes(), path.exists()) == (before, False)


# --- damage


def page(content, number):
    return content[number * PAGE : (number + 1) * PAGE]


CORRUPTIONS = {
    "nothing": lambda content: b"",
    "the first page alone": lambda content: page(content, 0),
    "a byte less": lambda content: content[:-1],
    "a page less": lambda content: content[:-PAGE],
    "a page of zeros": lambda content: content.replace(page(content, 2), bytes(PAGE), 1),
    "another name": lambda content: content.replace(b"Client 7", b"Client 8", 1),
    "a byte more": lambda content: content + b"\0",
    "a page of zeros more": lambda content: content + bytes(PAGE),
    "something else": lambda content: b"x" * len(content),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_copy_is_refused_in_one_line(run, backup, name):
    backup.write_bytes(CORRUPTIONS[name](backup.read_bytes()))
    assert run("verify", backup).is_refusal()
    if name != "another name":  # within a text, only the checksum can tell
        sign(backup)
        assert run("verify", backup).is_refusal()


EDITS = {
    "a wrong total": "UPDATE client_totals SET total = total + 1",
    "wrong totals with the right sum": (
        "UPDATE client_totals SET total = 1; INSERT INTO client_totals VALUES ('x', 'buyer', 'active', 19)"
    ),
    "text that is not UTF-8": "UPDATE client_totals SET client_type = CAST(x'ff' AS TEXT)",
    "clients without an owner": "PRAGMA foreign_keys = OFF; DELETE FROM users",
    "a version of 0": "PRAGMA ignore_check_constraints = ON; UPDATE clients SET version = 0",
    "a table less": "DROP TABLE client_totals",
    "a newer schema": f"PRAGMA user_version = {SCHEMA_VERSION + 1}",
    "another program": "PRAGMA application_id = 7",
}


@pytest.mark.parametrize("script", EDITS.values(), ids=EDITS)
def test_wrong_content_is_refused_despite_its_checksum(run, backup, path, tmp_path, script):
    edit(backup, script)
    sign(backup)
    fill(path, "Old")
    before = listing(tmp_path)
    assert run("verify", backup).is_refusal()
    assert run("restore", backup).is_refusal()
    assert (names(path), listing(tmp_path)) == (["Old"], before)


# --- checksums


CHECKSUMS = {
    "none": lambda checksum: checksum.unlink(),
    "no text": lambda checksum: checksum.write_bytes(b"\xff\xfe"),
    "wrong": lambda checksum: checksum.write_text(f"{'0' * 64}  {checksum.stem}\n"),
    "a folder": lambda checksum: (checksum.unlink(), checksum.mkdir()),
}


@pytest.mark.parametrize("spoil", CHECKSUMS.values(), ids=CHECKSUMS)
def test_a_backup_without_its_checksum_is_refused(run, backup, path, spoil):
    fill(path, "Old")
    spoil(checksum_file(backup))
    assert run("verify", backup).is_refusal()
    assert run("restore", backup).is_refusal()
    assert names(path) == ["Old"]


def test_a_backup_can_be_used_with_a_new_checksum(run, backup, path):
    checksum_file(backup).unlink()
    assert "make a new one with sha256sum" in run("verify", backup).err
    with checksum_file(backup).open("w") as file:
        subprocess.run(["sha256sum", backup], stdout=file, check=True)
    assert run("verify", backup).code == 0
    assert run("restore", backup).code == 0
    assert len(names(path)) == 20


# --- files that are not regular


@pytest.mark.parametrize("name", ["nothing.db", "mine", "fifo", "loop"])
def test_only_a_regular_file_is_verified_or_restored(run, backup, path, tmp_path, name):
    fill(path, "Old")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    assert run("verify", tmp_path / name).is_refusal()
    assert run("restore", tmp_path / name).is_refusal()
    assert names(path) == ["Old"]


def test_a_backup_that_changes_meanwhile_is_not_restored(backup, path, monkeypatch):
    def change_and_copy(source, target):
        target.write(source.read().replace(b"Client 7", b"Client 8"))

    fill(path, "Old")
    monkeypatch.setattr("shutil.copyfileobj", change_and_copy)
    with pytest.raises(DatabaseRefused, match="its SHA-256 differs"):
        restore(backup, path)
    assert names(path) == ["Old"]
