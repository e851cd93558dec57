"""Token buckets on a clock that stands still until it is told to go on."""

from __future__ import annotations

import threading
import time
import tracemalloc

import pytest

from acare.ratelimit import MAX_BUCKETS, RateLimit, RateLimiter, Verdict, _ipv6_name, bucket_name

SECOND = 1_000_000_000
VENDORS = RateLimit(tokens=500, seconds=900)
HOME = "192.0.2.1"


class Clock:
    """Nanoseconds; starts at an odd instant, so that nothing comes out even by chance."""

    def __init__(self) -> None:
        self.now = 987_654_321_123_456_789

    def __call__(self) -> int:
        return self.now

    def advance(self, *, seconds: int = 0, nanoseconds: int = 0) -> None:
        self.now += seconds * SECOND + nanoseconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(VENDORS, clock)


def spend(limiter: RateLimiter, requests: int, name: str = HOME) -> int:
    """How many of so many requests pass."""
    return sum(limiter.take(name).allowed for _ in range(requests))


# --- how many pass


def test_a_full_bucket_lets_as_many_pass_as_it_has_tokens(limiter: RateLimiter) -> None:
    assert spend(limiter, 500) == 500


def test_an_empty_bucket_lets_none_pass(limiter: RateLimiter) -> None:
    spend(limiter, 500)
    assert spend(limiter, 1000) == 0


def test_each_name_has_a_bucket_of_its_own(limiter: RateLimiter) -> None:
    spend(limiter, 500)
    assert spend(limiter, 501, name="192.0.2.2") == 500


def test_a_token_comes_every_1800_milliseconds(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 500)
    passed = []
    for _ in range(50):
        clock.advance(nanoseconds=1_800_000_000)
        passed.append(spend(limiter, 2))
    assert passed == [1] * 50


def test_a_token_does_not_come_a_nanosecond_early(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 500)
    clock.advance(nanoseconds=1_799_999_999)
    assert not limiter.take(HOME).allowed
    clock.advance(nanoseconds=1)
    assert limiter.take(HOME).allowed


def test_a_request_that_is_refused_costs_no_token(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 10_000)
    clock.advance(nanoseconds=1_800_000_000)
    assert limiter.take(HOME).allowed


def test_a_bucket_is_full_again_after_its_time(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 500)
    clock.advance(seconds=900)
    assert spend(limiter, 1000) == 500


def test_a_bucket_is_never_more_than_full(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 1)
    clock.advance(seconds=10**9)
    assert spend(limiter, 1000) == 500


def test_a_window_of_any_place_lets_no_more_than_two_buckets_pass(limiter: RateLimiter, clock: Clock) -> None:
    passed = spend(limiter, 1000)
    for _ in range(900):
        clock.advance(seconds=1)
        passed += spend(limiter, 3)
    assert passed == 1000


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [(3, 1), (7, 1000), (1, 1), (1, 3), (500, 900), (999_999_999, 7), (7, 999_999_999)],
)
def test_tokens_come_at_the_exact_nanosecond_whatever_the_ratio(
    clock: Clock, tokens: int, seconds: int
) -> None:
    limiter = RateLimiter(RateLimit(tokens, seconds), clock, max_buckets=10)
    limiter._young[HOME] = clock.now * tokens + limiter._capacity  # empty, without 999,999,999 requests
    started = clock.now
    for n in range(1, 50):
        whole_at = started + -(-n * seconds * SECOND // tokens)  # the first nanosecond that has token n
        if whole_at - 1 > clock.now:
            clock.now = whole_at - 1
            assert not limiter.take(HOME).allowed
        clock.now = whole_at
        assert limiter.take(HOME).allowed


def test_a_thousand_rounds_of_an_awkward_ratio_lose_nothing(clock: Clock) -> None:
    limiter = RateLimiter(RateLimit(tokens=3, seconds=1), clock)
    passed = 0
    for _ in range(7000):
        passed += spend(limiter, 2)
        clock.advance(nanoseconds=142_857_143)  # a seventh of a second, and 7,000 of them 1000 s and 1 µs
    assert passed == 3 + 3 * 999 + 2  # the last seventh has not brought its token yet


class Dawdling(str):
    """A name that lets the other threads go first whenever a dict looks at it."""

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_sixteen_threads_get_exactly_the_tokens_there_are(limiter: RateLimiter) -> None:
    passed: list[int] = []
    start = threading.Barrier(16)

    def hammer() -> None:
        start.wait(10)
        passed.append(spend(limiter, 100, Dawdling(HOME)))

    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(passed) == 500


# --- what the headers say


def test_the_first_request_of_all_leaves_499(limiter: RateLimiter) -> None:
    assert limiter.take(HOME) == Verdict(allowed=True, limit=500, remaining=499, reset=2, retry_after=0)


def test_the_last_request_leaves_none(limiter: RateLimiter) -> None:
    spend(limiter, 499)
    assert limiter.take(HOME) == Verdict(allowed=True, limit=500, remaining=0, reset=900, retry_after=0)


def test_a_request_too_many_is_told_when_to_come_again(limiter: RateLimiter) -> None:
    spend(limiter, 500)
    assert limiter.take(HOME) == Verdict(allowed=False, limit=500, remaining=0, reset=900, retry_after=2)


@pytest.mark.parametrize(
    ("milliseconds", "remaining", "reset"),
    [
        (0, 0, 900),
        (1, 0, 900),
        (1000, 0, 899),
        (1799, 0, 899),
        (1801, 0, 900),
        (3600, 1, 899),
        (890_000, 493, 12),
    ],
)
def test_the_figures_count_a_bucket_that_fills(
    limiter: RateLimiter, clock: Clock, milliseconds: int, remaining: int, reset: int
) -> None:
    spend(limiter, 500)
    clock.advance(nanoseconds=milliseconds * 1_000_000)
    verdict = limiter.take(HOME)
    assert (verdict.remaining, verdict.reset) == (remaining, reset)


@pytest.mark.parametrize(
    ("tokens", "seconds", "retry_after"), [(500, 900, 2), (3, 1, 1), (7, 1000, 143), (1, 60, 60), (1, 1, 1)]
)
def test_whoever_waits_as_long_as_they_were_told_passes(
    clock: Clock, tokens: int, seconds: int, retry_after: int
) -> None:
    limiter = RateLimiter(RateLimit(tokens, seconds), clock)
    spend(limiter, tokens)
    assert limiter.take(HOME).retry_after == retry_after
    clock.advance(seconds=retry_after)
    assert limiter.take(HOME).allowed


def test_whoever_waits_for_the_reset_finds_a_full_bucket(limiter: RateLimiter, clock: Clock) -> None:
    spend(limiter, 123)
    clock.advance(seconds=limiter.take(HOME).reset)
    assert limiter.take(HOME).remaining == 499


def test_retry_after_is_at_least_a_second(clock: Clock) -> None:
    limiter = RateLimiter(RateLimit(tokens=1000, seconds=1), clock)
    spend(limiter, 1000)
    assert {limiter.take(HOME).retry_after for _ in range(100)} == {1}


# --- how much is remembered


@pytest.fixture(scope="module")
def crowded() -> tuple[RateLimiter, list[bool]]:
    """A limiter that met a million names, with one in steady use among them, and what that one was told."""
    limiter = RateLimiter(RateLimit(tokens=10, seconds=900), lambda: 0)
    steady = []
    for n in range(1_000_000):
        limiter.take(f"10.{n}")
        if n % (MAX_BUCKETS // 2 - 1) == 0:
            steady.append(limiter.take(HOME).allowed)
    return limiter, steady


def test_of_a_million_names_no_more_are_remembered_than_were_allowed(
    crowded: tuple[RateLimiter, list[bool]],
) -> None:
    assert MAX_BUCKETS // 2 <= len(crowded[0]) <= MAX_BUCKETS


def test_a_name_in_steady_use_is_not_forgotten_among_a_million(
    crowded: tuple[RateLimiter, list[bool]],
) -> None:
    assert crowded[1] == [True] * 10 + [False] * 11


def test_memory_is_bounded_whatever_names_come(clock: Clock) -> None:
    most_buckets = 4000  # a twenty-fifth of the real figure, for the sake of the test's time
    limiter = RateLimiter(VENDORS, clock, most_buckets)
    peaks = []
    tracemalloc.start()
    try:
        for n in range(10 * most_buckets):
            limiter.take(f"2001:db8:{n:x}::/64")
            if n % most_buckets == 0:
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert max(peaks) < 250 * most_buckets


def test_a_name_is_remembered_while_no_more_others_come_than_half_the_buckets(clock: Clock) -> None:
    limiter = RateLimiter(RateLimit(tokens=1, seconds=900), clock, max_buckets=100)
    limiter.take(HOME)
    spent = [limiter.take(str(n)) for n in range(50)]
    assert (len(spent), limiter.take(HOME).allowed) == (50, False)


@pytest.mark.parametrize("max_buckets", [2, 3, 10, 101])
def test_small_limits_to_what_is_remembered_hold_too(clock: Clock, max_buckets: int) -> None:
    limiter = RateLimiter(VENDORS, clock, max_buckets)
    most = 0
    for n in range(1000):
        limiter.take(str(n % 137))
        most = max(most, len(limiter))
    assert most <= max_buckets


# --- names of addresses


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%25", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
        ("192.0.2.256", "192.0.2.256"),
        ("192.0.2.1:8080", "192.0.2.1:8080"),
        ("192.0.2.1/24", "192.0.2.1/24"),
        ("x" * 1000, "x" * 64),
        ("x:" * 500, "x:" * 32),
    ],
)
def test_the_bucket_of_an_address(address: str, name: str) -> None:
    assert bucket_name(address) == name


def same(first: str, second: str) -> bool:
    return bucket_name(first) == bucket_name(second)


def test_the_addresses_of_one_ipv6_name_share_a_bucket() -> None:
    assert same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff")


def test_the_addresses_of_two_ipv6_names_do_not() -> None:
    assert not same("2001:db8:0:1::1", "2001:db8:0:2::1")


def test_the_names_that_are_kept_at_hand_are_bounded() -> None:
    assert _ipv6_name.cache_info().maxsize is not None
