"""What ``acare import`` prints: every problem, every duplicate, and the counts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

from acare.exchange.rows import CellProblem
from acare.store.duplicates import Duplicate
from acare.store.imports import Progress

_MAX_SHOWN = 60


@dataclass
class ImportReport:
    """What was found and done; numbers are of rows. The last three are None if nothing was written."""

    problems: list[CellProblem] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    note: str | None = None
    can_be_written: bool = False
    seconds: float = 0.0
    valid: int = 0
    refused: int = 0
    created: int | None = None
    updated: int | None = None
    skipped: int | None = None

    def count(self, done: Progress) -> None:
        """Take over what was written."""
        self.created, self.updated, self.skipped = done.created, done.updated, done.skipped

    def print_json(self) -> None:
        """One object."""
        problems = [problem._asdict() for problem in self.problems]
        print(json.dumps({**asdict(self), "problems": problems}, indent=2))

    def print_text(self) -> None:
        """A line for each problem and duplicate, the number of each kind, and the counts."""
        for problem in self.problems:
            print(_describe_problem(problem))
        for duplicate in self.duplicates:
            print(_describe_duplicate(duplicate))
        kinds = Counter(f"{problem.field} {problem.message}" for problem in self.problems)
        kinds += Counter(f"duplicate by {duplicate.by}" for duplicate in self.duplicates)
        for kind, number in kinds.most_common():
            print(f"{number} x {kind}")
        if self.unknown_columns:
            print(f"Unknown columns: {', '.join(self.unknown_columns)} (--map and --keep-unknown use them)")
        if self.note:
            print(self.note)
        if self.created is None:
            print(f"{self.valid} valid, {self.refused} refused; nothing was written.")
        else:
            names = ("created", "updated", "skipped", "refused")
            print(f"{', '.join(f'{getattr(self, name)} {name}' for name in names)} in {self.seconds} s.")


def _describe_problem(problem: CellProblem) -> str:
    value = problem.value if len(problem.value) <= _MAX_SHOWN else f"{problem.value[:_MAX_SHOWN]}..."
    cell = f"{problem.column}: {json.dumps(value, ensure_ascii=False)} " if problem.column else ""
    return f"line {problem.line}, {cell}({problem.field}) {problem.message}"


def _describe_duplicate(duplicate: Duplicate) -> str:
    other = f"client {duplicate.client}" if duplicate.client else f"line {duplicate.first_line}"
    what = "which was deleted" if duplicate.deleted else duplicate.name
    crossed = "; budget_min must not be more than its budget_max" if duplicate.crossed else ""
    return f"line {duplicate.line}: the same {duplicate.by} as {other}, {what}{crossed}"
