"""Keys, scopes (test_rights has every operation), visibility, and the order of all checks."""

import hashlib

import pytest
from support.client import Api, app_fixture, full_key
from support.data import UNKNOWN_ID
from support.keys import new_key

UNKNOWN_KEY = "0123456789abcdef" * 4
COLLECTION, ITEM = "/v1/clients", "/v1/clients/{id}"

# An app for tests that do not depend on its clients.
shared = app_fixture()


INVALID_KEYS = {
    "none": lambda key: {},
    "empty": lambda key: {"X_API_Key": ""},
    "not ASCII": lambda key: {"X_API_Key": "é" + key[1:]},
    "in Authorization": lambda key: {"Authorization": f"Bearer {key}"},
    "unknown": lambda key: {"X_API_Key": UNKNOWN_KEY},
    "unknown in API-Key": lambda key: {"API_Key": UNKNOWN_KEY},
    "its hash": lambda key: {"X_API_Key": hashlib.sha256(key.encode()).hexdigest()},
    "unknown in X-API-Key, which wins": lambda key: {"X_API_Key": UNKNOWN_KEY, "API_Key": key},
}


@pytest.mark.parametrize("make", INVALID_KEYS.values(), ids=INVALID_KEYS)
def test_an_invalid_key_is_401(shared, make):
    answer = Api(shared).ask("GET", COLLECTION, status=401, **make(full_key(shared)))
    assert answer.json["error"] == {
        "code": "UnauthorizedError",
        "message": "A valid API key is required in the X-API-Key header.",
    }
    assert answer.headers["WWW-Authenticate"] == 'ApiKey realm="acare"'


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
