"""Exports all clients as JSON lines or CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO

from acare import csv_rows
from acare.database.database import Database
from acare.field_types import to_json

EXPORT = """
SELECT json, users.email
FROM clients
JOIN users ON users.id = user_id
ORDER BY seq
"""


def export(database: Database) -> Iterator[tuple[str, str]]:
    """The JSON of each client and the e-mail address of its owner, oldest first, from one snapshot."""
    with database.read() as connection:
        yield from connection.execute(EXPORT)


def write_json(file: IO[str], clients: Iterable[tuple[str, str]]) -> None:
    """Write clients, one per line."""
    file.writelines(f'{{"owner":{to_json(owner)},{text[1:]}\n' for text, owner in clients)


def write_csv(file: IO[str], clients: Iterable[tuple[str, str]]) -> None:
    """Write clients, one per row."""
    file.writelines(csv_rows.lines(clients))
