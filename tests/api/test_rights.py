"""Who may do what: every operation, for each role and each scope."""

import itertools
import re
from pathlib import Path

import pytest
from support.client import Api, app_fixture
from support.data import ALL_SCOPES, JORDAN
from support.keys import new_key

from acare.api.operations import OPERATIONS as TABLE
from acare.auth import ACTIONS, RESOURCES

README = Path(__file__).resolve().parent.parent.parent / "acare" / "api" / "README.md"

# The body of each operation, and its status for a broker, for the agent who owns the client or key, and for
# another agent.
OPERATIONS = {
    "GET /v1/clients": (None, 200, 200, 200),
    "GET /v1/clients.csv": (None, 200, 200, 200),
    "POST /v1/clients": (JORDAN, 201, 201, 201),
    "GET /v1/clients/{client_id}": (None, 200, 200, 404),
    "PUT /v1/clients/{client_id}": ({"notes": "x"}, 200, 200, 404),
    "DELETE /v1/clients/{client_id}": (None, 200, 200, 404),
    "GET /v1/clients/{client_id}/history": (None, 200, 200, 404),
    "POST /v1/clients/{client_id}/restore": (None, 200, 200, 404),
    "POST /v1/clients/{client_id}/owner": ({"user_id": "{new_id}"}, 200, 403, 403),
    "GET /v1/changes": (None, 200, 200, 200),
    "GET /v1/users": (None, 200, 200, 200),
    "POST /v1/users": ({"email": "{new_email}", "role": "agent"}, 201, 403, 403),
    "GET /v1/users/me": (None, 200, 200, 200),
    "PUT /v1/users/{user_id}": ({"role": "agent"}, 200, 403, 403),
    "POST /v1/users/{user_id}/handover": ({"to": "{new_id}"}, 200, 403, 403),
    "GET /v1/keys": (None, 200, 200, 200),
    "POST /v1/keys": ({"scopes": {}}, 201, 201, 201),
    "DELETE /v1/keys/{key_id}": (None, 200, 200, 404),
}
RIGHTS = {f"{row.method} {row.path}": row.right for row in TABLE if row.right is not None}
SCOPES = [*itertools.product(RESOURCES, ACTIONS)]

app = app_fixture()
numbers = itertools.count()


class Agency:
    """A broker, two agents, a client and a key of the first of them, and a user who owns nothing."""

    def __init__(self, app):
        self.app, self.number = app, next(numbers)
        made = {name: self.key(name, ALL_SCOPES) for name in ("broker", "owner", "other")}
        self.broker, self.owner, self.other = (Api(app, key.key) for key in made.values())
        self.ids = {
            "client_id": self.owner.create()["id"],
            "key_id": made["owner"].id,
            "user_id": made["owner"].user_id,
            "new_id": app.users.add(f"new-{self.number}@example.com", "agent").id,
            "new_email": f"newer-{self.number}@example.com",
        }

    def key(self, name, scopes):
        """A key with these scopes."""
        role = "broker" if name == "broker" else "agent"
        return new_key(self.app.keys, f"{name}-{self.number}@example.com", scopes, role=role)

    def ask(self, caller, operation, status):
        method, path = operation.split()
        if path.endswith("/restore"):
            self.owner.ask("DELETE", f"/v1/clients/{self.ids['client_id']}", status="*")
        body = OPERATIONS[operation][0]
        if isinstance(body, dict):
            body = {name: self.fill(value) for name, value in body.items()}
        return caller.ask(method, self.fill(path), body, status)

    def fill(self, text):
        is_text = isinstance(text, str)
        return re.sub(r"\{(\w+)\}", lambda match: self.ids[match[1]], text) if is_text else text


@pytest.fixture
def agency(app):
    return Agency(app)


def test_every_operation_needs_a_right_and_has_a_responder():
    assert (
        RIGHTS.keys()
        == OPERATIONS.keys()
        == {f"{row.method} {row.path}" for row in TABLE if "v1" in row.path}
    )
    assert [row for row in TABLE if not hasattr(row.resource, f"on_{row.method.lower()}")] == []


def test_the_table_is_documented():
    rows = re.findall(r"^\| (`\w+:.+) \| (\w+) \| (.+) \|$", README.read_text(), re.M)
    documented = {
        operation: (resource, tuple(re.findall(r":(\w+)`", scopes)), role)
        for scopes, role, operations in rows
        for resource in re.findall(r"`(\w+):", scopes)[:1]
        for operation in re.findall(r"`(.+?)`", operations)
    }
    assert documented == {
        operation: (right.resource, right.actions, "all" if len(right.roles) == 2 else right.roles[0])
        for operation, right in RIGHTS.items()
    }


@pytest.mark.parametrize("who", ["broker", "owner", "other"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_role_allows_what_it_should(agency, operation, who):
    status = OPERATIONS[operation][["", "broker", "owner", "other"].index(who)]
    answer = agency.ask(getattr(agency, who), operation, status)
    assert status != 403 or answer.json["error"]["code"] == "BROKER_REQUIRED"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_of_the_scopes_is_needed_and_enough(agency, operation):
    """With all others, the operation is refused."""
    right = RIGHTS[operation]
    enough = [scope for scope in SCOPES if scope[0] in (right.resource, "all") and scope[1] in right.actions]
    others = {}
    for resource, action in SCOPES:
        if (resource, action) not in enough:
            others.setdefault(resource, []).append(action)
    refused = agency.ask(Api(agency.app, agency.key("broker", others).key), operation, 403)
    assert refused.json["error"]["code"] == "INSUFFICIENT_SCOPE"
    for resource, action in enough:
        each = Agency(agency.app)
        key = each.key("broker", {resource: [action]})
        each.ask(Api(agency.app, key.key), operation, OPERATIONS[operation][1])


def test_an_agent_lists_only_what_is_their_own(agency):
    agency.broker.create()
    assert [client["id"] for client in agency.owner.list()["clients"]] == [agency.ids["client_id"]]
    assert [key["id"] for key in agency.owner.get("/v1/keys").json["data"]["keys"]] == [agency.ids["key_id"]]
    users = agency.owner.get("/v1/users?disabled=true").json["data"]["users"]
    assert [user["id"] for user in users] == [agency.ids["user_id"]]
