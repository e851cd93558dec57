"""The lock of a write (``version`` or If-Match), If-None-Match of a read (RFC 9110), and conflicts."""

import pytest
from support.client import app_fixture, fields_of
from support.data import ALL_FIELDS, JORDAN, OTHER

# If-Match of a client at version 2, where it does not hold. None of these may count as "no condition".
NO_MATCH = [
    '"1"', '"1", "3", "17"', 'W/"2"', '"1", W/"2"', 'w/"2"', '"*"', "W/*", '*, "1"', "**", '""', '"2', '2"',
    "'2'", '"02"', '"+2"', '" 2"', '"2.0"', '"٢"'.encode().decode("latin-1"), f'"{2**64 + 2}"',
    f'"{"2" * 5000}"', 'garbage "1" garbage', " , ,, ", "", "   ", '"2") OR 1 OR ("', "2", '"3", 2',
    '"2" "2"', '"2-gzip"',
]  # fmt: skip
MATCH = ['"2"', '"1","2"', 'W/"1", "2"', '"a,b", "2"', ', "2" ,,', '"\xe9", "2"', "*", " * "]
# If-None-Match of a client at version 2.
CURRENT = ['"2"', 'W/"2"', '"1",W/"2"', "*", " * "]
OTHERS = ['"1", "3"', 'W/"1"', '"2', '"02"', '"*"', "", ",", "2", 'w/"2"', "3, 2", "garbage"]

WRITES = pytest.mark.parametrize(("method", "body"), [("PUT", {"notes": "mine"}), ("DELETE", None)])

app = app_fixture()


@pytest.fixture
def path(api):
    """The path of a new client at version 2."""
    client_id = api.create()["id"]
    api.put(client_id, {"source": "the second version", "version": 1})
    return f"/v1/clients/{client_id}"


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
@pytest.mark.parametrize("tags", CURRENT)
def test_if_none_match_of_a_write_is_ignored(api, path, method, body, tags):
    api.ask(method, path, body, If_None_Match=tags)


# --- If-Match


@WRITES
@pytest.mark.parametrize("tags", MATCH)
def test_a_true_if_match_allows_writes(api, path, method, body, tags):
    api.ask(method, path, body, If_Match=tags)
    assert version(api, path) == (3 if method == "PUT" else None)


@pytest.mark.parametrize("tags", NO_MATCH, ids=lambda tags: tags[:30])
def test_a_false_if_match_is_412_and_writes_nothing(api, path, tags):
    for method, body in (("PUT", {"notes": "mine"}), ("DELETE", None)):
        answer = api.ask(method, path, body, 412, If_Match=tags)
        assert (answer.headers["ETag"], version(api, path)) == ('"2"', 2)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_match_of_a_read_is_ignored(api, path, method):
    api.ask(method, path, If_Match='"1"')
    api.ask(method, path, status=304, If_Match='"1"', If_None_Match='"2"')


# --- version


@pytest.mark.parametrize("sent", ["1", "3", str(2**64 + 2)])
def test_a_stale_version_of_a_delete_is_409_and_deletes_nothing(api, path, sent):
    answer = api.ask("DELETE", f"{path}?version={sent}", status=409)
    assert answer.json["error"]["code"] == "VERSION_CONFLICT"
    assert answer.json["error"]["details"]["attemptedVersion"] == int(sent)
    assert version(api, path) == 2


def test_the_current_version_allows_a_delete(api, path):
    api.ask("DELETE", f"{path}?version=2")
    assert version(api, path) is None


@pytest.mark.parametrize("sent", ["", "=", "=%20", "=x", "=0", "=-2", "=2.0", "=null", "=2&version=2"])
def test_an_invalid_version_of_a_delete_is_400(api, path, sent):
    assert fields_of(api.ask("DELETE", f"{path}?version{sent}", status=400)) == ["version"]
    assert version(api, path) == 2


# --- both


BOTH = [
    # version, If-Match, status
    (2, '"2"', 200),
    (1, '"2"', 409),
    (2, '"1"', 412),
    (1, '"1"', 412),
    (1, "*", 409),
    (1, '"1", "2"', 409),
]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(("sent", "if_match", "status"), BOTH)
def test_version_and_if_match_must_both_hold(api, path, method, sent, if_match, status):
    body, query = ({"notes": "x", "version": sent}, "") if method == "PUT" else (None, f"?version={sent}")
    api.ask(method, path + query, body, status, If_Match=if_match)
    assert status == 200 or version(api, path) == 2


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
    changed = [name for name in ALL_FIELDS if name != "notes"]
    assert refuse(api, client_id, "version", 1)["changedFields"] == changed
