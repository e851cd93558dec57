"""What an import found and did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from acare.importing.rows import Options, RowError

#: The maximum number of problems, and of duplicates, that are listed.
MAX_LISTED = 1000


class Duplicate(NamedTuple):
    """A row that describes a client.

    ``by`` is id, email, phone or name; ``name`` is the name in the row. ``client`` is the id of the client,
    ``client_name`` its name, or None if it was deleted, ``first_line`` the row that created it, if one did.
    """

    line: int
    by: str
    name: str
    client: str
    client_name: str | None
    first_line: int | None


@dataclass
class Result:
    """What was found and done. ``problems`` and ``duplicates`` are the first of each; ``kinds`` counts all.

    ``counts`` has the rows that were created, updated, skipped and refused; ``same_id`` is the number of
    duplicates by id, which are not listed.
    """

    problems: list[RowError] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    same_id: int = 0
    is_written: bool = False

    def refuse(self, problems: list[RowError]) -> None:
        self.counts["refused"] += 1
        self.problems += problems[: max(0, MAX_LISTED - len(self.problems))]
        for problem in problems:
            self._count(f"{problem.field} {problem.message}")

    def blockers(self, options: Options) -> list[str]:
        """What must be done before the rows can be written."""
        found = []
        if self.counts["refused"] and options.rejects is None:
            notes = "" if options.lenient else "move invalid optional values to the notes (--lenient), "
            rejects = "write them to a file and import the others (--rejects FILE)"
            found.append(f"Correct these rows, {notes}or {rejects}.")
        if (self.duplicates or self.same_id) and options.on_duplicate == "fail":
            found.append("Say what to do with duplicates: --on-duplicate skip, update or create.")
        return found

    def add_duplicate(self, duplicate: Duplicate) -> None:
        if duplicate.by == "id" and duplicate.first_line is None and duplicate.client_name:
            self.same_id += 1
            return
        if len(self.duplicates) < MAX_LISTED:
            self.duplicates.append(duplicate)
        self._count(f"duplicate by {duplicate.by}")

    def _count(self, kind: str) -> None:
        self.kinds[kind if kind in self.kinds or len(self.kinds) < MAX_LISTED else "others"] += 1
