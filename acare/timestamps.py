"""Timestamps, in the format of the API and the database: ``2026-07-15T14:32:10.000Z``.

All are UTC with milliseconds, so they sort and compare as text.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any


def now() -> str:
    """The current time."""
    return at(time.time_ns())


def at(nanoseconds: int) -> str:
    """The time ``nanoseconds`` after 1970, truncated to milliseconds."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{_at_second(seconds)}.{rest // 1_000_000:03}Z"


def after(days: float) -> str:
    """The time this many days from now."""
    return at(time.time_ns() + round(days * 24 * 60 * 60) * 1_000_000_000)


def parse(value: Any) -> str:
    """An RFC 3339 time, with any offset, in the format of the API. ValueError for others."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (TypeError, ValueError, OverflowError):  # the offset may lead to a year that Python lacks
        raise ValueError("must be a time with a date and an offset, like 2026-07-15T14:32:10Z") from None


@lru_cache(maxsize=1)
def _at_second(seconds: int) -> str:
    """Cached, because a server under load makes many timestamps in one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
