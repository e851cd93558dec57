"""Stored versions of clients, and who may see them."""

import sqlite3

from acare.field_types import to_json
from acare.fields import FIELDS

_DEFAULTS = ", ".join(f"'$.{field.name}', json('{to_json(field.default)}')" for field in FIELDS)

#: SQL for the JSON of a stored version. Fields that were added to clients later are unset in it.
STORED_JSON = f"json_insert(json, {_DEFAULTS})"

MAX_SQLITE_INTEGER = 2**63 - 1

LAST_OWNER = """
SELECT coalesce(
    (SELECT user_id FROM clients WHERE id = :id),
    (SELECT json ->> '$.user_id' FROM client_history WHERE client_id = :id ORDER BY version DESC LIMIT 1)
)
"""


def last_owner(connection: sqlite3.Connection, client_id: str) -> str | None:
    """The owner of a client or, if it is deleted, of its last version; None if there is neither."""
    owner: str | None = connection.execute(LAST_OWNER, {"id": client_id}).fetchone()[0]
    return owner
