"""The facts of the vendor's reference page as tables, with values of our own.

The page is https://docs.actuallycare.com/api/reference/clients.
"""

from typing import Any

import pytest
from support.data import UNKNOWN_ID

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


#: The request of each example, its body, and status and ``data`` of the answer.
EXAMPLES = {
    "GET /v1/clients": (
        None, 200, {"clients": [record(f"{NAMED} source budget_min budget_max")], "meta": META},
    ),
    "POST /v1/clients": (  # the optional fields are ``email`` and ``phone``
        record("first_name last_name client_type"), 201, {**record(f"{NAMED} version"), **TIMES},
    ),
    "GET /v1/clients/{id}": (
        None, 200,
        record(f"{NAMED} source budget_min budget_max pre_approved pre_approval_amount version"),
    ),
    "PUT /v1/clients/{id}": (record("email phone status version"), 200, {**FILLED, **TIMES}),
    "DELETE /v1/clients/{id}": (None, 200, {}),
}  # fmt: skip


def replay(api, request, sent, status):
    """Send the example's request, about a client with a value in each field, at the version that it names."""
    client = api.post(FILLED).json["data"]
    for _ in range(FILLED["version"] - 1):
        api.put(client["id"], {"notes": FILLED["notes"]})
    method, path = request.split()
    return api.ask(method, path.replace("{id}", client["id"]), sent, status).json


def members(value, path=""):
    """All parts of a JSON value, as pairs of path and type: ``("data.clients[].email", "str")``."""
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found.update(*(members(member, f"{path}.{name}") for name, member in value.items()))
    if isinstance(value, list):
        found.update(*(members(item, f"{path}[]") for item in value))
    return found


@pytest.mark.parametrize("request_line", EXAMPLES)
def test_a_response_has_the_fields_and_types_of_the_example(api, request_line):
    sent, status, example = EXAMPLES[request_line]
    answer = replay(api, request_line, sent, status)
    found = members(answer["data"])
    missing = {each for each in members(example) if not {each, (each[0], "NoneType")} & found}
    assert (answer["success"], missing) == (True, set())
