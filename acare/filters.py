"""The filters of a list."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from acare import ids
from acare.field_types import TAG, USER_EMAIL, Enum, String, Type, number
from acare.fields import CLIENT_TYPES, STATUSES

# A possessive quantifier (++) never backtracks.
_SEARCH = String(200, 1, pattern=re.compile(r"\A(\S++\s*+){1,8}\Z"), rule="must have at most 8 words")
_TEXT = String(200, 1, pattern=re.compile(r"[^\W_]"), rule="must have a letter or digit")


def parse_due(text: Any) -> str:
    """The last date of the follow-ups that a list has: ``YYYY-MM-DD``, or ``any``."""
    with suppress(TypeError, ValueError):
        if text == "any" or date.fromisoformat(text).isoformat() == text:
            return "9999-12-31" if text == "any" else text
    raise ValueError("must be a date such as 2026-12-15, or any")


#: The filters that describe a property, each with its parser.
PROPERTY: Mapping[str, Type] = {
    "price": number,
    "location": _TEXT,
    "property_type": _TEXT,
    "bedrooms": number,
    "bathrooms": number,
    "square_feet": number,
}

#: All filters, and the order. Each parser returns a value that it has parsed unchanged.
FILTERS: Mapping[str, Type] = {
    "client_type": Enum(CLIENT_TYPES),
    "status": Enum(STATUSES),
    "user_id": ids.parse,
    "email": USER_EMAIL,
    "q": _SEARCH,
    **PROPERTY,
    "tag": TAG,
    "due": parse_due,
    "sort": Enum(("created_at", "updated_at", "name")),
    "order": Enum(("asc", "desc")),
}
