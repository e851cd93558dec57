"""The filters of a list."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from acare import ids
from acare.field_types import TAG, USER_EMAIL, Described, Enum, String
from acare.fields import CLIENT_TYPE, STATUS
from acare.parameters import Parameter, number

# A possessive quantifier (++) never backtracks.
_SEARCH = String(200, 1, pattern=re.compile(r"\A(\S++\s*+){1,8}\Z"), rule="must have at most 8 words")
_TEXT = String(200, 1, pattern=re.compile(r"[^\W_]"), rule="must have a letter or digit")


def parse_due(text: Any) -> str:
    """The last date of the follow-ups that a list has: ``YYYY-MM-DD``, or ``any``."""
    with suppress(TypeError, ValueError):
        if text == "any" or date.fromisoformat(text).isoformat() == text:
            return "9999-12-31" if text == "any" else text
    raise ValueError("must be a date such as 2026-12-15, or any")


_UUID = Described(ids.parse, {"type": "string", "format": "uuid"})
_DUE = Described(parse_due, {"type": "string", "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|any)$"})
_SORT = Enum(("created_at", "updated_at", "name"))
_ORDER = Enum(("asc", "desc"))

#: The filters that describe a property, each with its parser.
PROPERTY: Mapping[str, Parameter] = {
    "price": Parameter(
        number, "Price of a property: only buyers whose `budget_min` and `budget_max` allow it.", 425_000
    ),
    "location": Parameter(
        _TEXT,
        "Location of a property: only buyers one of whose `preferred_locations` is the location, or "
        "consists of adjacent words of it, or has all of its words next to each other. Case, accents and "
        "punctuation do not count.",
        "Bakersfield, CA",
    ),
    "property_type": Parameter(
        _TEXT,
        "Type of a property: only buyers one of whose `property_types` is this type. Case, accents and "
        "punctuation do not count.",
        "house",
    ),
    "bedrooms": Parameter(number, "Bedrooms of a property: only buyers whose `bedrooms_min` is not more.", 3),
    "bathrooms": Parameter(
        number, "Bathrooms of a property: only buyers whose `bathrooms_min` is not more.", 2.5
    ),
    "square_feet": Parameter(
        number, "Area of a property in square feet: only buyers whose `square_feet_min` is not more.", 1800
    ),
}

#: All filters, and the order. Each parser returns a value that it has parsed unchanged.
FILTERS: Mapping[str, Parameter] = {
    "client_type": Parameter(CLIENT_TYPE, "Only clients of this type."),
    "status": Parameter(STATUS, "Only clients with this status."),
    "user_id": Parameter(_UUID, "Only clients of this user."),
    "email": Parameter(USER_EMAIL, "Only clients with this e-mail address. Case-insensitive."),
    "q": Parameter(
        _SEARCH,
        "Search: each of at most 8 words begins a word of the name, e-mail, phone, tags, locations or "
        "notes; a phone number is found in any notation.",
        "haddad",
    ),
    **PROPERTY,
    "tag": Parameter(
        TAG,
        "Only clients with this whole tag. ASCII case is ignored. Cannot be combined with `deleted=true`.",
        "relocation",
    ),
    "due": Parameter(
        _DUE,
        "Only clients with a follow-up on or before this date, or with `any`: a tag such as "
        "`due:2026-12-15`. Earliest first, unless `sort` is given. Cannot be combined with `deleted=true`.",
        "2026-12-15",
    ),
    "sort": Parameter(
        _SORT,
        "Order of the clients: `created_at` or `updated_at`, newest first, or `name`: by last name, then "
        "first name. Cannot be combined with `deleted=true`.",
        default="created_at",
    ),
    "order": Parameter(
        _ORDER,
        "Direction of the order: by default `desc` for times and `asc` for names and follow-ups. Equal "
        "clients are newest first. Cannot be combined with `deleted=true`.",
    ),
}
