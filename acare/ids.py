"""Ids: UUIDs, in lower case with hyphens in the database and on the wire."""

import re
import secrets
import time
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")


def parse(value: object) -> str:
    """A UUID, of either case, with or without hyphens, in canonical form. ValueError states the format."""
    match = _UUID.fullmatch(value.lower()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a UUID")
    return match[0] if match[1] else str(UUID(match[0]))


def new() -> str:
    """A new, unique id: a UUID of version 7 (RFC 9562), which is the time and 74 random bits.

    Ids created at about the same time are neighbours in an index. Among a million fully random ids, each new
    one would read and write another page.
    """
    milliseconds = time.time_ns() // 1_000_000
    high, low = divmod(secrets.randbits(74), 1 << 62)
    version, variant = 0x7, 0b10
    digits = f"{milliseconds << 80 | version << 76 | high << 64 | variant << 62 | low:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
