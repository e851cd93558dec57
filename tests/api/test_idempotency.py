"""Idempotency keys: a POST with the header creates one client, however often it is sent."""

import functools
import http.client
import json
from contextlib import closing

import pytest
from support.client import Api, at_once
from support.data import JORDAN
from support.server import serving

DANA = {"first_name": "Dana", "last_name": "Ray", "client_type": "seller"}
UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
PRINTABLE = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"\\')

# Servers that kill themselves between the commit and the answer, and before the commit.
DIES_AFTER_THE_COMMIT = """
import os, signal
from acare.store.clients import ClientStore
create = ClientStore.create
def create_and_die(self, user_id, client, **how):
    made = create(self, user_id, client, **how)
    if client["notes"] == "kill me":
        os.kill(os.getpid(), signal.SIGKILL)
    return made
ClientStore.create = create_and_die
"""
DIES_BEFORE_THE_COMMIT = """
import os, signal
from acare.store import idempotency
create_once = idempotency.create_once
def create_and_die(*arguments):
    create_once(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
idempotency.create_once = create_and_die
"""


def post(api, key, body=JORDAN, status=201, **environ):
    return api.ask("POST", "/v1/clients", body, status, environ, Idempotency_Key=key)


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


# --- the same response


@pytest.mark.parametrize("key", [UUID, f'"{UUID}"', f'"{"k" * 255}"', PRINTABLE])
def test_a_repeated_request_creates_no_other_client(api, key):
    first, again = post(api, key), post(api, key)
    assert (replayed(first), replayed(again), api.total()) == (False, True, 1)
    assert (again.status, again.body) == (first.status, first.body)
    for name in ("Location", "ETag", "Content-Type", "Cache-Control"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]


def test_another_key_creates_another_client(api):
    assert (replayed(post(api, "k")), replayed(post(api, "K")), api.total()) == (False, False, 2)


def test_a_later_deletion_does_not_change_the_response(api):
    first = post(api, "k")
    api.delete(first.json["data"]["id"])
    assert post(api, "k").body == first.body


# --- another body


@pytest.mark.parametrize(
    "body",
    [DANA, {**JORDAN, "notes": "x"}, {**JORDAN, "tags": ["a"]}, {**JORDAN, "pre_approved": True}],
    ids=str,
)
def test_a_key_with_another_client_is_422(api, body):
    first = post(api, "k")
    assert post(api, "k", body, 422).json["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (post(api, "k").body, api.total()) == (first.body, 1)


@pytest.mark.parametrize(
    "body",
    [
        dict(reversed(JORDAN.items())),
        {**JORDAN, "first_name": " Jordan "},
        {**JORDAN, "email": None, "notes": "", "status": "active", "tags": []},
        {**JORDAN, "unknown": 1, "version": 7, "id": "x"},
    ],
    ids=str,
)
def test_the_same_client_in_other_bytes_is_the_same_request(api, body):
    assert post(api, "k").body == post(api, "k", body).body


# --- rejected requests

INVALID_KEYS = ["", '""', '"', "two words", '"two words"', 'a"b', "a\\b", '"a', '"a";b=1', "k" * 256, "a, b",
                "ключ".encode().decode("latin-1")]  # fmt: skip


@pytest.mark.parametrize("key", INVALID_KEYS)
def test_an_invalid_key_is_400(api, key):
    details = post(api, key, status=400).json["error"]["details"]
    assert ([problem["field"] for problem in details], api.total()) == (["Idempotency-Key"], 0)


def test_a_rejected_request_does_not_use_up_its_key(api):
    post(api, "k", {"first_name": "Jordan"}, 400)
    assert not replayed(post(api, "k"))


def test_other_methods_ignore_the_header(api):
    path = f"/v1/clients/{post(api, 'k').json['data']['id']}"
    for method, body in (("GET", None), ("PUT", {"notes": "x"}), ("DELETE", None)):
        assert not replayed(api.ask(method, path, body, Idempotency_Key="not a key"))


# --- whose key, and for how long


def test_a_key_belongs_to_the_user(caller):
    ana, again = caller("ana@example.com"), caller("ana@example.com")
    first = post(ana, "k")
    assert post(again, "k").body == first.body
    other = post(caller("bob@example.com", role="broker"), "k", DANA)
    assert (replayed(other), other.json["data"]["first_name"]) == (False, "Dana")


AGE = "UPDATE idempotency_keys SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '{}')"


def move(app, time):
    app.database.write(lambda connection: connection.execute(AGE.format(time)))


@pytest.mark.parametrize(
    ("age", "total"), [("-23 hours", 1), ("-86390 seconds", 1), ("-86401 seconds", 2), ("-30 days", 2)]
)
def test_a_key_is_kept_for_24_hours(app, api, age, total):
    post(api, "k")
    move(app, age)
    post(api, "k")
    assert api.total() == total


# --- concurrency and crashes


def test_sixteen_concurrent_requests_create_one_client(app, api):
    answers = at_once(*(functools.partial(post, Api(app, api.key), "k") for _ in range(16)))
    assert len({answer.body for answer in answers}) == 1
    assert (sum(map(replayed, answers)), api.total()) == (15, 1)


def send(address, key, method="POST", body=None):
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        sent = {"X-API-Key": key, "Content-Type": "application/json", "Idempotency-Key": "k"}
        connection.request(method, "/v1/clients", body and json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers["Idempotent-Replayed"], json.loads(answer.read())["data"]


@pytest.mark.parametrize(("dies", "again"), [(DIES_AFTER_THE_COMMIT, "true"), (DIES_BEFORE_THE_COMMIT, None)])
def test_a_retry_after_a_kill_creates_one_client(app, api, dies, again):
    body = {**JORDAN, "notes": "kill me"}
    app.close()
    with serving(app.database.path, before=dies) as (process, address):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            send(address, api.key, body=body)
        assert process.wait(timeout=10) == -9
    with serving(app.database.path) as (_, address):
        status, replay, client = send(address, api.key, body=body)
        assert (status, replay) == (201, again)
        assert send(address, api.key, "GET")[2]["clients"] == [client]
