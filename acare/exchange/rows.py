"""One client of a file: a valid row, or a refused one with every problem."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from acare.clients import ImportRow
from acare.errors import InvalidInput, Problem
from acare.exchange import cells
from acare.field_types import Email
from acare.fields import FIELDS, Clean, clean_new

#: The column of a file of refused rows that holds the reasons; an import ignores it.
REASON = "acare_reason"

_FIXED = frozenset(("notes", *(field.name for field in FIELDS if field.required)))
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
    """What an import accepts. ``owners`` are the e-mail addresses that an owner may have, in lower case;
    None accepts all. ``now`` is the latest creation time. ``defaults`` are for fields without a value.
    """

    now: str
    owners: Container[str] | None = None
    lenient: bool = False
    defaults: Mapping[str, object] | None = None


class Draft:
    """A row while it is read: JSON values by field, and where in the file each was found."""

    def __init__(self, line: int, source: Any) -> None:
        self.line = line
        self.source = source
        self.body: dict[str, Any] = {}
        self.owner: str | None = None
        self.id: str | None = None
        self.kept: dict[str, Any] = {}
        self.found: dict[str, tuple[str, str]] = {}  # field -> column, text
        self._problems: list[Problem] = []

    def refuse(self, field: str, message: str) -> None:
        """Note a problem; ``message`` follows the name of the field."""
        self._problems.append(Problem(field, message))

    def finish(self, rules: Rules) -> ImportRow | Refused:
        """Validate the row."""
        for field, value in (rules.defaults or {}).items():
            self.body.setdefault(field, value)
        self._check_owner(rules)
        self._read_time("created_at", rules)
        self._read_time("updated_at", rules)
        if not self._problems and self.kept.get("updated_at", "9") < self.kept.get("created_at", ""):
            self.refuse("updated_at", "must not be earlier than created_at")
        broken = bool(self._problems) and not self.found.keys() - {"row"}
        values, problems = ({}, []) if broken else _clean(self.body)
        if problems and rules.lenient:
            self._move_to_notes({problem.field for problem in problems})
            values, problems = _clean(self.body)
        problems = [*self._problems, *problems]
        if problems:
            return Refused(self.source, [self._locate(problem) for problem in problems])
        return ImportRow(self.line, values, self.owner, self.id, self.kept)

    def _check_owner(self, rules: Rules) -> None:
        if self.owner is None:
            return
        try:
            self.owner = str(_EMAIL.clean(self.owner))
        except ValueError as error:
            self.refuse("owner", str(error))
            return
        if rules.owners is not None and self.owner.lower() not in rules.owners:
            self.refuse("owner", "must be the e-mail address of a user; --create-users makes new users")

    def _read_time(self, field: str, rules: Rules) -> None:
        value = self.kept.get(field)
        if value is None:
            return
        found = cells.instant(value) if isinstance(value, str) else None
        if found is not None and found <= rules.now:
            self.kept[field] = found
        elif rules.lenient and "version" not in self.kept:
            del self.kept[field]
            self._move_to_notes({field})
        else:
            self.refuse(field, cells.INSTANT_RULE)

    def _move_to_notes(self, fields: set[str]) -> None:
        """Move the texts of those of the fields that are optional to the notes."""
        fields = {name for name in fields if name in self.found and name not in _FIXED}
        moved = sorted({self.found[name] for name in fields})
        lines = [f"{column}: {cells.printable(text)}" for column, text in moved]
        self.body = {name: value for name, value in self.body.items() if name not in fields}
        self.body["notes"] = "\n".join([*filter(None, [self.body.get("notes")]), *lines])

    def _locate(self, problem: Problem) -> CellProblem:
        column, value = self.found.get(problem.field, (None, ""))
        return CellProblem(self.line, column, value, problem.field, problem.message)


def _clean(body: dict[str, Any]) -> tuple[Clean, list[Problem]]:
    """The clean fields of the body, and all its problems."""
    try:
        clean = clean_new(body)
    except InvalidInput as error:
        return {}, list(error.problems)
    return {name: clean[name] for name in body if name in clean}, []
