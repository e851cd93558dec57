"""The two formats of an export; ``acare import`` reads both.

Each writer gets the clients as JSON with the owner's e-mail address, and returns how many there were.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import IO, Any

from acare.exchange.cells import amount, defuse, join
from acare.field_types import Amount, Flag, Preferences, Texts, to_json
from acare.fields import FIELDS

_KINDS = {field.name: type(field.kind) for field in FIELDS}
COLUMNS = ("id", "owner", *_KINDS, "version", "created_at", "updated_at")


def write_json(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """JSON lines: one record a line, complete."""
    count = 0
    for text, owner in clients:
        file.write(f'{{"owner":{to_json(owner)},{text[1:]}\n')
        count += 1
    return count


def write_csv(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """CSV for spreadsheets; the byte order mark tells them that it is UTF-8."""
    file.write("\ufeff")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for text, owner in clients:
        client = {**json.loads(text), "owner": owner}
        writer.writerow([_cell(client[column], _KINDS.get(column)) for column in COLUMNS])
        count += 1
    return count


def _cell(value: Any, kind: type | None) -> str:
    if kind is Amount:
        return amount(value)
    if kind is Texts:
        return join(value)
    if kind is Preferences:
        return to_json(value) if value else ""
    if kind is Flag:
        return "true" if value else "false"
    return "" if value is None else defuse(str(value))
