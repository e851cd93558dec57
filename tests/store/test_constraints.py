"""What schema.sql guarantees whichever program writes (test_fuzz writes the maximum of each field)."""

import re
import sqlite3

import pytest
from support.clients import new
from support.data import UNKNOWN_ID

from acare.auth import OPERATOR
from acare.database import schema

INFINITY = float("inf")
BEFORE = "1999-12-31T23:59:59.999Z"  # earlier than created_at

# By table and column. The budgets of the client are 100 and 300.
REFUSED = {
    "clients id": ["too-short", None],
    "clients user_id": [UNKNOWN_ID, None],
    "clients first_name": ["", "x" * 101, None, b"bytes"],
    "clients last_name": ["", "x" * 101, None],
    "clients email": ["x" * 255],
    "clients phone": ["1" * 41],
    "clients client_type": ["lender", "BUYER", None],
    "clients status": ["gone", None],
    "clients source": ["x" * 101],
    "clients budget_min": [-1, -0.01, 10**12 + 1, "100", "many", b"100", 301],
    "clients budget_max": [-1, 10**12 + 1, INFINITY, "500", 99],
    "clients pre_approval_amount": [-1, 10**12 + 1, "100"],
    "clients pre_approved": [2, None, "yes"],
    "clients preferred_locations": ["{}", "[1", None],
    "clients property_preferences": ["[]", "null", "{", None],
    "clients tags": ['"vip"', "", "{}", None],
    "clients notes": ["x" * 10_001],
    "clients version": [0, -1, None, "two"],
    "clients created_at": [None, "2001-01-01", "2001-13-30T00:00:00.000Z"],
    "clients updated_at": [BEFORE, None, "2999-01-01 00:00:00.000Z"],
    "clients imported_at": ["2026-01-01T00:00:00Z"],
    "clients json": ["{}"],
    "users role": ["owner"],
    "users id": ["short"],
    "users email": [None],
    "api_keys id": ["short"],
    "api_keys user_id": ["0" * 36],
    "api_keys sha256": [b"short", None],
    "api_keys scopes": ["[]", "nonsense"],
    "api_keys expires_at": ["2026-01-01T24:00:60.000Z"],
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


def test_every_time_is_checked_for_its_format():
    times = re.findall(r"^ +(\w+_at) +TEXT", schema.text(), re.MULTILINE)
    assert re.findall(r"CHECK \((\w+) IS strftime\('%Y-%m-%dT%H:%M:%fZ', \1\)\)", schema.text()) == times


def test_an_update_without_a_new_version_is_refused(store, user, sql):
    row = store.create(user, new())
    for version in ("version", "1"):
        with pytest.raises(sqlite3.IntegrityError, match="needs a greater version"):
            sql(f"UPDATE clients SET notes = 'edited', version = {version}")
    assert store.get(OPERATOR, row.id).json == row.json
