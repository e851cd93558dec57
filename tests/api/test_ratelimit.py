"""The rate limit: token buckets on a clock that the test advances, and the limit over HTTP."""

import time
from types import SimpleNamespace

import pytest
from support.client import Api, app_fixture, full_key
from support.data import ALL_SCOPES
from support.keys import new_key
from support.threads import in_threads

import acare
from acare.api.ratelimit import MAX_BUCKETS, RateLimiter, bucket_name
from acare.config import RateLimit

SECOND = 1_000_000_000
HOME = "192.0.2.1"


@pytest.fixture
def clock():
    """``now`` is its time in nanoseconds, an arbitrary one at first."""
    return SimpleNamespace(now=987_654_321_123_456_789)


@pytest.fixture
def limiter(clock):
    return RateLimiter(RateLimit(tokens=500, seconds=900), lambda: clock.now)


def spend(limiter, requests, name=HOME):
    """How many of these requests are allowed."""
    return sum(limiter.take(name).retry_after == 0 for _ in range(requests))


# --- buckets


def test_a_bucket_holds_at_most_its_tokens(limiter, clock):
    spend(limiter, 1)
    clock.now += 10**9 * SECOND
    assert spend(limiter, 1000) == 500


@pytest.mark.parametrize(("tokens", "seconds"), [(3, 1), (7, 1000)])
def test_tokens_come_at_the_exact_nanosecond(clock, tokens, seconds):
    limiter = RateLimiter(RateLimit(tokens, seconds), lambda: clock.now)
    spend(limiter, tokens)
    started = clock.now
    for n in range(1, 50):
        clock.now = started + -(-n * seconds * SECOND // tokens) - 1  # before the one that has token n
        assert limiter.take(HOME).retry_after
        clock.now += 1
        assert not limiter.take(HOME).retry_after


class SlowName(str):
    """A name that lets other threads run whenever a dict hashes it."""

    def __hash__(self):
        time.sleep(0)
        return super().__hash__()


def test_sixteen_threads_get_exactly_the_tokens(limiter):
    assert sum(in_threads(16, lambda _: spend(limiter, 100, SlowName(HOME)))) == 500


def test_buckets_are_bounded_and_used_ones_are_kept():
    """With 250,000 names, one of them used again and again."""
    limiter = RateLimiter(RateLimit(tokens=3, seconds=900), lambda: 0)
    allowed = []
    for n in range(250_000):
        limiter.take(f"10.{n}")
        if n % (MAX_BUCKETS // 2 - 1) == 0:
            allowed.append(limiter.take(HOME).retry_after == 0)
    assert limiter.take(f"10.{n}").remaining == 1
    assert len(limiter._full_at) == MAX_BUCKETS
    assert allowed == [True] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("x" * 1000, "x" * 64),
        *((text, text) for text in ("192.0.2.1", "", "unix:")),
    ],
)
def test_ipv6_addresses_share_a_bucket_for_each_64(address, name):
    assert bucket_name(address) == name


# --- over HTTP: the headers, and whose bucket a request draws from

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


def test_requests_without_a_key_have_a_bucket_of_their_own(limited):
    """Any web page can make a browser in the office send them."""
    caller, blind, stranger = Api(limited, full_key(limited)), Api(limited), Api(limited, "0" * 64)
    for each, status in ((caller, 200), (blind, 401), (stranger, 401), (blind, 429), (caller, 200)):
        forged = {"X_Forwarded_For": f"203.0.113.{status % 7}", "Forwarded": f"for=203.0.113.{status % 7}"}
        each.get(COLLECTION, status, **forged)


def keys_of(app, *emails):
    return [Api(app, new_key(app.keys, email, ALL_SCOPES).key) for email in emails]


def test_all_keys_of_a_user_draw_from_one_bucket(limited):
    """Also a key that another key has made."""
    first, other = keys_of(limited, "ana@example.com", "ben@example.com")
    made = Api(limited, first.post({}, path="/v1/keys").json["data"]["key"])
    made.get(COLLECTION)
    for caller, status in ((made, 429), (first, 429), (other, 200)):
        caller.get(COLLECTION, status)
