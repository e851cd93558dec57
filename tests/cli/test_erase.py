"""``acare erase``, in the database and in its copies."""

import shutil

import pytest
from support import old_schema
from support.backups import back_up
from support.page import examples, shell

NAME = "Zaphodina"
TIME = "20260715T143210.000Z"


@pytest.fixture
def person(api):
    return api.create(first_name=NAME, last_name="Beeble", email="z@example.com")["id"]


# --- erase


def test_without_yes_it_shows_the_client_and_erases_nothing(run, api, person, tmp_path):
    (tmp_path / "backups").mkdir()
    refused = run("erase", person, "--backups", tmp_path / "backups", status=1)
    assert "nothing was searched" in refused.err
    old_schema.write_to(tmp_path / "backups" / "acare.db.schema-4.db")
    said = f"acare: nothing was erased; --yes erases {NAME} Beeble, client of broker@example.com\n"
    printed = run("erase", person, "--backups", tmp_path / "backups", status=1)
    assert (printed.out, printed.err) == ("", said)
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


def test_backups_that_still_have_a_deleted_client_are_listed(run, app, api, person, tmp_path):
    folder = tmp_path / "backups"
    api.delete(person)
    copy = back_up(app.database.path, folder).rename(folder / "acare.db.before-restore-20260715T143210.000Z")
    old_schema.write_to(folder / "acare.db.schema-4.db")
    (folder / "damaged.db").write_bytes(b"")
    for options in ([], ["--yes"], []):  # before the erasure, with it, and later
        printed = run("erase", *options, person, "--backups", folder, status=1)
        assert printed.out.splitlines()[0] == f"The client stays in {copy} until you delete this file."
        assert f"acare: {folder / 'damaged.db'} was not searched: " in printed.err


def test_a_client_that_only_a_backup_has_is_erased_when_it_is_restored(run, app, api, person, tmp_path):
    copy = back_up(app.database.path, tmp_path / "backups")
    api.delete(person)
    run("purge", "--keep-days", 0)
    printed = run("erase", person, "--backups", copy.parent, status=1)
    assert printed.out == f"The client stays in {copy} until you delete this file.\n"
    assert "--yes erases a client that exists only in copies of the database" in printed.err
    run("erase", "--yes", person, "--backups", copy.parent)
    assert f"The client {person} was erased at 20" in run("erase", person, "--backups", copy.parent).out
    app.close()
    assert "Clients that were erased again: 1." in run("restore", copy).out


def test_copies_beside_the_database_are_named_without_being_told(run, app, person):
    path = app.database.path
    beside = [path.with_name(f"acare.db.{ending}") for ending in (f"before-restore-{TIME}", "schema-4.db")]
    for each in beside:
        back_up(path, path.parent / "backups").rename(each)
    printed = run("erase", "--yes", person)
    assert [line for line in printed.out.splitlines() if "stays" in line] == [
        f"The client stays in {each} until you delete this file." for each in beside
    ]


def test_the_copy_of_a_killed_backup_is_named_and_removed(run, app, person, tmp_path):
    copy = back_up(app.database.path, tmp_path / "backups")
    left = [folder / ".acare-tmp-killed" / copy.name for folder in (copy.parent, tmp_path)]
    for each in left:
        each.parent.mkdir()
        shutil.copy(copy, each)
    named = run("erase", person, "--backups", copy.parent, status=1).out
    assert [f"The client stays in {each} until" in named for each in left] == [True, True]
    assert "acare-tmp" not in run("erase", "--yes", person, "--backups", copy.parent).out
    assert [each.exists() for each in left] == [False, False]
