"""Keys, scopes (test_rights has every operation), visibility, and the order of all checks."""

import hashlib

import pytest
from support.client import Api, app_fixture, full_key
from support.data import UNKNOWN_ID
from support.keys import new_key

import acare

UNKNOWN_KEY = "0123456789abcdef" * 4
COLLECTION, ITEM = "/v1/clients", "/v1/clients/{id}"

# An app for tests that do not depend on its clients.
shared = app_fixture()


INVALID_KEYS = {
    "none": ("missing", lambda key: {}),
    "in Authorization": ("missing", lambda key: {"Authorization": f"Bearer {key}"}),
    "not ASCII": ("malformed", lambda key: {"X_API_Key": "é" + key[1:]}),
    "in capitals": ("malformed", lambda key: {"X_API_Key": "A" + key[1:]}),
    "unknown": ("unknown", lambda key: {"X_API_Key": UNKNOWN_KEY}),
    "its hash": ("unknown", lambda key: {"X_API_Key": hashlib.sha256(key.encode()).hexdigest()}),
    "unknown in X-API-Key, which wins": ("unknown", lambda key: {"X_API_Key": UNKNOWN_KEY, "API_Key": key}),
}


def rejection(answer):
    """The details of a 401, after its code and header are checked."""
    assert answer.json["error"]["code"] == "UnauthorizedError"
    assert answer.headers["WWW-Authenticate"] == 'ApiKey realm="acare"'
    return answer.json["error"]["details"]


@pytest.mark.parametrize(("reason", "make"), INVALID_KEYS.values(), ids=INVALID_KEYS)
def test_an_invalid_key_is_401_with_the_reason(shared, reason, make):
    answer = Api(shared).ask("GET", COLLECTION, status=401, **make(full_key(shared)))
    assert rejection(answer) == {"reason": reason}
    assert ("Authorization" in answer.json["error"]["message"]) == ("Authorization" in make(""))


ENDED = "2020-01-01T00:00:00.000Z"
ENDS = {
    "expired": "UPDATE api_keys SET expires_at = :ended WHERE id = :id",
    "revoked": "UPDATE api_keys SET revoked_at = :ended WHERE id = :id",
    "disabled": "UPDATE users SET disabled_at = :ended WHERE email = 'ana@example.com' OR id = :id",
}


@pytest.mark.parametrize("how", ENDS)
def test_a_key_that_ended_is_401_and_named_in_the_log(tmp_path, how):
    lines = []
    with acare.create_app(database=tmp_path / "acare.db", access_log=lines.append) as app:
        key = new_key(app.keys, "ana@example.com", {})
        app.database.write(lambda connection: connection.execute(ENDS[how], {"ended": ENDED, "id": key.id}))
        answer = Api(app, key.key).ask("GET", COLLECTION, status=401)
    reason = "expired" if how == "expired" else "revoked"
    assert rejection(answer) == {"reason": reason, "endedAt": ENDED}
    assert (lines[0].key, lines[0].status) == (f"{reason}:{key.id}", 401)


TOO_LARGE = {"padding": "x" * 70_000}
ORDER = [  # which of two errors is answered
    # caller, method, path, body, status
    ("no key", "POST", COLLECTION, TOO_LARGE, 413, "413 before 401"),
    ("no key", "GET", "/v1/nothing", None, 401, "401 before 404"),
    ("no key", "DELETE", COLLECTION, None, 401, "401 before 405"),
    ("no scope", "GET", "/v1/nothing", None, 404, "404 for a path before 403"),
    ("no scope", "DELETE", COLLECTION, None, 405, "405 before 403"),
    ("no scope", "GET", f"{COLLECTION}?page=0", None, 403, "403 before 400 for a query"),
    ("reader", "POST", COLLECTION, [], 403, "403 before 400"),
    ("reader", "PUT", f"{COLLECTION}/{UNKNOWN_ID}", {"notes": "x"}, 403, "403 before 404"),
    ("broker", "PUT", f"{COLLECTION}/{UNKNOWN_ID}", [], 400, "400 before 404"),
    ("broker", "PUT", ITEM, {"status": "x", "version": 9}, 400, "400 before 409"),
    ("broker", "PUT", f"{COLLECTION}/{UNKNOWN_ID}", {"notes": "x", "version": 9}, 404, "404 before 409"),
    ("agent", "PUT", ITEM, {"notes": "x", "version": 9}, 404, "404 for another agent's before 409"),
]
exhausted = app_fixture(rate_limit="1/900", clock=lambda: 0)


@pytest.mark.parametrize("row", ORDER, ids=lambda row: row[-1])
def test_the_checks_apply_in_order(shared, exhausted, row):
    """With an empty bucket, each of these requests is 429."""
    who, method, path, body, status, _ = row
    broker = full_key(shared)
    scopes = {"no scope": {}, "reader": {"clients": ["read"]}, "agent": {"all": ["read", "write"]}}
    email = "ana@example.com" if who == "agent" else "broker@example.com"
    key = new_key(shared.keys, email, scopes[who]).key if who in scopes else broker
    path = path.format(id=Api(shared, broker).create()["id"])
    Api(shared, None if who == "no key" else key).ask(method, path, body, status)
    caller = Api(exhausted, None if who == "no key" else full_key(exhausted))
    caller.ask("GET", COLLECTION, status="*")
    assert caller.ask(method, path, body, 429).json["error"]["code"] == "RATE_LIMIT_EXCEEDED"
