"""What schema.sql guarantees whichever program writes."""

import sqlite3

import pytest
from support.clients import new
from support.data import UNKNOWN_ID

from acare.auth import OPERATOR
from acare.store.clients import constraint_error

BEFORE = "1999-12-31T23:59:59.999Z"  # earlier than created_at

# By table and column, some of each kind. The budgets of the client are 100 and 300.
REFUSED = {
    "clients user_id": [UNKNOWN_ID, None],
    "clients first_name": ["", "x" * 101, None, b"bytes"],
    "clients client_type": ["lender", "BUYER", None],
    "clients budget_min": [-1, -0.01, 10**12 + 1, "100", "many", b"100", 301],
    "clients property_preferences": ["[]", "null", "{", None],
    "clients version": [0, -1, None, "two"],
    "clients updated_at": [BEFORE, None, "2999-01-01 00:00:00.000Z", "2999-13-30T00:00:00.000Z"],
    "api_keys scopes": ["[]", "nonsense"],
}
REASONS = "constraint failed|needs a greater version|damaged|cannot store|cannot hold BLOB|generated column"


@pytest.mark.parametrize("column", REFUSED)
def test_the_schema_refuses_invalid_values(store, user, sql, column):
    row = store.create(user, new(budget_min=100, budget_max=300))
    table, name = column.split()
    with_version = ", version = version + 1" if table == "clients" and name != "version" else ""
    for value in REFUSED[column]:
        with pytest.raises(Exception, match=REASONS):
            sql(f"UPDATE {table} SET {name} = ?{with_version}", value)
    assert store.get(OPERATOR, row.id).json == row.json


def test_an_update_without_a_new_version_is_refused(store, user, sql):
    row = store.create(user, new())
    for version in ("version", "1"):
        with pytest.raises(sqlite3.IntegrityError, match="needs a greater version"):
            sql(f"UPDATE clients SET notes = 'edited', version = {version}")
    assert store.get(OPERATOR, row.id).json == row.json


def test_only_crossed_budgets_are_the_callers_mistake():
    error = sqlite3.IntegrityError("FOREIGN KEY constraint failed")
    assert constraint_error(error, {"budget_min": 2}) is error
