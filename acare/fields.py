"""The fields of a client, and the validation of JSON bodies.

Fields that the server sets and unknown fields are ignored, so that a caller can read a record, change it and
send back all of it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from acare.errors import FieldError, InvalidInput
from acare.field_types import (
    CLIENT_EMAIL,
    Amount,
    Boolean,
    Enum,
    FieldType,
    Stored,
    String,
    StringList,
)
from acare.property_preferences import Preferences

CLIENT_TYPES = ("buyer", "seller", "both")
STATUSES = ("active", "inactive", "closed")

#: Column names → values to store.
ValidFields = dict[str, Stored]


@dataclass(frozen=True)
class Field:
    """A field that a caller may write.

    ``default`` is its value when it is null, or absent when the client is created. A field whose schema has a
    name gets a type of that name in generated code.
    """

    name: str
    kind: FieldType
    description: str
    required: bool = False
    default: Stored = None
    schema_name: str | None = None


_NAME = String(min_length=1, max_length=100)
_MONEY = Amount(maximum=10**12)

FIELDS = (
    Field("first_name", _NAME, "First name. Must not be blank.", required=True),
    Field("last_name", _NAME, "Last name. Must not be blank.", required=True),
    Field("email", CLIENT_EMAIL, "E-mail address. Need not be unique; an empty string means null."),
    Field(
        "phone",
        String(max_length=40, pattern=r"\d", rule="must be a phone number, with at least one digit"),
        "Phone number in any notation, with at least one digit; an empty string means null.",
    ),
    Field(
        "client_type",
        Enum(CLIENT_TYPES),
        "What the client wants to do: buy, sell or both.",
        required=True,
        schema_name="ClientType",
    ),
    Field(
        "status",
        Enum(STATUSES),
        "State of the relationship: `active` unless set.",
        default="active",
        schema_name="ClientStatus",
    ),
    Field("source", String(max_length=100), "Where the client came from, for example a referral or website."),
    Field("budget_min", _MONEY, "Lowest price the client considers; not more than `budget_max`."),
    Field("budget_max", _MONEY, "Highest price the client considers; not less than `budget_min`."),
    Field(
        "preferred_locations",
        StringList(maximum=50, each=String(max_length=200)),
        "Places where the client is looking for a property.",
        default="[]",
    ),
    Field(
        "property_preferences",
        Preferences(
            max_bytes=8 * 1024,
            max_depth=20,
            numbers={
                "bedrooms_min": "Minimum number of bedrooms.",
                "bathrooms_min": "Minimum number of bathrooms; a half counts as 0.5.",
                "square_feet_min": "Minimum living area in square feet.",
            },
            texts={"property_types": "Types of property that the client considers, for example `condo`."},
        ),
        "What the client is looking for. Other keys are kept as they are. At most 8,192 bytes as compact "
        "JSON, with at most 20 levels of nesting.",
        default="{}",
        schema_name="PropertyPreferences",
    ),
    Field("pre_approved", Boolean(), "Whether a lender has approved a loan in advance.", default=0),
    Field("pre_approval_amount", _MONEY, "Amount of the loan that was approved in advance."),
    Field("notes", String(max_length=10_000, lines=True), "Free text. May have line breaks."),
    Field(
        "tags", StringList(maximum=50, each=String(max_length=50)), "The agency's own labels.", default="[]"
    ),
)

#: The fields that the server sets. In an update, ``version`` is the lock.
SERVER_FIELDS = ("id", "user_id", "version", "created_at", "updated_at")

_ABSENT: Mapping[str, None] = dict.fromkeys(field.name for field in FIELDS)


def validate_create(body: object) -> ValidFields:
    """The complete record of a client to create. InvalidInput lists every problem."""
    problems: list[FieldError] = []
    valid = _validate({**_ABSENT, **_members(body)}, "is required", problems)
    if problems:
        raise InvalidInput(*problems)
    return valid


def validate_update(body: object) -> tuple[ValidFields, int | None]:
    """The fields to change, at least one, and the version that the caller has read.

    The version is None if the body has none. InvalidInput lists every problem.
    """
    members = _members(body)
    problems: list[FieldError] = []
    version = _validate_version(members, problems)
    changes = _validate(members, "must not be null", problems)
    if _ABSENT.keys().isdisjoint(members):
        problems.append(FieldError("body", f"must have at least one of {', '.join(_ABSENT)}"))
    if problems:
        raise InvalidInput(*problems)
    return changes, version


def budgets_crossed(sent: Container[str]) -> InvalidInput:
    """The error for a ``budget_min`` above ``budget_max``; it names the field or fields that were sent."""
    messages = {
        "budget_min": "must not be more than budget_max",
        "budget_max": "must not be less than budget_min",
    }
    return InvalidInput(*(FieldError(name, messages[name]) for name in messages if name in sent))


def _members(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise InvalidInput(FieldError("body", "must be a JSON object"))
    return body


def _validate_version(members: dict[str, object], problems: list[FieldError]) -> int | None:
    """The version in a body; null is a problem, because it would silently disable the lock."""
    if "version" not in members:
        return None
    version = members["version"]
    if isinstance(version, float) and version.is_integer():
        version = int(version)  # 3.0 is an integer in JSON Schema, and some languages send it
    if type(version) is int and version >= 1:
        return version
    problems.append(FieldError("version", "must be an integer of at least 1"))
    return None


def _validate(members: dict[str, object], null_message: str, problems: list[FieldError]) -> ValidFields:
    """The valid fields among ``members``. Appends the problems of the others to ``problems``.

    ``null_message`` is the problem with a required field that is null.
    """
    valid: ValidFields = {}
    for field in FIELDS:
        if field.name not in members:
            continue
        value = members[field.name]
        if value is None:
            if field.required:
                problems.append(FieldError(field.name, null_message))
            valid[field.name] = field.default
            continue
        try:
            valid[field.name] = field.kind.validate(value)
        except ValueError as error:
            problems.append(FieldError(field.name, str(error)))
    low, high = valid.get("budget_min"), valid.get("budget_max")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        problems += budgets_crossed(valid).problems
    return valid
