"""One client of a file: a valid row, or a refused one with every problem."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from acare import ids
from acare.clients import ImportRow
from acare.errors import InvalidInput, Problem
from acare.exchange import cells
from acare.field_types import Email
from acare.fields import FIELDS, Clean, clean_new

#: The column of a file of refused rows that holds the reasons; an import ignores it.
REASON = "acare_reason"

_EMAIL = Email(min_length=3, max_length=254)


class CellProblem(NamedTuple):
    """A problem in a file. ``column`` is None if it is about the row; ``message`` tells what is allowed."""

    line: int
    column: str | None
    value: str
    field: str
    message: str


class Refused(NamedTuple):
    """A row that cannot be imported; ``source`` is the row as it is in the file."""

    source: Any
    problems: list[CellProblem]


@dataclass(frozen=True)
class Rules:
    """How an import reads a file, and what it accepts.

    ``now`` is the latest creation time. ``owners`` are the e-mail addresses that an owner may have, in lower
    case; None accepts all. ``defaults`` are for fields without a value. ``targets`` are fields by column of
    CSV (None: ignore it), beyond the spellings that are known.
    """

    now: str
    owners: Container[str] | None = None
    lenient: bool = False
    defaults: Mapping[str, object] = field(default_factory=dict)
    targets: Mapping[str, str | None] = field(default_factory=dict)
    keep_unknown: bool = False
    day_first: bool = False


@dataclass
class Draft:
    """A row while it is read: JSON values by field, and the column and text in the file of each."""

    line: int
    source: Any
    values: dict[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def finish(self, rules: Rules) -> ImportRow | Refused:
        """Validate the row."""
        missing = {name for name in rules.defaults if self.values.get(name) is None}
        values = {**self.values, **{name: rules.defaults[name] for name in missing}}
        clean, kept, problems = _validate(values, rules)
        if problems and rules.lenient:
            self._move_to_notes({problem.field for problem in problems} - _FIXED, values)
            clean, kept, problems = _validate(values, rules)
        problems = self.problems + problems
        if problems:
            return Refused(self.source, [self._locate(problem) for problem in problems])
        return ImportRow(self.line, clean, kept)

    def _move_to_notes(self, fields: set[str], values: dict[str, Any]) -> None:
        fields &= self.found.keys()
        moved = sorted({self.found[name] for name in fields})
        lines = [f"{column}: {_printable(text)}" for column, text in moved]
        for name in fields:
            values.pop(name, None)
        values["notes"] = "\n".join([*filter(None, [values.get("notes")]), *lines])

    def _locate(self, problem: Problem) -> CellProblem:
        column, value = self.found.get(problem.field, (None, ""))
        return CellProblem(self.line, column, value, problem.field, problem.message)


def unreadable(line: int, source: Any, text: str, message: str) -> Refused:
    """A row that cannot even be split into cells."""
    return Refused(source, [CellProblem(line, None, text, "row", message)])


def _validate(values: dict[str, Any], rules: Rules) -> tuple[Clean, dict[str, Any], list[Problem]]:
    """The clean fields, the clean fields that the server sets otherwise, and all problems."""
    kept: dict[str, Any] = {}
    problems = []
    for name, check in _KEPT.items():
        if values.get(name) is not None:
            try:
                kept[name] = check(values[name], rules)
            except ValueError as error:
                problems.append(Problem(name, str(error)))
    if kept.get("updated_at", "9") < kept.get("created_at", ""):
        problems.append(Problem("updated_at", "must not be earlier than created_at"))
    try:
        clean = clean_new(values)
    except InvalidInput as error:
        return {}, kept, [*problems, *error.problems]
    return {name: clean[name] for name in values if name in clean}, kept, problems


def _uuid(value: object, rules: Rules) -> str:
    found = ids.canonical(str(value).strip())
    if found is None:
        raise ValueError("must be a UUID")
    return found


def _owner(value: object, rules: Rules) -> str:
    email = str(_EMAIL.clean(value))
    if rules.owners is not None and email.lower() not in rules.owners:
        raise ValueError("must be the e-mail address of a user; --create-users makes new users")
    return email


def _version(value: object, rules: Rules) -> int:
    if type(value) is not int or not 1 <= value <= 2**53:
        raise ValueError("must be an integer of at least 1")
    return value


def _time(value: object, rules: Rules) -> str:
    found = cells.instant(value) if isinstance(value, str) else None
    if found is None or found > rules.now:
        raise ValueError("must be a date that is not in the future, as 2026-07-15, 7/15/2026 or 15.7.2026")
    return found


#: What a row may have besides the fields of a client.
_KEPT: dict[str, Callable[[object, Rules], Any]] = {
    "id": _uuid, "user_id": _uuid, "owner": _owner,
    "version": _version, "created_at": _time, "updated_at": _time,
}  # fmt: skip

#: What ``lenient`` does not move to the notes.
_FIXED = frozenset(
    ("notes", "id", "user_id", "owner", "version", *(field.name for field in FIELDS if field.required))
)
#: All keys that a record of JSON lines may have.
KEYS = frozenset((REASON, *_KEPT, *(field.name for field in FIELDS)))


def _printable(text: str) -> str:
    """The text without characters that notes must not have."""
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\ufffd" for mark in text)
