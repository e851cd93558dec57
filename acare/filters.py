"""The filters of a list."""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from acare import ids
from acare.field_types import USER_EMAIL, Enum, String, number
from acare.fields import CLIENT_TYPES, STATUSES, parse_each

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
PROPERTY: Mapping[str, Callable[[object], object]] = {
    "price": number,
    "location": _TEXT.validate,
    "property_type": _TEXT.validate,
    "bedrooms": number,
    "bathrooms": number,
    "square_feet": number,
}

#: All filters, and the order. Each parser returns a value that it has parsed unchanged.
FILTERS: Mapping[str, Callable[[object], object]] = {
    "client_type": Enum(CLIENT_TYPES).validate,
    "status": Enum(STATUSES).validate,
    "user_id": ids.parse,
    "email": USER_EMAIL.validate,
    "q": _SEARCH.validate,
    **PROPERTY,
    "due": parse_due,
    "sort": Enum(("created_at", "updated_at", "name")).validate,
    "order": Enum(("asc", "desc")).validate,
}


def parse_filters(filters: Mapping[str, object], known: Collection[str] = FILTERS) -> dict[str, Any]:
    """The filters that are not None, parsed. InvalidInput lists every problem.

    TypeError for an unknown filter, which would otherwise be ignored.
    """
    if unknown := [name for name in filters if name not in known]:
        raise TypeError(f"unknown filter: {', '.join(unknown)}")
    return parse_each({name: value for name, value in filters.items() if value is not None}, FILTERS)
