"""Clients in a database: creating, reading, updating and deleting one."""

import json
import re

import pytest
from support.clients import BROKER, new
from support.data import JORDAN, UNKNOWN_ID

from acare.clients import Precondition
from acare.errors import (
    ClientNotFound,
    InvalidInput,
    PreconditionFailed,
    VersionConflict,
)
from acare.fields import FIELDS
from acare.store.clients import ClientStore

FUTURE = "2999-12-31T23:59:59.999Z"


@pytest.fixture
def row(store, user):
    """A client of the user, at version 1."""
    return store.create(user, new(phone="1", notes="kept"))


def record(store, client_id):
    return json.loads(store.get(BROKER, client_id).json)


# --- create


def test_a_new_client_has_all_fields_and_defaults(database, user, sql):
    store = ClientStore(database, new_id=lambda: UNKNOWN_ID)
    client = json.loads(store.create(user, new(phone="(661) 555-0142", budget_min=1)).json)
    names = [field.name for field in FIELDS]
    assert list(client) == ["id", "user_id", *names, "version", "created_at", "updated_at"]
    created_at, updated_at = client.pop("created_at"), client.pop("updated_at")
    assert client == {
        **dict.fromkeys(("email", "source", "budget_max", "pre_approval_amount", "notes")),
        **JORDAN,
        "id": UNKNOWN_ID,
        "user_id": user.user_id,
        "phone": "(661) 555-0142",
        "status": "active",
        "budget_min": 1,
        "preferred_locations": [],
        "property_preferences": {},
        "pre_approved": False,
        "tags": [],
        "version": 1,
    }
    ((age,),) = sql("SELECT 86400 * (julianday('now') - julianday(?))", created_at)
    assert (updated_at, 0 <= round(age, 2) < 5) == (created_at, True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created_at)


def test_timestamps_do_not_go_back_with_the_clock(store, user, row, sql):
    sql("UPDATE clients SET created_at = ?, updated_at = ?", FUTURE, FUTURE)
    later = json.loads(store.create(user, new()).json)
    updated = json.loads(store.update(BROKER, row.id, {"phone": "2"}).json)
    assert (later["created_at"], later["updated_at"], updated["updated_at"]) == (FUTURE,) * 3


# --- which clients a caller sees


def test_a_client_is_read_by_its_owner_and_brokers(store, user, row):
    assert store.get(BROKER, row.id).json == store.get(user, row.id).json == row.json


METHODS = {
    "get": lambda store, caller, client_id: store.get(caller, client_id),
    "update": lambda store, caller, client_id: store.update(caller, client_id, {"phone": "2"}),
    "update a version": lambda store, caller, client_id: store.update(
        caller, client_id, {"phone": "2"}, version=1
    ),
    "update a stale version": lambda store, caller, client_id: store.update(
        caller, client_id, {"phone": "2"}, version=2
    ),
    "delete": lambda store, caller, client_id: store.delete(caller, client_id),
}


@pytest.mark.parametrize("act", METHODS.values(), ids=METHODS)
def test_other_clients_are_not_found(store, user, other_user, row, act):
    """Clients of another user, unknown ones and deleted ones."""
    unknown = [UNKNOWN_ID, "", "nonsense", "\ud7ff", "x" * 10_000]
    for caller, client_id in [(other_user, row.id), *((BROKER, each) for each in unknown)]:
        with pytest.raises(ClientNotFound):
            act(store, caller, client_id)
    assert store.get(BROKER, row.id).json == row.json
    store.delete(user, row.id)
    with pytest.raises(ClientNotFound):
        act(store, BROKER, row.id)


# --- update


def test_an_update_changes_only_what_was_sent(store, row):
    before = record(store, row.id)
    updated = store.update(BROKER, row.id, {"phone": "2"}, version=1)
    after = json.loads(updated.json)
    assert after == {**before, "phone": "2", "version": 2, "updated_at": after["updated_at"]}
    assert updated == store.get(BROKER, row.id)


@pytest.mark.parametrize("attempted", [1, 4, 2**63 - 1, 2**63, 10**30])
def test_an_update_of_another_version_is_a_conflict(store, row, attempted):
    store.update(BROKER, row.id, {"phone": "2"})
    current = store.update(BROKER, row.id, {"notes": "new", "tags": "[]"})
    with pytest.raises(VersionConflict) as raised:
        store.update(BROKER, row.id, {"phone": "3"}, version=attempted)
    conflict = raised.value
    assert (conflict.current, conflict.attempted) == (3, attempted)
    assert conflict.changed_fields == (["phone", "notes"] if attempted == 1 else None)
    assert conflict.changed_at == json.loads(current.json)["updated_at"]
    assert store.get(BROKER, row.id) == current


def test_crossed_budgets_are_refused_and_not_written(store, row):
    current = store.update(BROKER, row.id, {"budget_min": 100})
    with pytest.raises(InvalidInput) as invalid:
        store.update(BROKER, row.id, {"budget_max": 99, "notes": "lost"})
    assert [problem.field for problem in invalid.value.problems] == ["budget_max"]
    with pytest.raises(VersionConflict):  # a stale version is reported first
        store.update(BROKER, row.id, {"budget_max": 99}, version=1)
    assert store.get(BROKER, row.id) == current


# --- conditions


@pytest.mark.parametrize(
    ("precondition", "version", "error", "attempted"),
    [
        (Precondition([2]), None, PreconditionFailed, 2),
        (Precondition([]), None, PreconditionFailed, None),
        (Precondition([7, 9, 8]), None, PreconditionFailed, 9),
        (Precondition([2]), 1, PreconditionFailed, 2),
        (Precondition([1]), 2, VersionConflict, 2),
        (Precondition([2]), 3, PreconditionFailed, 2),
        (Precondition([2**63]), None, PreconditionFailed, 2**63),
        (Precondition(None, [1]), None, PreconditionFailed, None),
        (Precondition(None, [3, 1]), None, PreconditionFailed, None),
        (Precondition([1], [1]), None, PreconditionFailed, None),
    ],
    ids=str,
)
def test_a_write_whose_conditions_fail_is_refused(store, row, precondition, version, error, attempted):
    with pytest.raises(error) as refused:
        store.update(BROKER, row.id, {"phone": "2"}, version=version, precondition=precondition)
    assert (refused.value.current, refused.value.attempted) == (1, attempted)
    if error is PreconditionFailed:
        with pytest.raises(error) as refused:
            store.delete(BROKER, row.id, precondition)
        assert (refused.value.current, refused.value.attempted) == (1, attempted)
    assert store.get(BROKER, row.id).json == row.json
