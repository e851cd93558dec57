"""The rows of a file, and their validation."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from acare import ids
from acare.errors import FieldError, InvalidInput
from acare.field_types import USER_EMAIL, fold_email, to_json
from acare.fields import FIELDS, ValidFields, validate_create
from acare.importing import cells

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
# What ``lenient`` does not move to the notes.
_FIXED = {"notes", "id", "user_id", "owner", "version"} | {field.name for field in FIELDS if field.required}

#: All names that a record of JSON lines may have.
NAMES = frozenset((REASON, *_KEPT, *(field.name for field in FIELDS)))


@dataclass(frozen=True)
class Options:
    """What an import accepts and does. ``now`` is its time, and the latest creation time of a client.

    ``defaults`` are for fields without a value of clients that are created, among them ``owner``.
    """

    now: str
    defaults: Mapping[str, object]
    on_duplicate: Literal["fail", "skip", "update", "create"] = "fail"
    create_users: bool = False
    lenient: bool = False
    rejects: Path | None = None
    dry_run: bool = False


class RowError(NamedTuple):
    """A problem in a file. ``column`` is None if it is about the row; ``message`` tells what is allowed."""

    line: int
    column: str | None
    value: str
    field: str
    message: str


@dataclass
class Row:
    """A row: ``record`` as its file has it, JSON values by field, and the column and content of each field.

    After ``validate`` the values are clean. ``kept`` then has what the server sets otherwise: the owner's
    e-mail address as ``owner``, and where the source has them id, user_id, version, created_at, updated_at;
    and ``defaults`` has more clean fields, for a client that is created.
    """

    line: int
    record: Any
    values: dict[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[str | None, object]] = field(default_factory=dict)
    problems: list[FieldError] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)
    defaults: ValidFields = field(default_factory=dict)

    @classmethod
    def unreadable(cls, line: int, record: Any, text: str, message: str) -> Row:
        """A row that cannot be split into cells or parsed."""
        return cls(line, record, found={"row": (None, text)}, problems=[FieldError("row", message)])

    def complete(self) -> ValidFields:
        """The fields of the client if it is created."""
        return {**self.defaults, **self.values}

    @property
    def name(self) -> str:
        """The name of the client, once the values are clean."""
        return "{first_name} {last_name}".format(**self.complete())

    def validate(self, options: Options, owners: Container[str]) -> list[RowError]:
        """All problems. ``owners`` are the folded addresses of all users."""
        if not self.problems or self.values:
            defaults = options.defaults
            missing = {name for name in defaults if self.values.get(name) is None}
            values = {**self.values, **{name: defaults[name] for name in missing}}
            if "owner" in missing:
                values["user_id"] = None  # another user's id
            allowed = None if options.create_users else owners
            clean, problems = self._clean(values, options.now, allowed)
            if problems and options.lenient:
                self._move_to_notes({problem.field for problem in problems}, values)
                missing.discard("notes")
                clean, problems = self._clean(values, options.now, allowed)
            self.problems += problems
            self.defaults = {name: clean.pop(name) for name in defaults if name in missing & clean.keys()}
            self.values = clean
        return list(map(self._locate, self.problems))

    def _clean(
        self, values: dict[str, Any], now: str, owners: Container[str] | None
    ) -> tuple[ValidFields, list[FieldError]]:
        """The clean fields, and all problems. Sets ``kept``."""
        kept = {
            name: _keep(name, values[name], now, owners) for name in _KEPT if values.get(name) is not None
        }
        problems = [FieldError(name, _KEPT[name]) for name, value in kept.items() if value is None]
        if not problems and kept.get("updated_at", "9") < kept.get("created_at", ""):
            problems.append(FieldError("updated_at", "must not be earlier than created_at"))
        if "id" not in kept:
            kept.pop("version", None)  # another client's version
        self.kept = kept
        try:
            clean = validate_create(values)
        except InvalidInput as error:
            return {}, [*problems, *error.problems]
        return {name: clean[name] for name in values if name in clean}, problems

    def _move_to_notes(self, invalid: set[str], values: dict[str, Any]) -> None:
        fields = invalid & self.found.keys() - _FIXED
        lines = sorted({f"{self.found[name][0]}: {_without_controls(self._text(name))}" for name in fields})
        for name in fields:
            values.pop(name, None)
        values["notes"] = "\n".join([*filter(None, [self.values.get("notes")]), *lines])

    def _locate(self, problem: FieldError) -> RowError:
        is_part = problem.field in ("first_name", "last_name") and problem.field not in self.found
        place = "full_name" if is_part and "full_name" in self.found else problem.field
        column, _ = self.found.get(place, (None, ""))
        return RowError(self.line, column, self._text(place), problem.field, problem.message)

    def _text(self, name: str) -> str:
        _, value = self.found.get(name, (None, ""))
        return value if isinstance(value, str) else to_json(value)


def _keep(name: str, value: object, now: str, owners: Container[str] | None) -> Any:
    """A value that is not a field of a client; None if it is invalid."""
    if name == "version":
        return value if type(value) is int and 1 <= value <= _MAX_VERSION else None
    text = value.strip() if isinstance(value, str) else ""
    if name in ("created_at", "updated_at"):
        found = cells.timestamp(text)
        return found if found is not None and _MIN_TIME <= found <= now else None
    if name != "owner":
        return ids.canonical(text)
    if owners is not None:
        return text if fold_email(text) in owners else None
    try:
        return USER_EMAIL.validate(text)
    except ValueError:
        return None


def _without_controls(text: str) -> str:
    """The text without characters that notes must not have."""
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\ufffd" for mark in text)
