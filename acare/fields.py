"""The fields of a client, and the validation of JSON bodies by a list of fields.

Fields that the server sets and unknown fields are ignored, so that a caller can change a record and send back
all of it.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from acare.errors import DAMAGED, FieldError, InvalidInput, StoreUnavailable
from acare.field_types import (
    CLIENT_EMAIL,
    NAME,
    PHONE,
    TAG,
    Amount,
    Boolean,
    Enum,
    FieldType,
    Preferences,
    Stored,
    String,
    StringList,
    Type,
    is_number,
)

CLIENT_TYPES = ("buyer", "seller", "both")
STATUSES = ("active", "inactive", "closed")


class ValidFields(dict[str, Stored]):
    """Column names → values to store. The stores take them only from the functions that validate."""


class Lock(NamedTuple):
    """The versions of a client at which a write may proceed: allowed by both fields. None allows all."""

    version: int | None = None
    if_match: Sequence[int] | None = None  # the versions in the header


#: The lock of a write at any version.
UNLOCKED = Lock()


@dataclass(frozen=True)
class Field:
    """A field that a caller may write, with its description and an example of it.

    ``default`` is the JSON value of a field that is null, or absent from a new client. ``hosted``: whether
    the hosted service has it.
    """

    name: str
    kind: FieldType
    description: str
    example: object
    required: bool = False
    default: object = None
    hosted: bool = True

    @cached_property
    def stored_default(self) -> Stored:
        return None if self.default is None else self.kind(self.default)

    def parse(self, value: object) -> Stored:
        """The value to store. ValueError states the rule."""
        if value is not None:
            stored: Stored = self.kind(value)
            return stored
        if self.required:
            raise ValueError("is required")
        return self.stored_default


_MONEY = Amount(maximum=10**12)

CLIENT_TYPE = Enum(CLIENT_TYPES, "ClientType", "What a client wants to do.")
STATUS = Enum(STATUSES, "ClientStatus", "State of the relationship with a client.")

_BLANK = "an empty string means null"
_PREFERENCES = (
    "What the client is looking for. Other keys are kept as they are. At most 8,192 bytes as compact JSON, "
    "with at most 20 levels of nesting."
)
_WISHES = {"bedrooms_min": 3, "property_types": ["house"], "pool": True}
_PLACES = "Places where the client is looking for a property."
_MIN = "Lowest price the client considers; not more than `budget_max`."
_MAX = "Highest price the client considers; not less than `budget_min`."

#: The only list of the fields in Python. README.md says where else a new one goes.
FIELDS = (
    Field("first_name", NAME, "First name. Must not be blank.", "Noor", required=True),
    Field("last_name", NAME, "Last name. Must not be blank.", "Haddad", required=True),
    Field("email", CLIENT_EMAIL, f"E-mail address. Need not be unique; {_BLANK}.", "noor.haddad@example.com"),
    Field(
        "phone", PHONE, f"Phone number in any notation, with at least one digit; {_BLANK}.", "(661) 555-0142"
    ),
    Field(
        "client_type", CLIENT_TYPE, "What the client wants to do: buy, sell or both.", "buyer", required=True
    ),
    Field("status", STATUS, "State of the relationship: `active` unless set.", "active", default="active"),
    Field(
        "source", String(100), "Where the client came from, for example a referral or website.", "referral"
    ),
    Field("budget_min", _MONEY, _MIN, 310_000),
    Field("budget_max", _MONEY, _MAX, 425_000.5),
    Field("preferred_locations", StringList(50, String(200)), _PLACES, ["Santa Clarita"], default=[]),
    Field("property_preferences", Preferences(), _PREFERENCES, _WISHES, default={}),
    Field("pre_approved", Boolean(), "Whether a lender has approved a loan in advance.", True, default=False),
    Field("pre_approval_amount", _MONEY, "Amount of the loan that was approved in advance.", 400_000),
    Field("notes", String(10_000, lines=True), "Free text. May have line breaks.", "Has a dog."),
    Field("tags", StringList(50, TAG), "The agency's own labels.", ["first-time buyer"], default=[]),
)

FIELD_NAMES = tuple(field.name for field in FIELDS)

#: The fields that the server sets. In an update, ``version`` is the lock.
SERVER_FIELDS = ("id", "user_id", "version", "created_at", "updated_at")

#: All fields, which a record has and a body may have.
ALL_NAMES = frozenset((*FIELD_NAMES, *SERVER_FIELDS))

#: The fields that a record of the hosted service has.
HOSTED_NAMES = frozenset((*(field.name for field in FIELDS if field.hosted), *SERVER_FIELDS))


def parse_client(text: str) -> dict[str, Any]:
    """A client from its stored JSON, which can lack newer fields. StoreUnavailable if it is damaged."""
    with suppress(TypeError, ValueError):  # TypeError: it is not text
        client = json.loads(text)
        if isinstance(client, dict) and set(SERVER_FIELDS) <= client.keys() <= ALL_NAMES:
            return client
    raise StoreUnavailable(DAMAGED)


def validate_create(body: Mapping[str, object]) -> ValidFields:
    """The complete record to create. InvalidInput lists every problem."""
    return ValidFields(_validate({name: body.get(name) for name in FIELD_NAMES}))


def validate_update(body: Mapping[str, object]) -> tuple[ValidFields, Lock]:
    """The fields to change, at least one, and the lock: the version that the caller has read, if any.

    InvalidInput lists every problem.
    """
    sent = {name: body[name] for name in _PARSERS if name in body}
    problems = []
    if not sent.keys() - {"version"}:
        problems = [FieldError("body", f"must have at least one of {', '.join(FIELD_NAMES)}")]
    changes = _validate(sent, problems)
    lock = Lock(changes.pop("version", None))
    return ValidFields(changes), lock


def _validate(values: Mapping[str, object], problems: Iterable[FieldError] = ()) -> dict[str, Any]:
    low, high = values.get("budget_min"), values.get("budget_max")
    if is_number(low) and is_number(high) and low > high:
        problems = [*problems, *budgets_crossed(values).problems]
    return parse_each(values, _PARSERS, problems)


def budgets_crossed(sent: Container[str]) -> InvalidInput:
    """The error for a ``budget_min`` above ``budget_max``; it names those that were sent."""
    messages = {
        "budget_min": "must not be more than budget_max",
        "budget_max": "must not be less than budget_min",
    }
    return InvalidInput(*(FieldError(name, messages[name]) for name in messages if name in sent))


def validate_version(value: object) -> int:
    """The version in a body. ValueError for others; null would disable the lock."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 3.0 is an integer in JSON Schema, and some languages send it
    if type(value) is int and value >= 1:
        return value
    raise ValueError("must be an integer of at least 1")


_PARSERS: Mapping[str, Type] = {**{field.name: field.parse for field in FIELDS}, "version": validate_version}


def parse_each(
    values: Mapping[str, Any], parsers: Mapping[str, Type], others: Iterable[FieldError] = ()
) -> dict[str, Any]:
    """The values, each as the function of its name returns it.

    InvalidInput lists every problem, at the end those in ``others``.
    """
    parsed: dict[str, Any] = {}
    problems: list[FieldError] = []
    for name, value in values.items():
        try:
            parsed[name] = parsers[name](value)
        except ValueError as error:
            problems.append(FieldError(name, str(error)))
    if problems := [*problems, *others]:
        raise InvalidInput(*problems)
    return parsed


def parse_arguments(parsers: Mapping[str, Type], **arguments: object) -> dict[str, Any]:
    """The arguments, parsed; see ``parse_each``. None stays None. TypeError for an unknown argument."""
    if unknown := arguments.keys() - parsers.keys():
        raise TypeError(f"unknown argument: {', '.join(sorted(unknown))}")
    given = {name: value for name, value in arguments.items() if value is not None}
    return arguments | parse_each(given, parsers)
