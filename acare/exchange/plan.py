"""The valid rows of an import in a temporary file, in the order in which they are written to the database."""

from __future__ import annotations

import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterator
from typing import Self

from acare.clients import ImportRow

_NO_TIME = "9"  # sorts after every timestamp


class Plan:
    """Rows that were validated and wait to be written; ``with`` deletes the file at the end.

    Lists show clients in the order of their insertion, so rows are ordered by the time of creation.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="acare-import-")  # noqa: SIM115  # closed by __exit__
        self._offsets = array("q")
        self._times: list[str] = []
        self._hash = hashlib.sha256()
        self.owners: dict[str, str | None] = {}  # e-mail -> user_id in the file, if it has one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, row: ImportRow) -> None:
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        self._offsets.append(self._file.tell())
        self._file.write(line)
        self._hash.update(line)
        if "created_at" in row.kept or self._times:
            self._times += [_NO_TIME] * (len(self) - 1 - len(self._times))
            self._times.append(row.kept.get("created_at", _NO_TIME))
        if row.owner is not None:
            self.owners.setdefault(row.owner, row.kept.get("user_id"))

    def sort(self, *, reverse: bool) -> None:
        """Order the rows by the time of creation; ``reverse``: of equal ones the last comes first."""
        order = range(len(self))
        times = self._times
        ordered = sorted(reversed(order) if reverse else order, key=times.__getitem__) if times else order
        self._offsets = array("q", map(self._offsets.__getitem__, ordered))
        self._times = []

    def sha256(self) -> bytes:
        """The fingerprint of the rows."""
        return self._hash.digest()

    def rows(self, start: int = 0) -> Iterator[ImportRow]:
        """The rows from number ``start`` on."""
        for offset in self._offsets[start:]:
            self._file.seek(offset)
            yield ImportRow(*json.loads(self._file.readline()))
