"""What ``acare import`` prints: how it reads the file, every problem and duplicate, and the counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from acare.cli.output import printable
from acare.importing.result import MAX_LISTED, Duplicate, Result
from acare.importing.rows import Options, RowError

_MAX_SHOWN = 60  # characters of a cell
_COUNTS = ("created", "updated", "skipped", "refused")


def as_json(result: Result, options: Options, columns: Mapping[str, str | None], seconds: float) -> str:
    """The report as one object. The counts of what was written are null if nothing was."""
    counts = result.counts
    report: dict[str, Any] = {
        "columns": columns,
        "unknown_columns": [name for name, target in columns.items() if target is None],
        "problems": [problem._asdict() for problem in result.problems],
        "duplicates": [duplicate._asdict() for duplicate in result.duplicates],
        "same_id": result.same_id,
        "blockers": result.blockers(options),
        "seconds": seconds,
        "valid": counts.total() - counts["refused"],
        "refused": counts["refused"],
        **{name: counts[name] if result.is_written else None for name in _COUNTS[:3]},
    }
    return json.dumps(report, indent=2)


def print_columns(layout: str, columns: Mapping[str, str | None]) -> None:
    """How a file is read."""
    print(layout)
    for column, target in columns.items():
        print(f"    {printable(column)} -> {'unknown' if target is None else target or 'ignored'}")


def print_text(result: Result, options: Options, columns: Mapping[str, str | None], seconds: float) -> None:
    """The problems and duplicates, and last the numbers of both."""
    if unknown := [name for name, target in columns.items() if target is None]:
        print(printable(f"Unknown columns: {', '.join(unknown)} (--map and --extra-columns use them)"))
    for line in (*map(_describe_problem, result.problems), *map(_describe_duplicate, result.duplicates)):
        print(printable(line))
    if MAX_LISTED in (len(result.problems), len(result.duplicates)):
        print(f"Only the first {MAX_LISTED} are listed.")
    kinds = result.kinds + Counter({"duplicate by id (not listed)": result.same_id})
    for kind, number in kinds.most_common():
        print(printable(f"{number} x {kind}"))
    for line in result.blockers(options):
        print(line)
    counts = result.counts
    if result.is_written:
        print(f"{', '.join(f'{counts[name]} {name}' for name in _COUNTS)} in {seconds} s.")
    else:
        print(
            f"{counts.total() - counts['refused']} valid, {counts['refused']} refused; nothing was written."
        )


def _describe_problem(problem: RowError) -> str:
    value = problem.value if len(problem.value) <= _MAX_SHOWN else f"{problem.value[:_MAX_SHOWN]}..."
    if not (problem.column or value):
        return f"line {problem.line}: {problem.field} {problem.message}"
    column = f"{problem.column}: " if problem.column else ""
    cell = f"{column}{json.dumps(value, ensure_ascii=False)}"
    return f"line {problem.line}, {cell} ({problem.field}) {problem.message}"


def _describe_duplicate(duplicate: Duplicate) -> str:
    other = f"the client {duplicate.client_name} ({duplicate.client})"
    if duplicate.client_name is None:
        other = f"a client that was deleted ({duplicate.client})"
    if duplicate.first_line is not None:
        other = f"line {duplicate.first_line}"
    return f"line {duplicate.line}, {duplicate.name}: has the same {duplicate.by} as {other}"
