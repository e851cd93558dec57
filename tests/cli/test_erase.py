"""``acare erase``, ``purge`` and ``compact``."""

import json

import pytest
from support import old_schema
from support.files import snapshot
from support.page import examples, shell

from acare.database import connection
from acare.database.database import ReadOnlyDatabase
from acare.maintenance import backup
from acare.maintenance.backup import back_up

NAME = "Zaphodina"


@pytest.fixture
def person(api):
    return api.create(first_name=NAME, last_name="Beeble", email="z@example.com")["id"]


# --- erase


def test_without_yes_it_shows_the_client_and_erases_nothing(run, api, person, tmp_path):
    (tmp_path / "backups").mkdir()
    assert "nothing was searched" in run("find", NAME, "--backups", tmp_path / "backups", status=1).err
    old_schema.write_to(tmp_path / "backups" / "acare.db.schema-4.db")
    said = f"acare: nothing was erased; --yes erases {NAME} Beeble, client of broker@example.com\n"
    printed = run("erase", person, "--backups", tmp_path / "backups", status=1)
    assert (printed.out, printed.err) == (f"No backup in {tmp_path / 'backups'} has the client.\n", said)
    assert api.get(f"/v1/clients/{person}").json["data"]["first_name"] == NAME


def test_what_an_old_backup_brings_back_is_erased_again_as_printed(run, app, person, tmp_path):
    copy = back_up(app.database.path, tmp_path / "backups")
    run("erase", "--yes", person)
    run("restore", "--database", tmp_path / "restored.db", copy)
    (tmp_path / "erased.txt").write_text(f"{person}\n")
    (line,) = examples("sh", "After a total loss")
    first, second = [shell(line, tmp_path, ACARE_DATABASE="restored.db").stdout for _ in range(2)]
    assert first.startswith(f"Erased {NAME} Beeble, client of broker@example.com")
    assert second.startswith(f"The client {person} was erased at 20")


def test_backups_that_still_have_a_deleted_client_are_found_and_listed(run, app, api, person, tmp_path):
    folder = tmp_path / "backups"
    api.delete(person)
    copy = back_up(app.database.path, folder).rename(folder / "acare.db.before-restore-20260715T143210.000Z")
    old_schema.write_to(folder / "acare.db.schema-4.db")
    (folder / "damaged.db").write_bytes(b"")
    (found,) = json.loads(run("find", NAME, "--deleted", "--backups", folder, "--json", status=1).out)
    assert (found["id"], found["file"]) == (person, str(copy))
    for options in ([], ["--yes"], []):  # before the erasure, with it, and later
        printed = run("erase", *options, person, "--backups", folder, status=1)
        assert printed.out.splitlines()[-1] == f"The client stays in {copy} until you delete this file."
        assert f"acare: {folder / 'damaged.db'} was not searched: " in printed.err


def test_a_client_that_only_a_backup_has_is_listed(run, app, api, person, tmp_path):
    copy = back_up(app.database.path, tmp_path / "backups")
    api.delete(person)
    run("purge", "--keep-days", 0)
    printed = run("erase", person, "--backups", copy.parent, status=1)
    assert printed.out == f"The client stays in {copy} until you delete this file.\n"
    assert printed.err.endswith(f"no client with the id '{person}', and none in the history\n")


def test_what_is_found_is_printed_before_the_next_backup_is_read(run, app, person, tmp_path, monkeypatch):
    first = back_up(app.database.path, tmp_path / "backups")
    back_up(app.database.path, first.parent)

    def open_first(path):
        if path != first:
            raise KeyboardInterrupt
        return ReadOnlyDatabase(path)

    monkeypatch.setattr(backup, "ReadOnlyDatabase", open_first)
    assert run("find", NAME, "--backups", first.parent, status=130).out.endswith(f"\t{first}\n")


# --- compact


def test_compacting_fails_while_another_process_reads(run, app, person, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    with snapshot(app.database.path):
        printed = run("compact", status=1)
    assert printed.err.endswith("keeps it; stop that program and run the command again\n")
