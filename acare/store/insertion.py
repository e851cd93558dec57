"""The only statement that adds a client: a new one, an imported one, or one that was deleted."""

import sqlite3
from collections.abc import Mapping

from acare.clients import CreatedClient
from acare.database.connection import NOW
from acare.fields import FIELDS

# The positions of clients in lists, `clients.seq`, are in the order of creation: each millisecond since 1970
# has a million. The last ones are in the year 2255: more would not fit in an integer. (The milliseconds of a
# timestamp are its characters 21 to 23.)
_POSITIONS = 1_000_000
_FIRST_POSITION = f"min(unixepoch(at) * 1000 + substr(at, 21, 3), 9000000000000) * {_POSITIONS}"

_NEXT_POSITION = f"""
coalesce(
    (
        SELECT max(seq) + 1
        FROM clients
        WHERE seq >= {_FIRST_POSITION} AND seq < {_FIRST_POSITION} + {_POSITIONS}
    ),
    {_FIRST_POSITION}
)
"""

INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(field.name for field in FIELDS)},
    version, created_at, updated_at, made_by, imported_at
)
SELECT
    coalesce(:seq, {_NEXT_POSITION}), :id, :user_id, {", ".join(f":{field.name}" for field in FIELDS)},
    :version, at, max(at, coalesce(:updated_at, {NOW})), :author_id, :imported_at
FROM (SELECT coalesce(:created_at, {NOW}) AS at)
RETURNING id, json, created_at
"""

_NEW: Mapping[str, object] = {
    "seq": None,  # after the last client with the same time of creation
    "version": 1,
    "created_at": None,  # now
    "updated_at": None,  # now
    "author_id": None,
    "imported_at": None,
}


def insert(connection: sqlite3.Connection, values: Mapping[str, object]) -> CreatedClient:
    """Store a client. ``values`` are its id, owner and fields, and others in place of those in ``_NEW``."""
    return CreatedClient._make((*connection.execute(INSERT, {**_NEW, **values}).fetchall()[0], False))
