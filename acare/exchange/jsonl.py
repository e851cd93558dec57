"""JSON lines of an export: one record a line, with the owner's e-mail address as ``owner``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

from acare import ids
from acare.clients import ImportRow
from acare.exchange.rows import REASON, Draft, Refused, Rules
from acare.field_types import to_json
from acare.fields import FIELDS

_WRITABLE = frozenset(field.name for field in FIELDS)
_KEPT = ("id", "user_id", "version", "created_at", "updated_at")
_MAX_VERSION = 2**53


class JsonReader:
    """The clients in a file of JSON lines. ``unknown`` are keys that are no field, once all is read."""

    def __init__(self, file: IO[bytes], rules: Rules) -> None:
        self._file = file
        self._rules = rules
        self.unknown: dict[str, None] = {}

    def __iter__(self) -> Iterator[ImportRow | Refused]:
        for number, line in enumerate(self._file, 1):
            if line.strip():
                yield self._read(number, line).finish(self._rules)

    def _read(self, number: int, line: bytes) -> Draft:
        try:
            record = parse(line)
        except ValueError as error:
            draft = Draft(number, line.decode(errors="replace").strip())
            draft.found["row"] = "", draft.source
            draft.refuse("row", f"must be a JSON object in UTF-8: {error}")
            return draft
        draft = Draft(number, record)
        for name, value in record.items():
            draft.found[name] = name, value if isinstance(value, str) else to_json(value)
            if name in _WRITABLE:
                draft.body[name] = value
            elif name not in (*_KEPT, "owner", REASON):
                self.unknown[name] = None
        draft.owner = record.get("owner")
        self._keep(draft, record)
        return draft

    @staticmethod
    def _keep(draft: Draft, record: dict[str, Any]) -> None:
        draft.kept = {name: record[name] for name in _KEPT if record.get(name) is not None}
        for name in ("id", "user_id"):
            found = ids.canonical(str(draft.kept.get(name, "")))
            if name in draft.kept and found is None:
                draft.refuse(name, "must be a UUID")
            elif found is not None:
                draft.kept[name] = found
        draft.id = draft.kept.get("id")
        version = draft.kept.get("version", 1)
        if type(version) is not int or not 1 <= version <= _MAX_VERSION:
            draft.refuse("version", "must be an integer of at least 1")


def parse(line: bytes) -> dict[str, Any]:
    """The object in a line. ValueError if it is none, or has what JSON has not, as NaN."""
    try:
        found = json.loads(line.decode("utf-8-sig"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is something else")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def write(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """Write clients, each with its JSON and the owner's e-mail address, one a line; how many there were."""
    count = 0
    for text, owner in clients:
        file.write(f'{{"owner":{to_json(owner)},{text[1:]}\n')
        count += 1
    return count


class RefusedJson:
    """Writes refused records as JSON lines, with a key for the reasons."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, source: Any, reasons: str) -> None:
        record = source if isinstance(source, dict) else {"text": source}
        self._file.write(to_json({**record, REASON: reasons}) + "\n")
