"""Ids: UUIDs, which the database and the wire show in lower case with hyphens. (seed)"""

from __future__ import annotations

import re
from uuid import UUID

_CANONICAL = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID = re.compile(rf"{_CANONICAL.pattern}|[0-9a-f]{{32}}", re.IGNORECASE | re.ASCII)


def canonical(text: str) -> str | None:
    """The id that ``text`` spells, maybe in capitals or without hyphens; None if it is none. (our choice)"""
    if _CANONICAL.fullmatch(text):
        return text  # nearly every one is, and UUID() takes ten times as long
    return str(UUID(text)) if _UUID.fullmatch(text) else None
