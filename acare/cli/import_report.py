"""What ``acare import`` prints: every problem, every duplicate, and the counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

from acare.exchange.rows import CellProblem
from acare.store.bulk import Progress
from acare.store.duplicates import Duplicate

_MAX_SHOWN = 60


class ImportReport:
    """Collects what is found, and prints it once."""

    def __init__(self) -> None:
        self.problems: list[CellProblem] = []
        self.duplicates: list[Duplicate] = []
        self.unknown: list[str] = []
        self.note: str | None = None
        self.refused = 0  # rows
        self.rows = 0  # that are valid
        self.can_be_written = False
        self.written: Progress | None = None
        self.seconds = 0.0

    def refuse(self, problems: Iterable[CellProblem]) -> None:
        """Note the problems of one row."""
        self.problems += problems
        self.refused += 1

    def print_json(self) -> None:
        """One object; counts of clients are null if nothing was written."""
        written = self.written
        report = {
            "problems": [problem._asdict() for problem in self.problems],
            "duplicates": [duplicate._asdict() for duplicate in self.duplicates],
            "unknown_columns": self.unknown,
            "note": self.note,
            "valid": self.rows,
            "refused": self.refused,
            **{name: getattr(written, name, None) for name in ("created", "updated", "skipped")},
            "seconds": round(self.seconds, 1),
        }
        print(json.dumps(report, indent=2))

    def print_text(self) -> None:
        """A line for each problem and duplicate, the number of each kind, and the counts."""
        for problem in self.problems:
            print(_describe_problem(problem))
        for duplicate in self.duplicates:
            print(_describe_duplicate(duplicate))
        kinds = Counter((problem.field, problem.message) for problem in self.problems)
        for (field, message), number in kinds.most_common():
            print(f"{number} x {field} {message}")
        for by, number in Counter(duplicate.by for duplicate in self.duplicates).most_common():
            print(f"{number} x duplicate by {by}")
        if self.unknown:
            print(f"Unknown columns: {', '.join(self.unknown)} (--map and --keep-unknown use them)")
        if self.note is not None:
            print(self.note)
        written = self.written
        if written is None:
            print(f"{self.rows} valid, {self.refused} refused; nothing was written.")
        else:
            print(
                f"{written.created} created, {written.updated} updated, {written.skipped} skipped, "
                f"{self.refused} refused in {self.seconds:.1f} s."
            )


def reasons(problems: Iterable[CellProblem]) -> str:
    """The problems of a row in one cell."""
    return "; ".join(f"{problem.column or problem.field} {problem.message}" for problem in problems)


def _describe_problem(problem: CellProblem) -> str:
    value = json.dumps(_short(problem.value), ensure_ascii=False)
    shown = f"{problem.column}: {value} ({problem.field})" if problem.column else problem.field
    return f"line {problem.line}, {shown} {problem.message}"


def _describe_duplicate(duplicate: Duplicate) -> str:
    other = f"client {duplicate.client}" if duplicate.client else f"line {duplicate.first_line}"
    what = "which was deleted" if duplicate.deleted else duplicate.name
    return f"line {duplicate.line}: the same {duplicate.by} as {other}, {what}"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
