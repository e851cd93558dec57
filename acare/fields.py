"""What a client is: one table of fields. An untrusted body goes in, a clean dict comes out.

A clean dict has column names as keys and stored values (see :mod:`acare.field_types`) as values, ready to be
bound to SQL. Fields that are the server's, and names that nobody knows, are passed over, so that a record
that was read can be changed and sent back whole. (our choice)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from acare.errors import InvalidInput, Problem
from acare.field_types import Amount, Email, Flag, Kind, OneOf, Phone, Preferences, Stored, Text, Texts

CLIENT_TYPES = ("buyer", "seller", "both")
STATUSES = ("active", "inactive", "closed")

Clean = dict[str, Stored]


@dataclass(frozen=True)
class Field:
    """A field that a caller may write. ``unset`` is what it holds when it is absent at creation or null."""

    name: str
    kind: Kind
    required: bool = False
    unset: Stored = None


_MONEY = Amount(maximum=10**12)

FIELDS = (
    Field("first_name", Text(min_length=1, max_length=100), required=True),
    Field("last_name", Text(min_length=1, max_length=100), required=True),
    Field("email", Email(max_length=254)),
    Field("phone", Phone(max_length=40)),
    Field("client_type", OneOf(CLIENT_TYPES), required=True),
    Field("status", OneOf(STATUSES), unset="active"),
    Field("source", Text(max_length=100)),
    Field("budget_min", _MONEY),
    Field("budget_max", _MONEY),
    Field("preferred_locations", Texts(maximum=50, each=Text(max_length=200)), unset="[]"),
    Field(
        "property_preferences",
        Preferences(
            max_bytes=8 * 1024,
            max_depth=20,
            numbers=("bedrooms_min", "bathrooms_min", "square_feet_min"),
            texts=("property_types",),
        ),
        unset="{}",
    ),
    Field("pre_approved", Flag(), unset=0),
    Field("pre_approval_amount", _MONEY),
    Field("notes", Text(max_length=10_000, lines=True)),
    Field("tags", Texts(maximum=50, each=Text(max_length=50)), unset="[]"),
)


def clean_new(body: object) -> Clean:
    """The whole record of a client to create; InvalidInput lists every problem."""
    members = _members(body)
    missing = [
        Problem(field.name, "is required")
        for field in FIELDS
        if field.required and members.get(field.name) is None
    ]
    clean = _clean(members, missing)
    return {field.name: clean.get(field.name, field.unset) for field in FIELDS}


def clean_changes(body: object) -> Clean:
    """The fields of a client to change, at least one; InvalidInput lists every problem."""
    members = _members(body)
    nulled = [
        Problem(field.name, "must not be null")
        for field in FIELDS
        if field.required and field.name in members and members[field.name] is None
    ]
    clean = _clean(members, nulled)
    if not clean:
        raise InvalidInput(Problem("body", f"must have at least one of {', '.join(f.name for f in FIELDS)}"))
    return clean


def clean_version(body: object) -> int | None:
    """The version that the caller has read, or None where the body names none.

    Anything but an integer from 1 is InvalidInput, null too: it would silently drop the lock.
    """
    members = _members(body)
    if "version" not in members:
        return None
    version = members["version"]
    if type(version) is not int or version < 1:
        raise InvalidInput(Problem("version", "must be an integer of at least 1"))
    return version


def clean_update(body: object) -> tuple[Clean, int | None]:
    """What both :func:`clean_changes` and :func:`clean_version` give; InvalidInput lists every problem."""
    problems: list[Problem] = []
    changes: Clean = {}
    version = None
    try:
        version = clean_version(body)
    except InvalidInput as error:
        problems += error.problems
    try:
        changes = clean_changes(body)
    except InvalidInput as error:
        problems += error.problems
    if problems:
        raise InvalidInput(*dict.fromkeys(problems))
    return changes, version


def budgets_crossed(sent: Iterable[str]) -> InvalidInput:
    """The error for a ``budget_min`` above its ``budget_max``, put down to the fields that were sent."""
    messages = {
        "budget_min": "must not be more than budget_max",
        "budget_max": "must not be less than budget_min",
    }
    return InvalidInput(*(Problem(name, messages[name]) for name in messages if name in set(sent)))


def _members(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise InvalidInput(Problem("body", "must be a JSON object"))
    return body


def _clean(members: dict[str, object], problems: list[Problem]) -> Clean:
    """The known fields among ``members``, clean; InvalidInput if there are any problems, old or new."""
    clean: Clean = {}
    for field in FIELDS:
        if field.name not in members:
            continue
        value = members[field.name]
        if value is None:
            if not field.required:
                clean[field.name] = field.unset
            continue
        try:
            clean[field.name] = field.kind.clean(value)
        except ValueError as error:
            problems.append(Problem(field.name, str(error)))
    if problems:
        raise InvalidInput(*problems)
    low, high = clean.get("budget_min"), clean.get("budget_max")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        raise budgets_crossed(clean)
    return clean
