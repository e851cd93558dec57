"""The facts of the vendor's reference page as tables, with values of our own.

The page is https://docs.actuallycare.com/api/reference/clients.
"""

from functools import partial
from typing import Any, NamedTuple

import pytest
from support.data import UNKNOWN_ID
from support.openapi import find, follow
from webtest import TestApp

#: A record with a value in each of its fields, except for the timestamps.
FILLED = {
    "id": UNKNOWN_ID, "user_id": UNKNOWN_ID, "first_name": "Noor", "last_name": "Haddad",
    "email": "noor.haddad@example.com", "phone": "(661) 555-0199", "client_type": "both", "status": "closed",
    "source": "Open house", "budget_min": 210000, "budget_max": 260000, "preferred_locations": ["Rosedale"],
    "property_preferences": {
        "bedrooms_min": 2, "bathrooms_min": 1, "square_feet_min": 900, "property_types": ["condo"]
    },
    "pre_approved": True, "pre_approval_amount": 255000, "notes": "Has a dog.", "tags": ["investor"],
    "version": 3,
}  # fmt: skip
TIMES = dict.fromkeys(("created_at", "updated_at"), "2026-03-02T08:15:00.000Z")
NAMED = "id first_name last_name email phone client_type status"
META = {"page": 1, "limit": 25, "total": 31, "totalPages": 2, "hasMore": True}


def record(names: str) -> dict[str, Any]:
    return {name: FILLED[name] for name in names.split()}


class Operation(NamedTuple):
    """One operation of the page."""

    request: str
    sent: dict[str, Any] | None  # the body of the example
    answer: Any  # ``data`` of the example
    statuses: tuple[int, ...]  # the first is the example's


LIST = Operation(
    "GET /v1/clients", None, {"clients": [record(f"{NAMED} source budget_min budget_max")], "meta": META},
    (200, 401, 429, 500),
)  # fmt: skip
CREATE = Operation(  # the optional fields are ``email`` and ``phone``
    "POST /v1/clients", record("first_name last_name client_type"), {**record(f"{NAMED} version"), **TIMES},
    (201, 400, 401, 429, 500),
)  # fmt: skip
GET = Operation(
    "GET /v1/clients/{id}", None,
    record(f"{NAMED} source budget_min budget_max pre_approved pre_approval_amount version"),
    (200, 401, 404, 429, 500),
)  # fmt: skip
UPDATE = Operation(
    "PUT /v1/clients/{id}", record("email phone status version"), {**FILLED, **TIMES},
    (200, 400, 401, 404, 429, 500),
)  # fmt: skip
DELETE = Operation("DELETE /v1/clients/{id}", None, {}, (200, 401, 404, 429, 500))
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)

#: The parameters of the list.
PARAMETERS = {
    "client_type": {"type": "string", "enum": ["buyer", "seller", "both"]},
    "status": {"type": "string", "enum": ["active", "inactive", "closed"]},
    "page": {"type": "integer", "minimum": 1, "default": 1},
    "limit": {"type": "integer", "minimum": 1, "default": 25},  # more than the maximum, 100, counts as 100
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.request)


def replay(api, operation):
    """Send the example's request, about a client with a value in each field, at the version that it names."""
    client = api.post(FILLED).json["data"]
    for _ in range(FILLED["version"] - 1):
        api.put(client["id"], {"notes": FILLED["notes"]})
    method, path = operation.request.split()
    path = path.replace("{id}", client["id"])
    return api.ask(method, path, operation.sent, operation.statuses[0]).json


def members(value, path=""):
    """All parts of a JSON value, as pairs of path and type: ``("data.clients[].email", "str")``."""
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found.update(*(members(member, f"{path}.{name}") for name, member in value.items()))
    if isinstance(value, list):
        found.update(*(members(item, f"{path}[]") for item in value))
    return found


@every_operation
def test_a_response_has_the_fields_and_types_of_the_example(api, operation):
    answer = replay(api, operation)
    found = members(answer["data"])
    missing = {each for each in members(operation.answer) if not {each, (each[0], "NoneType")} & found}
    assert (answer["success"], missing) == (True, set())


@every_operation
def test_its_statuses_and_parameters_are_documented(app, operation):
    document = TestApp(app).get("/openapi.json").json
    (ours,) = find(document, *operation.request.split())
    assert {*map(str, operation.statuses)} <= ours["responses"].keys()
    known = {each["name"]: each["schema"] for each in map(partial(follow, document), ours["parameters"])}
    for name, schema in PARAMETERS.items() if operation is LIST else ():
        assert follow(document, known[name]).items() >= schema.items()
