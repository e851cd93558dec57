"""The clients of a file: each a valid row, or a refused one with every problem."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from acare import ids
from acare.clients import ImportRow
from acare.errors import InvalidInput, Problem
from acare.exchange import cells
from acare.field_types import Email, fold_email
from acare.fields import FIELDS, Clean, clean_new

#: The column of a file of refused rows that holds the reasons; an import ignores it.
REASON = "acare_reason"

_MAX_VERSION = 2**53  # beyond it, JSON numbers are not exact in all programs

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

    def reasons(self) -> str:
        """The problems in one cell."""
        return "; ".join(f"{problem.column or problem.field} {problem.message}" for problem in self.problems)


@dataclass(frozen=True)
class Rules:
    """How an import reads a file, and what it accepts.

    ``now`` is the latest creation time. ``owners`` are the e-mail addresses that an owner may have, folded;
    None accepts all. ``defaults`` are for fields without a value of clients that are created.
    ``targets`` are fields by column of CSV (None: ignore it), beyond the spellings that are known.
    """

    now: str
    owners: Container[str] | None
    defaults: Mapping[str, object]
    targets: Mapping[str, str | None]
    lenient: bool
    keep_unknown: bool
    day_first: bool


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
        if "owner" in missing:
            values["user_id"] = None  # that of another user
        clean, kept, problems = _validate(values, rules)
        if problems and rules.lenient:
            self._move_to_notes({problem.field for problem in problems} & self.found.keys() - _FIXED, values)
            missing.discard("notes")
            clean, kept, problems = _validate(values, rules)
        if problems or self.problems:
            return Refused(self.source, list(map(self._locate, self.problems + problems)))
        defaults = {name: clean.pop(name) for name in rules.defaults if name in missing & clean.keys()}
        return ImportRow(self.line, clean, kept, defaults)

    def _move_to_notes(self, fields: set[str], values: dict[str, Any]) -> None:
        moved = sorted({self.found[name] for name in fields})
        lines = [f"{column}: {_printable(text)}" for column, text in moved]
        for name in fields:
            values.pop(name, None)
        values["notes"] = "\n".join([*filter(None, [self.values.get("notes")]), *lines])

    def _locate(self, problem: Problem) -> CellProblem:
        column, value = self.found.get(problem.field, (None, ""))
        return CellProblem(self.line, column, value, problem.field, problem.message)


def unreadable(line: int, source: Any, text: str, message: str) -> Refused:
    """A row that cannot even be split into cells."""
    return Refused(source, [CellProblem(line, None, text, "row", message)])


def _validate(values: dict[str, Any], rules: Rules) -> tuple[Clean, dict[str, Any], list[Problem]]:
    """The clean fields, the clean fields that the server sets otherwise, and all problems."""
    kept = {name: _keep(name, values[name], rules) for name in _KEPT if values.get(name) is not None}
    problems = [Problem(name, _KEPT[name]) for name, value in kept.items() if value is None]
    if not problems and kept.get("updated_at", "9") < kept.get("created_at", ""):
        problems.append(Problem("updated_at", "must not be earlier than created_at"))
    try:
        clean = clean_new(values)
    except InvalidInput as error:
        return {}, kept, [*problems, *error.problems]
    return {name: clean[name] for name in values if name in clean}, kept, problems


def _keep(name: str, value: object, rules: Rules) -> Any:
    """A value that is not a field of a client; None if it is invalid."""
    if name == "version":
        return value if type(value) is int and 1 <= value <= _MAX_VERSION else None
    text = value.strip() if isinstance(value, str) else ""
    if name in ("created_at", "updated_at"):
        found = cells.instant(text)
        return found if found is not None and found <= rules.now else None
    if name != "owner":
        return ids.canonical(text)
    if rules.owners is not None:
        return text if fold_email(text) in rules.owners else None
    try:
        return _EMAIL.clean(text)
    except ValueError:
        return None


_TIME = "must be a date that is not in the future, as 2026-07-15, 7/15/2026 or 15.7.2026"

# What a row may have besides the fields of a client, and what is allowed.
_KEPT = {
    "id": "must be a UUID",
    "user_id": "must be a UUID",
    "owner": "must be the e-mail address of a user; --create-users makes new users",
    "version": f"must be an integer from 1 to {_MAX_VERSION}",
    "created_at": _TIME,
    "updated_at": _TIME,
}
# What ``lenient`` does not move to the notes.
_FIXED = frozenset(
    ("notes", "id", "user_id", "owner", "version", *(field.name for field in FIELDS if field.required))
)

#: All names that a record of JSON lines may have.
NAMES = frozenset((REASON, *_KEPT, *(field.name for field in FIELDS)))


def _printable(text: str) -> str:
    """The text without characters that notes must not have."""
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\ufffd" for mark in text)


class Plan:
    """Valid rows in a temporary file, in the order in which they are written.

    That is the order of lists: by the time of creation, and of equal ones in the order of the source, or from
    its end if it is ``newest_first``.
    """

    def __init__(self, file: IO[bytes], *, newest_first: bool = False) -> None:
        self._file = file
        self._offsets = array("q")
        self._times: list[str] = []
        self._hash = hashlib.sha256()
        self._step = -1 if newest_first else 1

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, row: ImportRow) -> None:
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        self._offsets.append(self._file.tell())
        self._file.write(line)
        self._hash.update(line)
        self._times.append(row.kept.get("created_at", "9"))  # after every time

    def sha256(self) -> bytes:
        """The fingerprint of the rows."""
        return self._hash.digest()

    def rows(self, start: int = 0) -> Iterator[ImportRow]:
        """The rows from number ``start`` on."""
        order = array("q", sorted(range(len(self))[:: self._step], key=self._times.__getitem__))
        for number in order[start:]:
            self._file.seek(self._offsets[number])
            yield ImportRow(*json.loads(self._file.readline()))
