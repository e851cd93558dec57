"""Timestamps, in the format of the API and the database: ``2026-07-15T14:32:10.000Z``. (vendor)

All are UTC with milliseconds, so they sort and compare as text.
"""

from __future__ import annotations

import time
from functools import lru_cache


def now() -> str:
    """The current time."""
    return at(time.time_ns())


def at(nanoseconds: int) -> str:
    """The time ``nanoseconds`` after 1970, truncated to milliseconds."""
    milliseconds = nanoseconds // 1_000_000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    """The part that is the same for all timestamps of one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
