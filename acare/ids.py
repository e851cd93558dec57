"""Ids: UUIDs, in lower case with hyphens in the database and on the wire."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from uuid import UUID

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID = re.compile(rf"{_CANONICAL.pattern}|[0-9a-f]{{32}}", re.IGNORECASE | re.ASCII)


def canonical(text: str) -> str | None:
    """The id in canonical form; None if ``text`` is not a UUID.

    Upper case is accepted, and hyphens are optional.
    """
    if _CANONICAL.fullmatch(text):
        return text  # the usual case; UUID() takes ten times as long
    return str(UUID(text)) if _UUID.fullmatch(text) else None


def new(clock: Callable[[], int] = time.time_ns) -> str:
    """A new, unique id: a UUID of version 7 (RFC 9562), which is the time and 74 random bits.

    Ids created at about the same time are neighbours in an index. Fully random ids are scattered: among a
    million clients, each new one would read and write another page. ``clock`` returns
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
