"""The options and the result of an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

#: The maximum number of problems, and of duplicates, that are listed.
MAX_LISTED = 1000


@dataclass(frozen=True)
class Options:
    """The options of an import. ``now`` is its time, and the latest creation time of a client.

    ``defaults`` are for fields without a value of clients that are created, among them ``owner``.
    """

    now: str
    defaults: Mapping[str, object]
    on_duplicate: Literal["fail", "skip", "update", "create"] = "fail"
    create_users: bool = False
    lenient: bool = False
    rejects: Path | None = None
    dry_run: bool = False


class RowError(NamedTuple):
    """A problem in a file. ``column`` is None if it is about the row; ``message`` tells what is allowed."""

    line: int
    column: str | None
    value: str
    field: str
    message: str


@dataclass
class Result:
    """The result of an import. ``problems`` and ``duplicates`` are the first of each; ``kinds`` counts all.

    ``counts`` has the rows that were created, updated, skipped and refused.
    """

    problems: list[RowError] = field(default_factory=list)
    duplicates: list[RowError] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    is_written: bool = False

    def add(self, listed: list[RowError], error: RowError, kind: str) -> None:
        """Count a problem or a duplicate, and list it among the first."""
        if len(listed) < MAX_LISTED:
            listed.append(error)
        self.kinds[kind if kind in self.kinds or len(self.kinds) < MAX_LISTED else "others"] += 1

    def blockers(self, options: Options) -> list[str]:
        """The steps that are required before the rows can be written."""
        found = []
        if self.counts["refused"] and options.rejects is None:
            notes = "" if options.lenient else "move invalid optional values to the notes (--lenient), "
            rejects = "write them to a file and import the others (--rejects FILE)"
            found.append(f"Correct these rows, {notes}or {rejects}.")
        if self.duplicates and options.on_duplicate == "fail":
            found.append("Choose what to do with duplicates: --on-duplicate skip, update or create.")
        return found
