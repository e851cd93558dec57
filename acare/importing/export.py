"""Exports all clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


def json_lines(clients: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A line for each client: its JSON, with the e-mail address of its owner as ``owner``."""
    return (f'{{"owner":{to_json(owner)},{text[1:]}\n' for text, owner in clients)
