"""Conditional requests (RFC 9110): tags, If-Match, If-None-Match, --require-precondition, and conflicts."""

import pytest
from support.client import Api, app_fixture, full_key
from support.data import ALL_FIELDS, JORDAN, OTHER

from acare.fields import FIELDS

# If-Match of a client at version 2, where it does not hold. None of these may count as "no condition".
NO_MATCH = [
    '"1"', '"1", "3", "17"', 'W/"2"', '"1", W/"2"', 'w/"2"', '"*"', "W/*", '*, "1"', "**", '""', '"2', '2"',
    "'2'", '"02"', '"+2"', '" 2"', '"2.0"', '"٢"'.encode().decode("latin-1"), f'"{2**64 + 2}"',
    f'"{"2" * 5000}"', 'garbage "1" garbage', " , ,, ", "", "   ", '"2") OR 1 OR ("', "2", '"3", 2',
    '"2" "2"', '"2-gzip"', '"2", ' * 2000 + '"2"',
]  # fmt: skip
MATCH = ['"2"', '"1","2"', 'W/"1", "2"', '"a,b", "2"', ', "2" ,,', '"\xe9", "2"', "*", " * "]
# If-None-Match of a client at version 2.
CURRENT = ['"2"', 'W/"2"', '"1",W/"2"', "*", " * "]
OTHERS = ['"1", "3"', 'W/"1"', '"2', '"02"', '"*"', "", ",", "2", 'w/"2"', "3, 2", "garbage"]

WRITES = pytest.mark.parametrize(("method", "body"), [("PUT", {"notes": "mine"}), ("DELETE", None)])

app = app_fixture()
strict_app = app_fixture(require_precondition=True)


def second_version(api):
    """The path of a new client at version 2."""
    client_id = api.create()["id"]
    api.put(client_id, {"source": "the second version", "version": 1})
    return f"/v1/clients/{client_id}"


@pytest.fixture
def path(api):
    return second_version(api)


def version(api, path):
    """The current version; None if there is no such client."""
    return api.get(path, "*").json.get("data", {}).get("version")


def test_every_response_with_a_client_has_its_tag(api, path):
    assert api.post(JORDAN).headers["ETag"] == '"1"'
    assert {api.ask(method, path).headers["ETag"] for method in ("GET", "HEAD")} == {'"2"'}
    assert api.ask("PUT", path, {"notes": "x"}, If_Match='"2"').headers["ETag"] == '"3"'


# --- If-None-Match


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_of_the_callers_version_is_304(api, path, method):
    for tags in CURRENT:
        answer = api.ask(method, path, status=304, If_None_Match=tags)
        assert (answer.body, answer.headers["ETag"]) == (b"", '"2"')
    for tags in OTHERS:
        assert api.ask(method, path, If_None_Match=tags).headers["ETag"] == '"2"'


@WRITES
def test_a_write_with_a_matching_if_none_match_is_412(api, path, method, body):
    for tags in CURRENT:
        answer = api.ask(method, path, body, 412, If_None_Match=tags)
        assert answer.json["error"]["details"]["currentVersion"] == version(api, path) == 2


# --- If-Match


@WRITES
@pytest.mark.parametrize("tags", MATCH)
def test_a_true_if_match_allows_reads_and_writes(api, path, method, body, tags):
    assert api.ask("GET", path, If_Match=tags).json["data"]["version"] == 2
    api.ask(method, path, body, If_Match=tags)
    assert version(api, path) == (3 if method == "PUT" else None)


@pytest.mark.parametrize("tags", NO_MATCH, ids=lambda tags: tags[:30])
def test_a_false_if_match_is_412_and_writes_nothing(api, path, tags):
    for method, body in (("GET", None), ("HEAD", None), ("PUT", {"notes": "mine"}), ("DELETE", None)):
        answer = api.ask(method, path, body, 412, If_Match=tags)
        assert (answer.headers["ETag"], version(api, path)) == ('"2"', 2)


# --- with other conditions


BOTH = [
    # If-Match, If-None-Match, status of a write, status of a read
    ('"2"', '"1"', 200, 200),
    ("*", '"2"', 412, 304),
    ('"1"', '"1"', 412, 412),
    ('"1"', '"2"', 412, 412),
]


@WRITES
@pytest.mark.parametrize(("if_match", "if_none_match", "write", "read"), BOTH)
def test_both_headers_must_hold_and_if_match_is_first(
    api, path, method, body, if_match, if_none_match, write, read
):
    headers = {"If_Match": if_match, "If_None_Match": if_none_match}
    api.ask("GET", path, status=read, **headers)
    api.ask(method, path, body, write, **headers)


REQUIRED = [
    # method, body, headers, status
    ("PUT", {"notes": "x"}, {}, 428),
    ("PUT", {"notes": "x", "version": 2}, {}, 200),
    ("PUT", {"notes": "x"}, {"If_Match": "*"}, 200),
    ("PUT", {"notes": "x", "version": 1}, {}, 409),
    ("DELETE", None, {}, 428),
    ("DELETE", None, {"If_None_Match": "*"}, 428),
    ("DELETE", None, {"If_Match": '"2"'}, 200),
    ("GET", None, {}, 200),
]


@pytest.mark.parametrize(("method", "body", "headers", "status"), REQUIRED)
def test_a_change_needs_a_precondition_if_required(strict_app, method, body, headers, status):
    strict = Api(strict_app, full_key(strict_app))
    path = second_version(strict)
    strict.ask(method, path, body, status, **headers)
    assert status < 400 or version(strict, path) == 2


# --- the details of a conflict, with which a program can merge without losing a change


def refuse(api, client_id, lock, version):
    """The details of the error when a caller changes a client with a stale version or tag."""
    path, body = f"/v1/clients/{client_id}", {"notes": "mine"}
    if lock == "version":
        answer = api.ask("PUT", path, {**body, "version": version}, 409)
    else:
        answer = api.ask("PUT", path, body, 412, If_Match=f'"{version}"')
    return answer.json["error"]["details"]


@pytest.mark.parametrize("lock", ["version", "If-Match"])
def test_details_have_versions_fields_and_time(api, lock):
    client_id = api.create()["id"]
    changed = api.put(client_id, {"status": "closed", "tags": ["vip"]}).json["data"]
    assert refuse(api, client_id, lock, 1) == {
        "currentVersion": 2,
        "attemptedVersion": 1,
        "changedFields": ["status", "tags"],
        "changedAt": changed["updated_at"],
        "changedBy": "broker@example.com",
    }


def test_changed_fields_are_since_the_callers_version(api):
    client_id = api.create(**ALL_FIELDS)["id"]
    for update in (OTHER, {**OTHER, "notes": ALL_FIELDS["notes"]}):
        api.put(client_id, update)
    changed = [field.name for field in FIELDS if field.name != "notes"]
    assert refuse(api, client_id, "version", 1)["changedFields"] == changed
