"""The filters of a list that the API shares with the commands or the store."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date

from acare.field_types import Enum, String, number
from acare.fields import CLIENT_TYPES, STATUSES

#: The text of a search. A possessive quantifier (++) never backtracks.
SEARCH = String(200, 1, pattern=re.compile(r"\A(\S++\s*+){1,8}\Z"), rule="must have at most 8 words")

_text = String(200, pattern=re.compile(r"[^\W_]"), rule="must have a letter or digit").validate


def parse_due(text: str) -> str:
    """The last date of the follow-ups that a list has: ``YYYY-MM-DD``, or ``any``."""
    with suppress(ValueError):
        if text == "any" or date.fromisoformat(text).isoformat() == text:
            return "9999-12-31" if text == "any" else text
    raise ValueError("must be a date such as 2026-12-15, or any")


#: The filters, and the order, that are one of some words, each with its parser.
WORDS: Mapping[str, Callable[[object], object]] = {
    "client_type": Enum(CLIENT_TYPES).validate,
    "status": Enum(STATUSES).validate,
    "sort": Enum(("created_at", "updated_at", "name")).validate,
    "order": Enum(("asc", "desc")).validate,
}

#: The filters that describe a property, each with its parser.
PROPERTY: Mapping[str, Callable[[str], object]] = {
    "price": number,
    "location": _text,
    "property_type": _text,
    "bedrooms": number,
    "bathrooms": number,
    "square_feet": number,
}
