"""The rows of a file, and their validation."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from acare import ids
from acare.errors import FieldError, InvalidInput
from acare.field_types import USER_EMAIL, fold_email, to_json
from acare.fields import FIELDS, ValidFields, validate_create
from acare.importing import cells
from acare.importing.result import Options, RowError

#: The column of a file of rejected rows that has the reasons; an import ignores it.
REASON = "acare_reason"

#: Bytes or characters of a line. A longer one is read as several lines, which are invalid.
MAX_LINE = 4 << 20

_MAX_VERSION = 2**53  # beyond it, JSON numbers are not exact in all programs
_MIN_TIME = "1700"  # the places of lists (clients.seq) begin in 1678
_TIME = (
    "must be a date from 1700 on that is not in the future, such as 2026-07-15 or 15.7.2026; 5/7/2026 needs "
    "--dates dmy or --dates mdy"
)

# What a row may have besides the fields of a client, and the rule for each.
_KEPT = {
    "id": "must be a UUID",
    "user_id": "must be a UUID",
    "owner": "must be the e-mail address of a user; --create-users creates missing users",
    "version": f"must be an integer from 1 to {_MAX_VERSION}",
    "created_at": _TIME,
    "updated_at": _TIME,
}
#: The names that a row of JSON lines can have.
NAMES = {*_KEPT, REASON, *(field.name for field in FIELDS)}

# What ``lenient`` moves to the notes.
_OPTIONAL = {"created_at", "updated_at", *(field.name for field in FIELDS if not field.required)} - {"notes"}


@dataclass
class Row:
    """A row: ``record`` as its file has it, JSON values by field, and the column and content of each field.

    After ``validate``, ``client`` has the valid fields of a client that is created, and ``changes`` the valid
    fields that the row itself has. ``kept`` has what the server sets otherwise: the owner's e-mail address as
    ``owner``, and where the source has them id, user_id, version, created_at, updated_at.
    """

    line: int
    record: Any
    values: dict[str, Any]
    found: dict[str, tuple[str, object]]
    problems: list[FieldError] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    client: ValidFields = field(default_factory=dict)
    changes: ValidFields = field(default_factory=dict)

    def validate(self, options: Options, owners: Container[str]) -> list[RowError]:
        """All problems. ``owners`` are the folded addresses of all users."""
        problems = self._validate(options, owners)
        if problems and options.lenient:
            self._move_to_notes({problem.field for problem in problems})
            problems = self._validate(options, owners)
        return list(map(self.locate, self.problems + problems))

    def _validate(self, options: Options, owners: Container[str]) -> list[FieldError]:
        """All problems with the values. Sets ``client``, ``changes`` and ``kept``."""
        own = {name: value for name, value in self.values.items() if value is not None}
        values = {**options.defaults, **own}
        if "owner" not in own:
            values.pop("user_id", None)  # another user's id
        self.kept = {name: _keep(name, values[name], options.now) for name in _KEPT if name in values}
        if not options.create_users and fold_email(self.kept["owner"] or "") not in owners:
            self.kept["owner"] = None
        problems = [FieldError(name, _KEPT[name]) for name, value in self.kept.items() if value is None]
        try:
            self.client = validate_create(values)
        except InvalidInput as error:
            return [*problems, *error.problems]
        given = own.keys() | self.values.keys() - options.defaults.keys()
        self.changes = {name: value for name, value in self.client.items() if name in given}
        return problems

    def _move_to_notes(self, invalid: set[str]) -> None:
        fields = invalid & self.found.keys() & _OPTIONAL
        if "notes" in invalid or not fields:
            return
        lines = sorted({f"{self.found[name][0]}: {self._text(name)}" for name in fields})
        self.values = {name: value for name, value in self.values.items() if name not in fields}
        self.values["notes"] = "\n".join([*filter(None, [self.values.get("notes")]), *lines])

    def locate(self, problem: FieldError) -> RowError:
        """A problem with its place in the file."""
        column, _ = self.found.get(problem.field, (None, ""))
        return RowError(self.line, column, self._text(problem.field), problem.field, problem.message)

    def _text(self, name: str) -> str:
        _, value = self.found.get(name, ("", ""))
        return value if isinstance(value, str) else to_json(value)


def _keep(name: str, value: object, now: str) -> Any:
    """A value that is not a field of a client; None if it is invalid."""
    if name == "version":
        return value if type(value) is int and 1 <= value <= _MAX_VERSION else None
    text = value.strip() if isinstance(value, str) else ""
    if name in ("created_at", "updated_at"):
        found = cells.timestamp(text)
        return found if found is not None and _MIN_TIME <= found <= now else None
    if name != "owner":
        return ids.canonical(text)
    try:
        return USER_EMAIL.validate(text)
    except ValueError:
        return None
