"""Reads JSON lines: one record a line, with the owner's e-mail address as ``owner``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from acare.field_types import from_json, to_json
from acare.importing.rows import NAMES, REASON, Row

_MAX_COLUMNS = 1000  # unknown names that are kept for the report


class JsonReader:
    """The rows of JSON lines. ``columns`` has the unknown names, once all lines are read."""

    layout = "JSON lines, UTF-8"

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.columns: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, 1):
            if not line.strip():
                continue
            try:
                record = _parse(line)
            except ValueError as error:
                text = line.decode(errors="replace").strip()
                message = f"must be a JSON object in UTF-8: {error}"
                yield Row.unreadable(number, {"text": text}, text, message)
                continue
            if len(self.columns) < _MAX_COLUMNS:
                self.columns |= dict.fromkeys(sorted(record.keys() - NAMES))
            yield Row(number, record, record, {name: (name, value) for name, value in record.items()})

    def reject(self, file: IO[str], row: Row, reason: str) -> None:
        """Write a row with the reason, to be corrected and imported."""
        text = to_json({**row.record, REASON: reason})
        file.write(text.encode(errors="backslashreplace").decode() + "\n")  # as JSON has lone surrogates


def _parse(line: bytes) -> dict[str, Any]:
    """The record in a line. ValueError if it has none."""
    record = from_json(line.decode("utf-8-sig", "surrogatepass"))
    if not isinstance(record, dict):
        raise ValueError("it is another JSON value")
    return record
