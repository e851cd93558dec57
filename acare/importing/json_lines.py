"""JSON lines of an export: one record a line, with the owner's e-mail address as ``owner``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from acare.field_types import from_json, to_json
from acare.importing.rows import NAMES, REASON, Draft


class JsonReader:
    """The clients in a file of JSON lines. ``columns`` has the unknown names, once all lines are read."""

    layout = "JSON lines, UTF-8"

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.columns: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[Draft]:
        for number, line in self._lines():
            try:
                record = _parse(line)
            except ValueError as error:
                text = line.decode(errors="replace").strip()
                yield Draft.unreadable(number, text, f"must be a JSON object in UTF-8: {error}")
                continue
            self.columns |= dict.fromkeys(sorted(record.keys() - NAMES))
            found: dict[str, tuple[str | None, str]] = {
                name: (name, value if isinstance(value, str) else to_json(value))
                for name, value in record.items()
            }
            yield Draft(number, record, found)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        return ((number, line) for number, line in enumerate(self._file, 1) if line.strip())

    def write_refused(self, file: IO[str], reasons: Mapping[int, str]) -> None:
        """Write the lines that have ``reasons``, with these, to be corrected and imported."""
        for number, line in self._lines():
            if number in reasons:
                try:
                    record = _parse(line)
                except ValueError:
                    record = {"text": line.decode(errors="replace").strip()}
                text = to_json({**record, REASON: reasons[number]})
                file.write(
                    text.encode(errors="backslashreplace").decode() + "\n"
                )  # as JSON has lone surrogates


def _parse(line: bytes) -> dict[str, Any]:
    """The record in a line. ValueError if it has none."""
    record = from_json(line.decode("utf-8-sig", "surrogatepass"))
    if not isinstance(record, dict):
        raise ValueError("it is another JSON value")
    return record


def write_json(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """Write clients, each with its JSON and the owner's e-mail address, one a line; how many there were."""
    count = 0
    for text, owner in clients:
        file.write(f'{{"owner":{to_json(owner)},{text[1:]}\n')
        count += 1
    return count
