"""The only statement that adds a client: a new one, an imported one, or one that was deleted."""

import sqlite3
from collections.abc import Mapping

from acare import timestamps
from acare.clients import CreatedClient
from acare.fields import FIELD_NAMES

# The positions of clients in lists, `clients.seq`, are in the order of creation: each millisecond since 1970
# has a million. The last ones are in the year 2255: more would not fit in an integer. (The milliseconds of a
# timestamp are its characters 21 to 23.)
_POSITIONS = 1_000_000
_MILLISECOND = "unixepoch(:created_at) * 1000 + substr(:created_at, 21, 3)"
_FIRST_POSITION = f"min({_MILLISECOND}, 9000000000000) * {_POSITIONS}"

_NEXT_POSITION = f"""
(
    SELECT coalesce(max(seq) + 1, {_FIRST_POSITION})
    FROM clients
    WHERE seq >= {_FIRST_POSITION} AND seq < {_FIRST_POSITION} + {_POSITIONS}
)
"""

INSERT = f"""
INSERT INTO clients (
    seq, id, user_id, {", ".join(FIELD_NAMES)},
    version, created_at, updated_at, made_by, imported_at
)
VALUES (
    coalesce(:seq, {_NEXT_POSITION}), :id, :user_id, {", ".join(f":{name}" for name in FIELD_NAMES)},
    :version, :created_at, max(:created_at, coalesce(:updated_at, :created_at)), :author_id, :imported_at
)
RETURNING id, json, created_at
"""

_NEW: Mapping[str, object] = {
    "seq": None,  # after the last client with the same time of creation
    "version": 1,
    "updated_at": None,  # when it was created
    "author_id": None,
    "imported_at": None,
}


def insert(connection: sqlite3.Connection, values: Mapping[str, object]) -> CreatedClient:
    """Store a client. ``values`` are its id, owner and fields, and others in place of the usual ones."""
    rows = connection.execute(INSERT, {**_NEW, "created_at": timestamps.now(), **values}).fetchall()
    return CreatedClient._make((*rows[0], False))
