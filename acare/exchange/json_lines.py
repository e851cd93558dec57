"""JSON lines of an export: one record a line, with the owner's e-mail address as ``owner``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from acare.clients import ImportRow
from acare.exchange.cells import parse_json
from acare.exchange.rows import NAMES, REASON, Draft, Refused, Rules, unreadable
from acare.field_types import to_json


class JsonReader:
    """The clients in a file of JSON lines. ``unknown`` has the keys that are no field, once all is read."""

    def __init__(self, file: IO[bytes], rules: Rules) -> None:
        self._file = file
        self._rules = rules
        self.unknown: list[str] = []

    def __iter__(self) -> Iterator[ImportRow | Refused]:
        for number, line in enumerate(self._file, 1):
            if line.strip():
                yield self._read(number, line)

    def _read(self, number: int, line: bytes) -> ImportRow | Refused:
        try:
            record = parse_json(line)
            if not isinstance(record, dict):
                raise ValueError("it is something else")
        except ValueError as error:
            text = line.decode(errors="replace").strip()
            return unreadable(number, {"text": text}, text, f"must be a JSON object in UTF-8: {error}")
        self.unknown += sorted(record.keys() - NAMES - set(self.unknown))
        texts = {name: value if isinstance(value, str) else to_json(value) for name, value in record.items()}
        found = {name: (name, text) for name, text in texts.items()}
        return Draft(number, record, record, found).finish(self._rules)

    def write_refused(self, file: IO[str], refused: Iterable[tuple[dict[str, Any], str]]) -> None:
        """Write refused records, with a key for the reasons, to be corrected and imported."""
        for record, reasons in refused:
            text = to_json({**record, REASON: reasons})
            file.write(
                text.encode(errors="backslashreplace").decode() + "\n"
            )  # lone surrogates as JSON has them


def write_json(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """Write clients, each with its JSON and the owner's e-mail address, one a line; how many there were."""
    count = 0
    for text, owner in clients:
        file.write(f'{{"owner":{to_json(owner)},{text[1:]}\n')
        count += 1
    return count
