"""CSV for spreadsheets: what ``acare import`` reads back unchanged."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import IO, Any

from acare.exchange.cells import amount, defuse, join
from acare.field_types import Amount, Flag, Texts, to_json
from acare.fields import FIELDS
from acare.property_preferences import Preferences

_KINDS = {field.name: type(field.kind) for field in FIELDS}
COLUMNS = ("id", "owner", *_KINDS, "version", "created_at", "updated_at")


def write(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """Write clients, each with its JSON and the owner's e-mail address, one a row; how many there were.

    The byte order mark tells spreadsheets that this is UTF-8.
    """
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
