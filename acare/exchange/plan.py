"""The valid rows of an import in a temporary file, in the order in which they are written to the database."""

from __future__ import annotations

import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterator
from typing import Self

from acare.clients import ImportRow


class Plan:
    """Rows that were validated and wait to be written; ``with`` deletes the file at the end.

    Lists show clients in the order of their insertion, so the rows are ordered by the time of creation; of
    equal ones, the last comes first if the source is ``newest_first``.
    """

    def __init__(self, *, newest_first: bool = False) -> None:
        self._file = tempfile.TemporaryFile(prefix="acare-import-")  # noqa: SIM115  # closed by __exit__
        self._offsets = array("q")
        self._times: list[str] = []
        self._hash = hashlib.sha256()
        self._step = -1 if newest_first else 1
        self.has_ids = False

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
        self._times.append(row.kept.get("created_at", "9"))  # after every time
        self.has_ids |= "id" in row.kept

    def sha256(self) -> bytes:
        """The fingerprint of the rows."""
        return self._hash.digest()

    def rows(self, start: int = 0) -> Iterator[ImportRow]:
        """The rows from number ``start`` on."""
        for number in sorted(range(len(self))[:: self._step], key=self._times.__getitem__)[start:]:
            self._file.seek(self._offsets[number])
            yield ImportRow(*json.loads(self._file.readline()))
