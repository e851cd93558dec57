"""The rate limit: token buckets, and the middleware that takes tokens from them."""

import socket
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import falcon

from acare.api.request import Request
from acare.config import RateLimit, Settings
from acare.errors import Refused

_SECOND = 1_000_000_000
_IPV4_MAPPED = bytes(10) + b"\xff\xff"

#: The maximum number of buckets; above it, the least recently used one is dropped.
MAX_BUCKETS = 100_000


class RateLimitResult(NamedTuple):
    """The result for one request, in whole tokens and whole seconds, as in the headers."""

    limit: int
    remaining: int
    reset: int
    retry_after: int  # at least 1; 0: the request is allowed


class RateLimiter:
    """One bucket for each name: a user or an address. Thread-safe.

    The state of a bucket is one integer: the time at which it will be full again, in units of 1/``tokens`` of
    a nanosecond. In this unit one token takes exactly ``seconds`` in nanoseconds, so rounding never grants or
    costs a token. A bucket that is full by now needs no entry.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], int]) -> None:
        """``clock`` returns nanoseconds and is monotonic (``time.monotonic_ns``)."""
        self._limit = limit
        self._clock = clock
        self._token = limit.seconds * _SECOND
        self._capacity = limit.tokens * self._token
        self._per_second = limit.tokens * _SECOND
        self._full_at: OrderedDict[str, int] = OrderedDict()  # least recently used first
        self._lock = threading.Lock()

    def take(self, name: str) -> RateLimitResult:
        """Take one token from the bucket of ``name``, if it has one."""
        limit, token = self._limit.tokens, self._token
        with self._lock:
            now = self._clock() * limit
            missing = max(self._full_at.pop(name, now) - now, 0)
            short_by = missing + token - self._capacity
            if short_by <= 0:
                missing += token
            self._full_at[name] = now + missing  # at the end
            if len(self._full_at) > MAX_BUCKETS:
                self._full_at.popitem(last=False)
        # Whole tokens are rounded down, whole seconds up.
        wait = -(-short_by // self._per_second) if short_by > 0 else 0
        reset = -(-missing // self._per_second)
        return RateLimitResult(limit, (self._capacity - missing) // token, reset, wait)


def bucket_name(address: str) -> str:
    """The name of the bucket for an address.

    IPv6 addresses share one bucket per /64, which a single customer usually has. An IPv4-mapped address
    counts as the IPv4 address. Other text is used as it is.
    """
    name = address[:64]
    try:
        packed = socket.inet_pton(socket.AF_INET6, name.partition("%")[0])
    except OSError:
        return name
    if packed.startswith(_IPV4_MAPPED):
        return socket.inet_ntoa(packed[-4:])
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"


class LimitRate:
    """Takes a token for each request under ``/v1`` and reports the state of the bucket in headers.

    The bucket is the user's or, without a valid caller, the address's: any web page can make its visitors
    send such requests, and they must not use up the tokens of the programs in the same office.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int]) -> None:
        limit = settings.rate_limit
        self._limiter = None if limit is None else RateLimiter(limit, clock)

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if self._limiter is None or not req.context.is_api:
            return
        result = self._limiter.take(self._bucket(req))
        resp.set_header("RateLimit-Limit", str(result.limit))
        resp.set_header("RateLimit-Remaining", str(result.remaining))
        resp.set_header("RateLimit-Reset", str(result.reset))
        if result.retry_after:
            raise Refused(
                f"Too many requests. Try again in {result.retry_after} s.",
                "RATE_LIMIT_EXCEEDED",
                {"retryAfter": result.retry_after},
                {"Retry-After": str(result.retry_after)},
            )

    def _bucket(self, req: Request) -> str:
        caller = req.context.caller
        return bucket_name(req.remote_addr) if caller is None else f"user {caller.user_id}"
