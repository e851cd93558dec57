"""Clients in a database: their timestamps, and which of several conditions has failed."""

import json

import pytest
from support.clients import new

from acare.auth import OPERATOR
from acare.clients import Precondition
from acare.errors import PreconditionFailed, VersionConflict

FUTURE = "2999-12-31T23:59:59.999Z"


@pytest.fixture
def row(store, user):
    """A client of the user, at version 1."""
    return store.create(user, new(phone="1", notes="kept"))


# --- create


def test_timestamps_do_not_go_back_with_the_clock(store, user, row, sql):
    sql("UPDATE clients SET created_at = ?, updated_at = ?", FUTURE, FUTURE)
    later = json.loads(store.create(user, new()).json)
    updated = json.loads(store.update(OPERATOR, row.id, {"phone": "2"}).json)
    assert (later["created_at"], later["updated_at"], updated["updated_at"]) == (FUTURE,) * 3


# --- conditions


@pytest.mark.parametrize(
    ("precondition", "version", "error", "attempted"),
    [
        (Precondition([]), None, PreconditionFailed, None),
        (Precondition([7, 9, 8]), None, PreconditionFailed, 9),
        (Precondition([2]), 1, PreconditionFailed, 2),
        (Precondition([1]), 2, VersionConflict, 2),
        (Precondition([2**63]), None, PreconditionFailed, 2**63),
        (Precondition(None, [3, 1]), None, PreconditionFailed, None),
    ],
    ids=str,
)
def test_a_write_whose_conditions_fail_is_refused(store, row, precondition, version, error, attempted):
    with pytest.raises(error) as refused:
        store.update(OPERATOR, row.id, {"phone": "2"}, version=version, precondition=precondition)
    assert (refused.value.current, refused.value.attempted) == (1, attempted)
    if error is PreconditionFailed:
        with pytest.raises(error) as refused:
            store.delete(OPERATOR, row.id, precondition)
        assert (refused.value.current, refused.value.attempted) == (1, attempted)
    assert store.get(OPERATOR, row.id).json == row.json
