"""Ids: UUIDs, which the database and the wire show in lower case with hyphens. (seed)"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from uuid import UUID

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID = re.compile(rf"{_CANONICAL.pattern}|[0-9a-f]{{32}}", re.IGNORECASE | re.ASCII)


def canonical(text: str) -> str | None:
    """The id that ``text`` spells, maybe in capitals or without hyphens; None if it is none. (our choice)"""
    if _CANONICAL.fullmatch(text):
        return text  # nearly every one is, and UUID() takes ten times as long
    return str(UUID(text)) if _UUID.fullmatch(text) else None


def new(clock: Callable[[], int] = time.time_ns) -> str:
    """An id that nothing else has: a UUID of version 7 (RFC 9562), the time and 74 bits of chance.

    Ids of one time stand together in an index. Those of chance alone are scattered over it: among a
    million clients each would cost a page to read and a page to write. (our choice) ``clock`` tells
    nanoseconds since 1970.
    """
    milliseconds = clock() // 1_000_000
    return str(
        UUID(
            int=milliseconds << 80
            | 0x7 << 76  # the version
            | secrets.randbits(12) << 64
            | 0b10 << 62  # the variant
            | secrets.randbits(62)
        )
    )
