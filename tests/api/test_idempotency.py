"""Idempotency keys: a POST with the header creates one client, however often it is sent."""

import pytest
from support.data import JORDAN

DANA = {"first_name": "Dana", "last_name": "Ray", "client_type": "seller"}
UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
PRINTABLE = "".join(chr(code) for code in range(33, 127) if chr(code) not in '"\\')


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
    assert [replayed(post(api, key)) for key in "kl"] == [False, False]


# --- another body


@pytest.mark.parametrize("body", [DANA, {**JORDAN, "notes": "x"}], ids=str)
def test_a_key_with_another_client_is_422(api, body):
    first = post(api, "k")
    assert post(api, "k", body, 422).json["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (post(api, "k").body, api.total()) == (first.body, 1)


def test_the_same_client_in_other_bytes_is_the_same_request(api):
    other = {**dict(reversed(JORDAN.items())), "first_name": " Jordan ", "notes": "", "unknown": 1}
    assert post(api, "k").body == post(api, "k", other).body


# --- rejected requests


def test_a_rejected_request_does_not_use_up_its_key(api):
    post(api, "k", {"first_name": "Jordan"}, 400)
    assert not replayed(post(api, "k"))
