"""Reads and writes JSON lines: one record per line, with the owner's e-mail address as ``owner``."""

from collections.abc import Iterable, Iterator
from typing import IO, Any

from acare.errors import Refused
from acare.field_types import from_json, to_json
from acare.fields import ALL_NAMES
from acare.importing.csv_file import Column
from acare.importing.rows import MAX_LINE, REASON, Row

_KNOWN = {*ALL_NAMES, "owner", REASON}


class JsonReader:
    """The rows of JSON lines. Refused if one is not a record. The ``unknown`` names are ignored."""

    def __init__(self, file: IO[bytes]) -> None:
        self._lines = iter(lambda: file.readline(MAX_LINE), b"")
        self.columns: list[Column] = []
        self.unknown: dict[str, None] = {}  # in order

    def __iter__(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, 1):
            if line.strip():
                record = _parse(line, number)
                self.unknown.update((name, None) for name in record if name not in _KNOWN)
                yield Row(number, record, record, {name: (name, value) for name, value in record.items()})

    def reject(self, file: IO[str], row: Row, reason: str) -> None:
        """Write a row with the reason; it can be corrected and imported."""
        text = to_json({**row.record, REASON: reason})
        file.write(text.encode(errors="backslashreplace").decode() + "\n")  # lone surrogates as JSON escapes


def _parse(line: bytes, number: int) -> dict[str, Any]:
    reason = "it is another JSON value"
    try:
        record = from_json(line.decode("utf-8-sig", "surrogatepass"))
        if isinstance(record, dict):
            return record
    except ValueError as error:
        reason = str(error)
    raise Refused(f"line {number} must be one complete JSON object in UTF-8: {reason}")


def lines(clients: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of a file. ``clients``: see ``ClientLists.export``."""
    return (f"{more[:-1]},{text[1:]}\n" for text, more in clients)
