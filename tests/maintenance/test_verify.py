"""Verifying a backup: what is found with its checksum, and what without."""

import os
import subprocess

import pytest
from support.backups import content, fill, names, sign
from support.files import edit, listing

from acare.database.file import checksum_file
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance.restore import restore

PAGE = 4096


def test_verifying_an_intact_backup_changes_nothing(run, backup):
    renamed = backup.with_name("monday.db")
    renamed.hardlink_to(backup)  # as tools do that keep many generations
    checksum_file(backup).rename(checksum_file(renamed))
    before = renamed.read_bytes(), listing(renamed.parent)
    assert run("verify", renamed) == (0, f"{renamed}: OK, 20 clients\n", "")
    assert (renamed.read_bytes(), listing(renamed.parent)) == before
    renamed.with_name("monday.db-wal").touch()  # as a killed command may leave it
    assert run("verify", renamed).code == 0


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
    "another name in the JSON": lambda content: content.replace(b'e":"Client 7', b'e":"Client 8', 1),
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


# What is stored of a client, version and JSON: an old version, and the response to its creation.
OLD = (
    "INSERT INTO client_history (client_id, version, json, ended_at, deleted) "
    "SELECT id, {}, {}, updated_at, 1 FROM clients LIMIT 1"
)
RESPONSE = (
    "INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) "
    "SELECT user_id, 'key', zeroblob(32), id, {}, created_at FROM clients LIMIT 1"
)

EDITS = {
    "an old version that is no JSON": OLD.format(1, "json || '}'"),
    "an old version of another client": OLD.format(1, "json_set(json, '$.id', 'x')"),
    "an old version with another number": OLD.format(0, "json"),
    "an old version of an unknown owner": OLD.format(1, "json_set(json, '$.user_id', 'x')"),
    "an old version with an unknown field": OLD.format(1, "json_set(json, '$.emaim', 'x')"),
    "a response that is no JSON": RESPONSE.format("'{'"),
    "a response about another client": RESPONSE.format("json_set(json, '$.id', 'x')"),
    "a response with an unknown owner": RESPONSE.format("json_set(json, '$.user_id', 'x')"),
    "a response with an unknown field": RESPONSE.format("json_set(json, '$.emaim', 'x')"),
    "a feed without a client": "DELETE FROM client_changes WHERE revision = 7",
    "a change of an unknown user": (
        "INSERT INTO client_changes SELECT 99, id, 1, 'x', updated_at FROM clients LIMIT 1"
    ),
    "a change of an unknown client": "INSERT INTO client_changes SELECT 99, 'x', 1, id, NULL FROM users",
    "an index without a client": "DELETE FROM clients_search WHERE rowid = (SELECT max(seq) FROM clients)",
    "a time in another format": (
        "PRAGMA ignore_check_constraints = ON; UPDATE users SET created_at = '2026-01-01'"
    ),
    "a wrong total": "UPDATE client_totals SET total = total + 1",
    "wrong totals with the right sum": (
        "UPDATE client_totals SET total = 1; INSERT INTO client_totals VALUES ('x', 'buyer', 'active', 19)"
    ),
    "text that is not UTF-8": "UPDATE client_totals SET client_type = CAST(x'ff' AS TEXT)",
    "clients without an owner": "PRAGMA foreign_keys = OFF; DELETE FROM users",
    "an unknown role": "PRAGMA ignore_check_constraints = ON; UPDATE users SET role = 'owner'",
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
