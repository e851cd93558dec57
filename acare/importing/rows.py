"""The clients of a file: each a valid row, or every problem of it."""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from acare import ids
from acare.clients import ImportRow
from acare.errors import FieldError, InvalidInput
from acare.field_types import USER_EMAIL, fold_email
from acare.fields import FIELDS, ValidFields, validate_create
from acare.importing import cells

#: The column of a file of refused rows that has the reasons; an import ignores it.
REASON = "acare_reason"

_MAX_VERSION = 2**53  # beyond it, JSON numbers are not exact in all programs
_TIME = (
    "must be a date that is not in the future, such as 2026-07-15, 15.7.2026, or 7/15/2026 in the order "
    "of the other dates (see --dates)"
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


class CellError(NamedTuple):
    """A problem in a file. ``column`` is None if it is about the row; ``message`` tells what is allowed."""

    line: int
    column: str | None
    value: str
    field: str
    message: str


@dataclass(frozen=True)
class Rules:
    """What an import accepts.

    ``now`` is the latest creation time. ``owners`` are the e-mail addresses that an owner may have, folded;
    None accepts all. ``defaults`` are for fields without a value of clients that are created.
    """

    now: str
    owners: Container[str] | None
    defaults: Mapping[str, object]
    lenient: bool


@dataclass
class Draft:
    """A row as it was read: JSON values by field, and the column and the text of each in the file."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    problems: list[FieldError] = field(default_factory=list)

    @classmethod
    def unreadable(cls, line: int, text: str, message: str) -> Draft:
        """A row that cannot be split into cells or parsed."""
        return cls(line, found={"row": (None, text)}, problems=[FieldError("row", message)])

    def finish(self, rules: Rules) -> ImportRow | list[CellError]:
        """The valid row, or its problems."""
        if self.problems and not self.values:
            return list(map(self._locate, self.problems))
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
            return list(map(self._locate, self.problems + problems))
        if "id" not in kept:
            kept.pop("version", None)  # that of another client
        defaults = {name: clean.pop(name) for name in rules.defaults if name in missing & clean.keys()}
        return ImportRow(self.line, clean, kept, defaults)

    def _move_to_notes(self, fields: set[str], values: dict[str, Any]) -> None:
        lines = sorted(
            f"{column}: {_printable(text)}" for column, text in {self.found[name] for name in fields}
        )
        for name in fields:
            values.pop(name, None)
        values["notes"] = "\n".join([*filter(None, [self.values.get("notes")]), *lines])

    def _locate(self, problem: FieldError) -> CellError:
        name, message = problem.field, problem.message
        if name in ("first_name", "last_name") and name not in self.found and "full_name" in self.found:
            message = f"is missing from this full name; complete it, or add --default {name}=TEXT"
            return CellError(self.line, *self.found["full_name"], name, message)
        return CellError(self.line, *self.found.get(name, (None, "")), name, message)


def _validate(values: dict[str, Any], rules: Rules) -> tuple[ValidFields, dict[str, Any], list[FieldError]]:
    """The clean fields, the clean fields that the server sets otherwise, and all problems."""
    kept = {name: _keep(name, values[name], rules) for name in _KEPT if values.get(name) is not None}
    problems = [FieldError(name, _KEPT[name]) for name, value in kept.items() if value is None]
    if not problems and kept.get("updated_at", "9") < kept.get("created_at", ""):
        problems.append(FieldError("updated_at", "must not be earlier than created_at"))
    try:
        clean = validate_create(values)
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
        return USER_EMAIL.validate(text)
    except ValueError:
        return None


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
        self._times = array("q")  # as numbers, since texts would take 80 MB for a million rows
        self._hash = hashlib.sha256()
        self._step = -1 if newest_first else 1

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, row: ImportRow) -> None:
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        self._offsets.append(self._file.tell())
        self._file.write(line)
        self._hash.update(line)
        self._times.append(int(re.sub("[^0-9]", "", row.kept.get("created_at", "9" * 18))))  # else the last

    def sha256(self) -> bytes:
        """The fingerprint of the rows."""
        return self._hash.digest()

    def rows(self) -> Iterator[ImportRow]:
        for number in array("q", sorted(range(len(self))[:: self._step], key=self._times.__getitem__)):
            self._file.seek(self._offsets[number])
            yield ImportRow(*json.loads(self._file.readline()))
