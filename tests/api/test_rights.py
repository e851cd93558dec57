"""Who may do what: every operation, for each role and each scope."""

import itertools
import re
from pathlib import Path

import pytest
from support.client import Api, app_fixture
from support.data import ALL_SCOPES
from support.keys import new_key
from support.operations import OPERATIONS, made_for, method_and_path
from support.scenes import Scene

from acare.api.operations import OPERATIONS as TABLE
from acare.auth import ACTIONS, RESOURCES

README = Path(__file__).resolve().parent.parent.parent / "acare" / "api" / "README.md"

RIGHTS = {f"{row.method} {row.path}": row.right for row in TABLE if row.right is not None}
SCOPES = [*itertools.product(RESOURCES, ACTIONS)]
SCOPES.remove(("users", "read"))  # no operation needs it

app = app_fixture()
numbers = itertools.count()


class Office:
    """A broker and two agents. The first agent owns the clients and keys of the requests."""

    def __init__(self, app):
        self.app, self.number = app, next(numbers)
        keys = (self.key(name, ALL_SCOPES).key for name in ("broker", "owner", "other"))
        self.broker, self.owner, self.other = (Api(app, key) for key in keys)
        self.scene = Scene(app, self.owner)

    def key(self, name, scopes):
        """A key with these scopes."""
        role = "broker" if name == "broker" else "agent"
        return new_key(self.app.keys, f"{name}-{self.number}@example.com", scopes, role=role)

    def ask(self, caller, operation, status):
        method, path = method_and_path(operation)
        body = made_for(self.scene, OPERATIONS[operation][0])
        return caller.ask(method, path.format_map(self.scene), body, status)


@pytest.fixture
def office(app):
    return Office(app)


def test_every_operation_needs_a_right_and_has_a_responder():
    below_v1 = {f"{row.method} {row.path}" for row in TABLE if "v1" in row.path}
    assert RIGHTS.keys() == OPERATIONS.keys() == below_v1 - {"POST /v1/keys/redeem"}
    assert [row for row in TABLE if not hasattr(row.resource, f"on_{row.method.lower()}")] == []


def test_the_table_is_documented():
    rows = re.findall(r"^- (`\w+:.+?)(?:, (broker))? → ((?:.|\n  )+)$", README.read_text(), re.M)
    documented = {
        operation: (resource, tuple(re.findall(r":(\w+)`", scopes)), role or "all")
        for scopes, role, operations in rows
        for resource in re.findall(r"`(\w+):", scopes)[:1]
        for operation in re.findall(r"`(.+?)`", operations)
    }
    assert documented == {
        operation: (right.resource, right.actions, "all" if len(right.roles) == 2 else right.roles[0])
        for operation, right in RIGHTS.items()
        if right.actions
    }


@pytest.mark.parametrize("who", ["broker", "owner", "other"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_role_allows_what_it_should(office, operation, who):
    status = OPERATIONS[operation][["", "broker", "owner", "other"].index(who)]
    answer = office.ask(getattr(office, who), operation, status)
    assert status != 403 or answer.json["error"]["code"] == "BROKER_REQUIRED"


def test_any_valid_key_can_ask_who_it_is(office):
    assert [operation for operation, right in RIGHTS.items() if not right.actions] == ["GET /v1/users/me"]
    caller = Api(office.app, office.key("owner", {}).key)
    assert caller.get("/v1/users/me").json["data"]["id"] == office.owner.user_id()


@pytest.mark.parametrize("operation", [each for each, right in RIGHTS.items() if right.actions])
def test_one_of_the_scopes_is_needed_and_enough(office, operation):
    """With all others, the operation is refused."""
    right = RIGHTS[operation]
    enough = [scope for scope in SCOPES if scope[0] in (right.resource, "all") and scope[1] in right.actions]
    others = {}
    for resource, action in SCOPES:
        if (resource, action) not in enough:
            others.setdefault(resource, []).append(action)
    error = office.ask(Api(office.app, office.key("broker", others).key), operation, 403).json["error"]
    needed = {"resource": right.resource, "actions": [*right.actions]}
    assert (error["code"], error["details"]) == ("INSUFFICIENT_SCOPE", needed)
    for resource, action in enough:
        key = office.key("broker", {resource: [action]})
        office.ask(Api(office.app, key.key), operation, OPERATIONS[operation][1])


def test_an_agent_lists_only_what_is_their_own(office):
    office.broker.create()
    own = office.owner.create()
    assert [client["id"] for client in office.owner.list()["clients"]] == [own["id"]]
    for kind, name in (("keys", "user_id"), ("users", "id")):
        listed = office.owner.get(f"/v1/{kind}?disabled=true").json["data"][kind]
        assert [each[name] for each in listed] == [own["user_id"]]
