"""Verifying a backup: what is found with its checksum, and what without."""

import os
import subprocess

import pytest
from support.backups import content, leave_log, names, sign
from support.files import contents, edit, listing

from acare.database.file import checksum_file
from acare.database.schema import SCHEMA_VERSION

PAGE = 4096


def test_verifying_an_intact_backup_changes_nothing(run, backup):
    renamed = backup.with_name("monday.db")
    backup.rename(renamed)
    checksum_file(backup).rename(checksum_file(renamed))
    before = renamed.read_bytes(), listing(renamed.parent)
    assert run("verify", renamed) == (0, f"{renamed}: OK, 20 clients\n", "")
    assert (renamed.read_bytes(), listing(renamed.parent)) == before
    renamed.with_name("monday.db-wal").touch()  # as a killed command may leave it
    assert run("verify", renamed).code == 0


# --- damage


def page(content, number):
    return content[number * PAGE : (number + 1) * PAGE]


CORRUPTIONS = {
    "nothing": lambda content: b"",
    "a byte less": lambda content: content[:-1],
    "a page of zeros": lambda content: content.replace(page(content, 2), bytes(PAGE), 1),
    "another name": lambda content: content.replace(b"Client 7", b"Client 8", 1),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupt_copy_is_refused_in_one_line(run, backup, name):
    backup.write_bytes(CORRUPTIONS[name](backup.read_bytes()))
    assert run("verify", backup).is_refusal()
    if name != "another name":  # within a text, only the checksum can tell
        sign(backup)
        assert run("verify", backup).is_refusal()


EDITS = {
    "an index without a client": "DELETE FROM clients_search WHERE rowid = (SELECT max(seq) FROM clients)",
    "a time in another format": (
        "PRAGMA ignore_check_constraints = ON; UPDATE users SET created_at = '2026-01-01'"
    ),
    "clients without an owner": "PRAGMA foreign_keys = OFF; DELETE FROM users",
    "a table less": "DROP TABLE client_totals",
    "a newer schema": f"PRAGMA user_version = {SCHEMA_VERSION + 1}",
    "another program": "PRAGMA application_id = 7",
}


# --- what is refused, whether it is verified or restored


def as_signed(script):
    """The edit of a backup that gets a checksum of its own."""
    return lambda backup: (edit(backup, script), sign(backup))


def with_log(ending):
    return lambda backup: backup.with_name(backup.name + ending).write_bytes(content("Old").log)


REFUSED = {
    **{name: as_signed(script) for name, script in EDITS.items()},
    "a log": with_log("-wal"),
    "a journal": with_log("-journal"),
    "no checksum": lambda backup: checksum_file(backup).unlink(),
    "a wrong checksum": lambda backup: checksum_file(backup).write_text(f"{'0' * 64}  {backup.name}\n"),
    "nothing": lambda backup: backup.unlink(),
    "a FIFO": lambda backup: (backup.unlink(), os.mkfifo(backup)),
}


@pytest.mark.parametrize("spoil", REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_a_backup_is_refused(run, backup, path, spoil):
    leave_log(path, "Old")
    spoil(backup)
    before = contents(backup.parent), contents(path.parent)
    assert run("verify", backup).is_refusal()
    assert run("restore", backup).is_refusal()
    assert (contents(backup.parent), contents(path.parent), names(path)) == (*before, ["Old"])


# --- the checksum


def test_a_backup_can_be_used_with_a_new_checksum(run, backup, path):
    checksum_file(backup).unlink()
    assert "make a new one with sha256sum" in run("verify", backup).err
    with checksum_file(backup).open("w") as file:
        subprocess.run(["sha256sum", backup], stdout=file, check=True)
    assert run("verify", backup).code == 0
    assert run("restore", backup).code == 0
    assert len(names(path)) == 20
