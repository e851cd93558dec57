"""Token buckets over a clock. Nothing here knows HTTP.

A bucket holds ``tokens`` and is refilled evenly over ``seconds``; each request takes one token. What a
full bucket lacks is all there is to know of it, so a bucket is one integer: the instant at which it will
be full again. A bucket that is full by now is the same as none, which is what makes forgetting safe.

All arithmetic is in integers, in units of 1/``tokens`` of a nanosecond, where one token is exactly
``seconds`` in nanoseconds: no rounding ever grants or costs a caller a token.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_SECOND = 1_000_000_000

#: Buckets remembered at most. At some 200 bytes each that is 20 MB, whatever addresses come.
MAX_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``tokens`` requests, refilled evenly over ``seconds``. (vendor: 500 in 900 s)"""

    tokens: int
    seconds: int


class Verdict(NamedTuple):
    """What one request found: all in whole tokens and whole seconds, as the headers show them."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int  # at least 1; 0 if it was allowed


class RateLimiter:
    """One bucket for each name (an address, a key), shared by all threads.

    Memory is bounded: names are kept in two generations of at most half ``max_buckets`` each. A name
    that is used moves to the young one; when that is full it becomes the old one and the old one is
    dropped. So what is forgotten was not used while half ``max_buckets`` other names were.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], int], max_buckets: int = MAX_BUCKETS) -> None:
        """``clock`` tells nanoseconds and never goes back (``time.monotonic_ns``)."""
        self._limit = limit
        self._clock = clock
        self._generation_size = max(1, max_buckets // 2)
        self._token = limit.seconds * _SECOND
        self._capacity = limit.tokens * self._token
        self._per_second = limit.tokens * _SECOND
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, name: str) -> Verdict:
        """Take one token from the bucket of ``name``, if it has one."""
        limit, token = self._limit.tokens, self._token
        with self._lock:
            now = self._clock() * limit
            full_at = self._young.get(name)
            if full_at is None:
                full_at = self._find(name, now)
            missing = full_at - now if full_at > now else 0
            short_by = missing + token - self._capacity
            if short_by <= 0:
                missing += token
            self._young[name] = now + missing
        # Whole tokens are rounded down, whole seconds up.
        wait = -(-short_by // self._per_second) if short_by > 0 else 0
        reset = -(-missing // self._per_second)
        return Verdict(short_by <= 0, limit, (self._capacity - missing) // token, reset, wait)

    def _find(self, name: str, now: int) -> int:
        """When the bucket is full that is not among the young ones, among which it now gets room."""
        full_at = self._old.get(name, now)
        if len(self._young) >= self._generation_size:
            self._old, self._young = self._young, {}
        return full_at

    def __len__(self) -> int:
        """How many buckets are remembered now."""
        return len(self._young.keys() | self._old.keys())


def address_name(address: str) -> str:
    """The name of the bucket for an address: IPv6 counts by /64, since one household has a whole one.

    An IPv4 address inside IPv6 counts as itself. Text that is no address is a name like any other.
    (our choice)
    """
    name = address[:64]
    return _household(name) if ":" in name else name


@lru_cache(maxsize=4096)
def _household(address: str) -> str:
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
