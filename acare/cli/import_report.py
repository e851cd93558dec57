"""What ``acare import`` prints: how it reads the file, every problem and duplicate, and the counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, astuple, dataclass, field

from acare.importing.duplicates import Duplicate
from acare.importing.imports import Progress
from acare.importing.rows import CellError

_MAX_SHOWN = 60  # characters of a cell
_COUNTS = ("created", "updated", "skipped", "refused")


@dataclass
class ImportReport:
    """What was found and done; numbers are of rows. The last three are None if nothing was written.

    ``layout`` and ``columns`` are those of the reader. ``same_id``: duplicates by id, which are not listed.
    ``to_do``: what must be done before the rows can be written.
    """

    layout: str = ""
    columns: dict[str, str | None] = field(default_factory=dict)
    unknown_columns: list[str] = field(default_factory=list)
    problems: list[CellError] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    same_id: int = 0
    note: str | None = None
    to_do: list[str] = field(default_factory=list)
    seconds: float = 0.0
    valid: int = 0
    refused: int = 0
    created: int | None = None
    updated: int | None = None
    skipped: int | None = None

    def add_duplicate(self, found: Duplicate) -> None:
        """Count a row that has the id of a client, list another duplicate, refuse one with a conflict."""
        if found.conflict is not None:
            self.problems.append(CellError(found.line, None, found.name, *astuple(found.conflict)))
            self.refused += 1
            self.valid -= 1
        elif found.by == "id" and found.client_name is not None:
            self.same_id += 1
        else:
            self.duplicates.append(found)

    def decide(self, on_duplicate: str, *, skip_bad: bool, lenient: bool) -> None:
        """Note what prevents writing the rows. The arguments are the options of the command."""
        if self.refused and not skip_bad:
            notes = "" if lenient else ", move invalid values of optional fields to the notes (--lenient)"
            skip = "put them into a file and import the others (--skip-bad FILE)"
            self.to_do.append(f"Correct these rows{notes}, or {skip}.")
        if (self.duplicates or self.same_id) and on_duplicate == "fail":
            self.to_do.append("Say what to do with duplicates: --on-duplicate skip, update or create.")

    def count(self, done: Progress) -> None:
        """Set the counts of what was written."""
        self.created, self.updated, self.skipped = done.created, done.updated, done.skipped

    def print_json(self) -> None:
        """One object."""
        lists = {
            name: [each._asdict() for each in getattr(self, name)] for name in ("problems", "duplicates")
        }
        print(json.dumps({**asdict(self), **lists}, indent=2))

    def print_text(self, *, layout: bool) -> None:
        """How the file is read (``layout``), all problems and duplicates, and last the numbers of both."""
        if layout:
            print(self.layout)
            for column, target in self.columns.items():
                print(f"    {column} -> {'unknown' if target is None else target or 'ignored'}")
        if self.unknown_columns:
            print(f"Unknown columns: {', '.join(self.unknown_columns)} (--map and --keep-unknown use them)")
        found = [*map(_describe_problem, self.problems), *map(_describe_duplicate, self.duplicates)]
        for _, line in found:
            print(line)
        kinds = Counter(kind for kind, _ in found)
        kinds["duplicate by id (not listed)"] = self.same_id
        for kind, number in (+kinds).most_common():
            print(f"{number} x {kind}")
        for line in filter(None, [self.note, *self.to_do]):
            print(line)
        if self.created is None:
            print(f"{self.valid} valid, {self.refused} refused; nothing was written.")
        else:
            print(f"{', '.join(f'{getattr(self, name)} {name}' for name in _COUNTS)} in {self.seconds} s.")


def _describe_problem(problem: CellError) -> tuple[str, str]:
    """The kind of a problem, and a line about it."""
    value = problem.value if len(problem.value) <= _MAX_SHOWN else f"{problem.value[:_MAX_SHOWN]}..."
    kind = f"{problem.field} {problem.message}"
    if not (problem.column or value):
        return kind, f"line {problem.line}: {kind}"
    column = f"{problem.column}: " if problem.column else ""
    cell = f"{column}{json.dumps(value, ensure_ascii=False)}"
    return kind, f"line {problem.line}, {cell} ({problem.field}) {problem.message}"


def _describe_duplicate(duplicate: Duplicate) -> tuple[str, str]:
    other = f"the client {duplicate.client_name} ({duplicate.client})"
    if duplicate.deleted:
        other = f"a client that was deleted ({duplicate.client})"
    if duplicate.first_line is not None:
        other = f"line {duplicate.first_line}"
    line = f"line {duplicate.line}, {duplicate.name}: has the same {duplicate.by} as {other}"
    return f"duplicate by {duplicate.by}", line
