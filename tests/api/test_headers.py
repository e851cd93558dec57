"""The rate limit over HTTP: its headers, and whose bucket a request draws from."""

import pytest
from support.client import Api, app_fixture, full_key

import acare

COLLECTION = "/v1/clients"
limited = app_fixture(scope="function", rate_limit="2/900", clock=lambda: 0)


def rate(answer):
    return [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]


def test_an_empty_bucket_is_429_with_retry_after(limited):
    caller = Api(limited, full_key(limited))
    answers = [caller.get(COLLECTION, status) for status in (200, 200, 429)]
    assert [rate(answer) for answer in answers] == [["2", "1", "450"], ["2", "0", "900"], ["2", "0", "900"]]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, "450"]
    assert answers[2].json["error"]["details"] == {"retryAfter": 450}
    assert not [name for name in answers[2].headers if name.lower().startswith("x-ratelimit")]


def test_the_default_is_500_requests_in_15_minutes(tmp_path):
    with acare.create_app(database=tmp_path / "acare.db", clock=lambda: 0) as app:
        assert rate(Api(app).get(COLLECTION, 401)) == ["500", "499", "2"]
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        assert "ratelimit" not in str(Api(app).get(COLLECTION, 401).headers).lower()


def test_the_bucket_belongs_to_the_peers_address(limited):
    """Keys and forwarded addresses do not matter."""
    for peer, status in (("192.0.2.1", 200), ("192.0.2.1", 200), ("192.0.2.1", 429), ("192.0.2.2", 200)):
        forged = {"X_Forwarded_For": f"203.0.113.{status % 7}", "Forwarded": f"for=203.0.113.{status % 7}"}
        caller = Api(limited, full_key(limited))
        caller.ask("GET", COLLECTION, status=status, environ={"REMOTE_ADDR": peer}, **forged)


@pytest.mark.parametrize("key", [None, "0" * 64])
def test_requests_without_a_valid_key_have_their_own_bucket(limited, key):
    """As any web page can make a browser in the office send them."""
    blind, program = Api(limited, key), Api(limited, full_key(limited))
    assert [blind.get(COLLECTION, "*").status_int for _ in range(4)] == [401, 401, 429, 429]
    assert [rate(program.get(COLLECTION))[1] for _ in range(2)] == ["1", "0"]
    assert program.get(COLLECTION, 429).headers["Retry-After"] == "450"


def test_the_bucket_can_belong_to_the_key(tmp_path):
    """And to the address where no valid key is given."""
    settings = {"rate_limit": "1/900", "rate_limit_by": "key", "clock": lambda: 0}
    with acare.create_app(database=tmp_path / "acare.db", **settings) as app:
        first, second = Api(app, full_key(app)), Api(app, full_key(app))
        for caller, status in (
            (first, 200), (first, 429), (second, 200), (Api(app), 401), (Api(app, "0" * 64), 429),
        ):  # fmt: skip
            caller.get(COLLECTION, status)
