"""A second import from the hosted service: what has changed there and here since, and what follows."""

import json
import re

import pytest
from support.files import query
from support.hosted import ANA, BEN, KEY
from support.importing import RECORD, USER

from acare.fields import ValidFields, validate_update
from acare.maintenance.verification import verify_file

UPDATE, KEEP = (("--on-duplicate", policy) for policy in ("update", "keep"))


@pytest.fixture
def moved(mover, hosted):
    """Three clients that are imported; their ids."""
    ids = hosted.fill(3)
    assert mover.run().code == 0
    return ids


def change_here(mover, client_id, **fields):
    with mover.agency.app() as app:
        app.clients.update(mover.agency.caller, client_id, validate_update(fields)[0])


def delete_here(mover, client_id):
    with mover.agency.app() as app:
        app.clients.delete(mover.agency.caller, client_id)


def history(mover, client_id):
    ((found),) = json.loads(mover.agency.run("history", client_id).out)
    events = found["history"]
    return [(each["version"], each["action"], [one["field"] for one in each["changes"]]) for each in events]


def last_line(ended):
    return ended.out.splitlines()[-1]


def conflicts(ended):
    """The ids in the lines of the report about conflicts."""
    return set(re.findall(r"^Changed on both sides.*: (\S{36}) .*$", ended.out, re.MULTILINE))


# --- one side


def test_what_has_changed_there_alone_is_taken_over(mover, hosted, moved):
    hosted.change(moved[0], notes="new", tags=["x"])
    hosted.change(moved[0], phone="(661) 555-0199")
    ended = mover.run(*UPDATE)
    assert (ended.code, mover.differences()) == (0, {})
    assert mover.here()[moved[0]]["version"] == 3
    assert history(mover, moved[0]) == [(1, "imported", []), (3, "imported", ["phone", "notes", "tags"])]
    assert last_line(ended) == "1 updated, 2 unchanged; 1 client written."


def test_a_client_found_by_its_new_words_at_its_new_place(mover, hosted, moved):
    """As after an import by 0.2.0, of a list without times."""
    hosted.change(moved[1], created_at="2020-01-01T00:00:00.000Z", last_name="Ottokar")
    assert mover.run(*UPDATE).code == 0
    assert [client["id"] for client in mover.agency.clients()] == [moved[1], moved[0], moved[2]]
    found = json.loads(mover.agency.run("find", "ottokar", "--json").out)
    assert [client["id"] for client in found] == [moved[1]]
    assert json.loads(mover.agency.run("find", "Client1 Lee", "--json").out) == []
    assert verify_file(mover.agency.database) == 3


def test_an_owner_changed_there_alone_is_taken_over(mover, hosted, moved):
    mover.agency.run("user", "add", "ben@example.com")
    hosted.change(moved[0], user_id=BEN)
    values = ("--value", f"user_id:{BEN}=ben@example.com")
    mover.run(*UPDATE, *values)
    assert {client["id"]: client["owner"] for client in mover.agency.clients()}[moved[0]] == "ben@example.com"


def test_an_owner_who_is_not_mapped_any_longer_stays(mover, hosted, moved):
    mover.agency.run("user", "add", "ben@example.com")
    mover.run(*UPDATE, "--value", "user_id:*=ben@example.com")
    for client_id in moved:
        hosted.change(client_id, phone="7")
    mover.run(*UPDATE, "--value", "user_id:*=ben@example.com")
    hosted.change(moved[0], phone="8")
    mover.run(*UPDATE)
    assert {client["owner"] for client in mover.agency.clients()} == {"ben@example.com"}


def test_after_a_restore_versions_are_above_its_floor(mover, hosted, moved, tmp_path):
    (tmp_path / "backups").mkdir()
    mover.agency.run("backup", tmp_path / "backups")
    mover.agency.run("restore", tmp_path / "backups")
    ((floor,),) = query(mover.agency.database, "SELECT version FROM version_floor")
    hosted.change(moved[0], notes="new")
    made = hosted.create(9)
    ended = mover.run(*UPDATE)
    assert last_line(ended) == "1 created, 1 updated, 2 unchanged; 2 clients written."
    assert [mover.here()[client_id]["version"] for client_id in (moved[0], made)] == [floor + 1] * 2
    assert "    4 equal\n" in ended.out
    assert last_line(mover.run(*UPDATE)) == "4 unchanged; there was nothing to write."


def test_the_proof_names_what_was_changed_here(mover, moved):
    change_here(mover, moved[0], phone="5")
    assert "    2 equal\n    1 changed here: phone 1, updated_at 1\n" in mover.run(*UPDATE).out


def test_a_default_replaces_nothing(agency):
    agency.load(json.dumps({**RECORD, "status": "closed"}))
    later = {name: value for name, value in RECORD.items() if name != "status"}
    agency.load(json.dumps({**later, "version": 4, "notes": "new"}), "--default", "status=active", *UPDATE)
    assert [(client["status"], client["notes"]) for client in agency.clients()] == [("closed", "new")]


def test_fields_that_the_source_lacks_stay(mover, hosted, moved):
    hosted.shown = [name for name in hosted.clients[moved[0]] if name != "notes"]
    hosted.change(moved[0], phone="5")
    notes = mover.here()[moved[0]]["notes"]
    mover.run(*UPDATE, "--allow-missing", "notes")
    after = mover.here()[moved[0]]
    assert (after["phone"], after["notes"]) == ("5", notes)


# --- both sides

NOTHING = "there was nothing to write"
CASES = [  # what happened to a client there, and here; the options; what the run says; the next exit code
    ("changed", "", UPDATE, "1 updated, 2 unchanged; 1 client written", 0),
    ("", "changed", UPDATE, f"2 unchanged, 1 kept; {NOTHING}", 0),
    ("changed", "changed", UPDATE, f"2 unchanged, 1 conflict; {NOTHING}", 1),
    ("changed", "changed", KEEP, f"2 unchanged, 1 kept; {NOTHING}", 0),
    ("changed alike", "changed", UPDATE, f"3 unchanged; {NOTHING}", 0),
    ("", "deleted", UPDATE, f"2 unchanged, 1 deleted here; {NOTHING}", 0),
    ("changed", "deleted", UPDATE, f"2 unchanged, 1 deleted here; {NOTHING}", 0),
    ("deleted", "deleted", UPDATE, f"2 unchanged; {NOTHING}", 0),
    ("deleted", "", UPDATE, f"2 unchanged; {NOTHING}", 0),
]


def act(mover, client_id, there="", here=""):
    """Do to a client on each side what a case says."""
    if there == "deleted":
        mover.hosted.delete(client_id)
    elif there:
        mover.hosted.change(client_id, **({"phone": "5"} if there == "changed alike" else {"notes": "new"}))
    if here == "deleted":
        delete_here(mover, client_id)
    elif here:
        change_here(mover, client_id, phone="5")


@pytest.mark.parametrize(("there", "here", "options", "said", "next_code"), CASES)
def test_a_second_run_follows_what_both_sides_did(mover, moved, there, here, options, said, next_code):
    act(mover, moved[0], there, here)
    before = mover.here()
    ended = mover.run(*options)
    assert last_line(ended) == f"{said}."
    undecided = {moved[0]} if "conflict" in said else set()
    assert (ended.code, conflicts(ended)) == (len(undecided), undecided)
    assert (mover.here() == before) == (NOTHING in said)
    assert mover.run(*UPDATE).code == next_code


@pytest.fixture
def conflict(mover, moved):
    """The id of a client that was changed on both sides."""
    act(mover, moved[0], "changed", "changed")
    return moved[0]


def test_what_was_kept_is_a_conflict_when_it_changes_again(mover, hosted, conflict):
    mover.run(*KEEP)
    hosted.change(conflict, notes="newer")
    assert conflicts(mover.run(*UPDATE)) == {conflict}


def test_the_proof_tells_the_clients_of_other_owners(mover, hosted):
    values = ("--value", f"user_id:{ANA}={USER}", "--value", f"user_id:{BEN}=ben@example.com")
    mover.agency.run("user", "add", "ben@example.com")
    ids = hosted.fill(4)
    mover.run(*values)
    hosted.keys[KEY] = (ANA,)
    hosted.delete(ids[0])
    assert "    2 only here, of other owners\n    1 only here\n" in mover.run(*UPDATE, *values).out


def test_without_versions_there_keep_is_needed_each_time(agency):
    record = {name: value for name, value in RECORD.items() if name != "version"}
    agency.load(json.dumps(record), name="in.jsonl")
    with agency.app() as app:
        app.clients.update(agency.caller, RECORD["id"], ValidFields(email="new@b"))
    codes = [agency.load(json.dumps(record), *each, name="in.jsonl").code for each in (UPDATE, KEEP, UPDATE)]
    assert codes == [1, 0, 1]


def test_an_earlier_version_is_not_taken_over_unasked(agency):
    """As in an export of last month."""
    agency.load(json.dumps(RECORD), name="in.jsonl")
    old = json.dumps({**RECORD, "version": 2, "phone": "5"})
    ended = agency.load(old, *UPDATE, name="in.jsonl")
    assert (ended.code, conflicts(ended)) == (1, {RECORD["id"]})
    for policy in (KEEP, UPDATE):
        assert last_line(agency.load(old, *policy, name="in.jsonl")) == f"1 kept; {NOTHING}."
    assert (
        agency.load(json.dumps({**RECORD, "version": 9, "notes": "new"}), *UPDATE, name="in.jsonl").code == 1
    )
    assert agency.clients()[0]["version"] == 3


def test_an_earlier_version_with_the_same_fields_is_unchanged(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    old = json.dumps({**RECORD, "version": 2, "updated_at": RECORD["created_at"]})
    assert last_line(agency.load(old, *UPDATE, name="in.jsonl")) == f"1 unchanged; {NOTHING}."


def test_what_was_read_last_is_remembered_after_an_update(mover, hosted, moved):
    hosted.change(moved[0], notes="new")
    mover.run(*UPDATE)
    change_here(mover, moved[0], phone="5")
    assert last_line(mover.run(*UPDATE)) == f"2 unchanged, 1 kept; {NOTHING}."


def test_a_row_without_a_version_changes_nothing_of_that(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    agency.load(json.dumps({**RECORD, "version": None}), *UPDATE, name="in.jsonl")
    with agency.app() as app:
        app.clients.update(agency.caller, RECORD["id"], ValidFields(email="new@b"))
    assert last_line(agency.load(json.dumps(RECORD), *UPDATE, name="in.jsonl")) == f"1 kept; {NOTHING}."


def test_a_version_alone_is_taken_over(agency):
    """As of a source that does not tell the time of a change."""
    agency.load(json.dumps(RECORD), name="in.jsonl")
    agency.load(json.dumps({**RECORD, "version": 4}), *UPDATE, name="in.jsonl")
    assert agency.clients()[0]["version"] == 4


def test_a_version_without_other_changes_is_taken_over(mover, hosted, moved):
    """As of a client that was changed there and changed back, or whose other fields are not in the API."""
    hosted.change(moved[0])
    assert "    3 equal\n" in mover.run(*UPDATE).out
    assert (mover.differences(), mover.here()[moved[0]]["version"]) == ({}, 2)


def test_budgets_that_would_cross_are_a_problem_of_the_row(agency):
    agency.load(json.dumps({**RECORD, "budget_max": 100}), name="in.jsonl")
    row = {name: RECORD[name] for name in ("id", "first_name", "last_name", "client_type")}
    ended = agency.load(json.dumps({**row, "version": 9, "budget_min": 500}), *UPDATE, name="in.jsonl")
    assert "budget_min must not be more than budget_max: 1 row" in ended.out
    assert (ended.code, agency.clients()[0]["version"]) == (1, 3)


# --- runs


def test_a_dry_run_has_the_same_balance(mover, hosted, conflict, moved):
    hosted.change(moved[1], phone="5")
    hosted.create(9)
    before = mover.agency.run("export").out
    dry = mover.run(*UPDATE, "--dry-run")
    assert mover.agency.run("export").out == before
    real = mover.run(*UPDATE)
    assert dry.code == real.code == 1
    assert dry.out.replace("nothing was written", "2 clients written").endswith(real.out.partition("\n")[2])


def test_a_row_without_an_id_updates_nothing(agency):
    agency.create(first_name="Jordan", last_name="Lee", client_type="buyer", email="j@b")
    ended = agency.load("Name,Type,E-mail,Phone\nJordan Lee,buyer,j@b,5\n", *UPDATE)
    assert (ended.code, last_line(ended)) == (1, "1 duplicate; nothing was written.")


def test_an_owner_changed_here_alone_is_kept(mover, moved):
    mover.agency.run("user", "add", "ben@example.com")
    mover.agency.run("handover", "--from", USER, "--to", "ben@example.com")
    mover.run(*UPDATE, "--value", f"user_id:*={USER}")
    assert {client["owner"] for client in mover.agency.clients()} == {"ben@example.com"}


AS_CREATED_HERE = "UPDATE clients SET version = 2, phone = '5', imported_at = NULL, source_version = NULL"


def test_a_client_created_here_is_never_overwritten(mover, hosted, moved):
    """With an id of the source, as if the source had once been filled from here."""
    with mover.agency.app() as app:
        app.database.write(lambda connection: connection.execute(AS_CREATED_HERE).rowcount)
    before = mover.here()
    assert conflicts(mover.run(*UPDATE)) == set(moved)
    for policy in (KEEP, UPDATE):
        assert last_line(mover.run(*policy)) == f"3 kept; {NOTHING}."
    assert mover.here() == before


def test_a_restored_client_is_equal_until_either_side_changes(mover, hosted, moved):
    delete_here(mover, moved[0])
    with mover.agency.app() as app:
        app.deleted.restore(mover.agency.caller, moved[0])
    assert last_line(mover.run(*UPDATE)) == f"3 unchanged; {NOTHING}."
    hosted.change(moved[0], notes="new")
    assert conflicts(mover.run(*UPDATE)) == {moved[0]}
