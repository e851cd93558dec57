"""Instants as the wire and the database show them: ``2026-07-15T14:32:10.000Z``. (vendor)

All are UTC with milliseconds, so they sort and compare as texts.
"""

from __future__ import annotations

import time
from functools import lru_cache


def now() -> str:
    """This instant."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03}Z"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    """The part that is the same for all instants of one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
