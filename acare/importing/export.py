"""Exports all clients, or some, as JSON lines or CSV."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import IO

from acare import csv_rows
from acare.database.database import Database
from acare.field_types import to_json
from acare.store import users

EXPORT = """
SELECT json, users.email
FROM clients
JOIN users ON users.id = user_id
WHERE (:owner IS NULL OR users.email = :owner)
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
ORDER BY seq
"""


def export(database: Database, owner: str | None, statuses: Collection[str]) -> Iterator[tuple[str, str]]:
    """The JSON of each client and the e-mail address of its owner, oldest first.

    All come from one snapshot. None, or no statuses, means all. UserError if there is no such owner.
    """
    with database.read() as connection:
        if owner is not None:
            users.get(connection, owner)  # raises UserNotFound
        values = {"owner": owner, "statuses": json.dumps([*statuses]) if statuses else None}
        yield from connection.execute(EXPORT, values)


def write_json(file: IO[str], clients: Iterable[tuple[str, str]]) -> None:
    """Write clients, one per line."""
    file.writelines(f'{{"owner":{to_json(owner)},{text[1:]}\n' for text, owner in clients)


def write_csv(file: IO[str], clients: Iterable[tuple[str, str]]) -> None:
    """Write clients, one per row."""
    file.writelines(csv_rows.lines(clients))
