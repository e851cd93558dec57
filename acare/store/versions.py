"""Versions of clients: conditions on them, how they are stored, and who may see them."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from acare.field_types import to_json
from acare.fields import FIELDS

_DEFAULTS = ", ".join(f"'$.{field.name}', json('{to_json(field.default)}')" for field in FIELDS)

#: SQL for the JSON of a stored version. Fields that were added to clients later are unset in it.
STORED_JSON = f"json_insert(json, {_DEFAULTS})"

MAX_SQLITE_INTEGER = 2**63 - 1


class ClientRow(NamedTuple):
    """A stored client; ``json`` is the record as responses show it."""

    version: int
    json: str


class Precondition(NamedTuple):
    """The versions of a client at which a request may proceed; None: all."""

    allowed: Sequence[int] | None = None
    excluded: Sequence[int] = ()

    def holds(self, version: int) -> bool:
        """Whether the request may proceed when the client is at ``version``."""
        return (self.allowed is None or version in self.allowed) and version not in self.excluded


UNCONDITIONAL = Precondition()


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
