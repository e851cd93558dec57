"""What ``acare import`` prints: every problem, every duplicate, and the counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from acare.exchange.rows import CellProblem
from acare.store.duplicates import Duplicate
from acare.store.imports import Progress

_MAX_SHOWN = 60


@dataclass
class ImportReport:
    """What was found and done. ``valid`` and ``refused`` are numbers of rows."""

    problems: list[CellProblem] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    note: str | None = None
    valid: int = 0
    refused: int = 0
    can_be_written: bool = False
    written: Progress | None = None
    seconds: float = 0.0

    def print_json(self) -> None:
        """One object; counts of clients are null if nothing was written."""
        report = {
            "problems": [problem._asdict() for problem in self.problems],
            "duplicates": [asdict(duplicate) for duplicate in self.duplicates],
            "unknown_columns": self.unknown_columns,
            "note": self.note,
            "valid": self.valid,
            "refused": self.refused,
            **{name: getattr(self.written, name, None) for name in ("created", "updated", "skipped")},
            "seconds": round(self.seconds, 1),
        }
        print(json.dumps(report, indent=2))

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
        if self.written is None:
            print(f"{self.valid} valid, {self.refused} refused; nothing was written.")
        else:
            counts = (f"{getattr(self.written, name)} {name}" for name in ("created", "updated", "skipped"))
            print(f"{', '.join(counts)}, {self.refused} refused in {self.seconds:.1f} s.")


def reasons(problems: Iterable[CellProblem]) -> str:
    """The problems of a row in one cell."""
    return "; ".join(f"{problem.column or problem.field} {problem.message}" for problem in problems)


def _describe_problem(problem: CellProblem) -> str:
    value = problem.value if len(problem.value) <= _MAX_SHOWN else f"{problem.value[:_MAX_SHOWN]}..."
    cell = f"{problem.column}: {json.dumps(value, ensure_ascii=False)} " if problem.column else ""
    return f"line {problem.line}, {cell}({problem.field}) {problem.message}"


def _describe_duplicate(duplicate: Duplicate) -> str:
    other = f"client {duplicate.client}" if duplicate.client else f"line {duplicate.first_line}"
    what = "which was deleted" if duplicate.deleted else duplicate.name
    return f"line {duplicate.line}: the same {duplicate.by} as {other}, {what}"
