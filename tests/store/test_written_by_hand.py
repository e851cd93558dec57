"""Values that the schema takes and acare does not write: they break no more than their own record."""

import sqlite3
from contextlib import closing

import pytest
from support.client import Api, full_key

import acare
from acare.maintenance.status import read_status

HAND = "0b7a1c1e-1111-4222-8333-123456789abc"
INSERT = """
INSERT INTO clients (
    id, user_id, first_name, last_name, email, phone, client_type, status, source, preferred_locations,
    property_preferences, pre_approved, notes, tags, version, created_at, updated_at
)
SELECT
    :id, id, CAST(:text AS TEXT), 'Hand', CAST(:text AS TEXT), CAST(:text AS TEXT), 'buyer', 'active',
    CAST(:text AS TEXT), CAST(:list AS TEXT), json_object('property_types', json(CAST(:list AS TEXT))), 0,
    CAST(:text AS TEXT), CAST(:list AS TEXT), 1, created_at, created_at
FROM users
"""

LISTS = {
    "numbers": '[5,""]',
    "one number": "[1]",
    "a list": '[["villa"],{"villa":null}]',
    "half a pair": '["\\ud800"]',
    "deep": "[" * 900 + "]" * 900,
    "not UTF-8": b'["\xff"]',
}
if sqlite3.sqlite_version_info >= (3, 42):
    LISTS["JSON5"] = "['villa',]"
WRITTEN = {**{name: ("By", listed) for name, listed in LISTS.items()}, "text": (b"\xff", "[]")}
TEXTS = ("first_name", "email", "phone", "source", "notes")
GOOD = {**dict.fromkeys(TEXTS, "1@x"), "tags": [], "preferred_locations": [], "property_preferences": {}}


def find_all(api):
    """The last names in a list, for a property and in a CSV."""
    api.get("/v1/changes")
    rows = api.get("/v1/clients.csv").text.splitlines()
    clients = api.get("/v1/clients").json["data"]["clients"]
    api.get("/v1/clients?location=shafter&property_type=house")
    assert len(rows) == len(clients) + 1
    return {client["last_name"] for client in clients}


@pytest.mark.parametrize(("text", "listed"), WRITTEN.values(), ids=WRITTEN)
def test_a_client_written_by_hand_breaks_no_other_record(path, text, listed):
    with acare.create_app(database=path, rate_limit="off") as app:
        api = Api(app, full_key(app))
        with closing(sqlite3.connect(path)) as other, other:
            other.execute(INSERT, {"id": HAND, "text": text, "list": listed})
        api.create(last_name="Lee", tags=["villa"])
        assert find_all(api) == {"Hand", "Lee"}
    with acare.create_app(database=path, rate_limit="off") as app:
        again = Api(app, api.key)
        again.create(last_name="Ray", preferred_locations=["Shafter"])
        assert find_all(again) == {"Hand", "Lee", "Ray"}
        assert again.get("/v1/clients?q=villa").json["data"]["meta"]["total"] == 1
        if listed != LISTS["half a pair"]:  # which is text
            (problem,) = [problem for check in read_status(path) for problem in check.problems]
            assert HAND in problem
        again.put(HAND, GOOD)
        assert [problem for check in read_status(path) for problem in check.problems] == []
