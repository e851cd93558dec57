"""Reads and writes JSON lines: one record per line, with the owner's e-mail address as ``owner``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from acare.errors import Refused, SettingError
from acare.fields import ALL_NAMES
from acare.importing.csv_reader import Column
from acare.importing.rows import REASON, Row
from acare.json_text import from_json, to_json

_KNOWN = {*ALL_NAMES, "owner", REASON}


class JsonReader:
    """The rows of JSON lines. Refused if one is not a record.

    Only ``values`` of the column ``user_id`` are allowed: the e-mail address for a ``user_id``, in records
    without ``owner``; ``*`` stands for any other. The ``user_ids`` are counted, with the address or None.
    The ``unknown`` names are ignored.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        chosen: Mapping[str, str],
        values: Sequence[tuple[str, str, str]],
    ) -> None:
        if chosen or any(name != "user_id" for name, *_ in values):
            raise SettingError(
                "--map and --value are for CSV: JSON lines have names of fields, not columns; "
                "only --value user_id:UUID=EMAIL is for both"
            )
        self._lines, self._owners = lines, {text.casefold(): email for _, text, email in values}
        self.columns: list[Column] = []
        self.unknown: dict[str, None] = {}  # in order
        self.user_ids: Counter[tuple[str, str | None]] = Counter()

    def __iter__(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, 1):
            if line.strip():
                record = parse(line, number)
                self.unknown.update((name, None) for name in record if name not in _KNOWN)
                row = Row(number, record, record, record)
                user_id, owner = record.get("user_id"), self.owner(record)
                if record.get("owner") is None and isinstance(user_id, str):
                    self.user_ids[user_id, owner] += 1
                    row.values = {**record, "owner": owner}
                    row.contents = {**record, "owner": user_id}
                yield row

    def owner(self, record: Mapping[str, Any]) -> str | None:
        """The e-mail address of the owner that a record names."""
        user_id, owner = record.get("user_id"), record.get("owner")
        if owner is None and isinstance(user_id, str):
            owner = self._owners.get(user_id.casefold(), self._owners.get("*"))
        return owner

    def reject(self, file: IO[bytes], row: Row, reason: str) -> None:
        """Write a row with the reason; it can be corrected and imported."""
        text = to_json({**row.record, REASON: reason})
        file.write(text.encode(errors="backslashreplace") + b"\n")  # lone surrogates as JSON escapes


def parse(line: bytes, number: int = 0) -> dict[str, Any]:
    """The record in a line, or Refused with the ``number`` of the line."""
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
