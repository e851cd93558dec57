"""Prints the report of ``acare import``: the columns, the problems and duplicates, and the counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acare.cli.output import printable
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader
from acare.importing.result import MAX_LISTED, Options, Result, RowError

_MAX_SHOWN = 60  # characters of a cell
_WRITTEN = ("created", "updated", "skipped")


def as_object(result: Result, options: Options, columns: Mapping[str, str | None]) -> dict[str, Any]:
    """The report for programs. The counts of what was written are null if nothing was."""
    counts = result.counts
    return {
        "columns": columns,
        "unknown_columns": _unknown(columns),
        "problems": [problem._asdict() for problem in result.problems],
        "duplicates": [duplicate._asdict() for duplicate in result.duplicates],
        "blockers": result.blockers(options),
        "valid": counts.total() - counts["refused"],
        "refused": counts["refused"],
        **{name: counts[name] if result.is_written else None for name in _WRITTEN},
    }


def print_columns(layout: str, columns: Mapping[str, str | None]) -> None:
    """Print the format of a file and the field of each column."""
    print(layout)
    for column, target in columns.items():
        print(f"    {printable(column)} -> {'unknown' if target is None else target or 'ignored'}")


def print_text(result: Result, options: Options, reader: CsvReader | JsonReader) -> None:
    """Print the problems and duplicates, and then the counts."""
    if unknown := _unknown(reader.columns):
        print(printable(f"Unknown columns: {', '.join(unknown)} ({reader.unknown})"))
    for error in (*result.problems, *result.duplicates):
        print(printable(_describe(error)))
    if MAX_LISTED in (len(result.problems), len(result.duplicates)):
        print(f"Only the first {MAX_LISTED} are listed.")
    for kind, number in result.kinds.most_common():
        print(printable(f"{number} x {kind}"))
    for line in result.blockers(options):
        print(line)
    counts = result.counts
    if result.is_written:
        print(f"{', '.join(f'{counts[name]} {name}' for name in _WRITTEN)}, {counts['refused']} refused.")
    else:
        valid = counts.total() - counts["refused"]
        print(f"{valid} valid, {counts['refused']} refused; nothing was written.")


def _unknown(columns: Mapping[str, str | None]) -> list[str]:
    return [name for name, target in columns.items() if target is None]


def _describe(error: RowError) -> str:
    value = error.value if len(error.value) <= _MAX_SHOWN else f"{error.value[:_MAX_SHOWN]}..."
    cell = f', {error.column}: "{value}"' if error.column else ""
    return f"line {error.line}{cell}: {error.field} {error.message}"
