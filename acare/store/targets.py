"""The client that a request names: its visibility, and the error if a conditional write fails."""

import json
import sqlite3
from typing import NamedTuple

from acare.auth import Caller
from acare.clients import Precondition
from acare.errors import NotFound, PreconditionFailed, StaleVersion, VersionConflict
from acare.field_types import to_json
from acare.fields import FIELDS, parse_client

VISIBLE = "id = :id AND (:owner_id IS NULL OR user_id = :owner_id)"
UNCHANGED = f"""{VISIBLE} AND (:version IS NULL OR version = :version)
    AND (:allowed IS NULL OR version IN (SELECT value FROM json_each(:allowed)))
    AND (:excluded IS NULL OR version NOT IN (SELECT value FROM json_each(:excluded)))"""

GET = f"""
SELECT version, json
FROM clients
WHERE {VISIBLE}
"""

_DEFAULTS = ", ".join(f"'$.{field.name}', json('{to_json(field.default)}')" for field in FIELDS)

#: SQL for the JSON of a stored version. Fields that were added to clients later are unset in it.
STORED_JSON = f"json_insert(json, {_DEFAULTS})"

GET_VERSION = f"""
SELECT {STORED_JSON}
FROM client_history
WHERE client_id = :id AND version = :version
"""

GET_WITH_MAKER = f"""
SELECT version, json, (SELECT email FROM users WHERE users.id = made_by)
FROM clients
WHERE {VISIBLE}
"""

# The owner of a client or, if it is deleted, of its last version.
LAST_OWNER = """
SELECT coalesce(
    (SELECT user_id FROM clients WHERE id = :id),
    (SELECT json ->> '$.user_id' FROM client_history WHERE client_id = :id ORDER BY version DESC LIMIT 1)
)
"""

MAX_SQLITE_INTEGER = 2**63 - 1


def last_owner(connection: sqlite3.Connection, client_id: str) -> str | None:
    """The owner of a client or of its last version; None if there is neither."""
    owner: str | None = connection.execute(LAST_OWNER, {"id": client_id}).fetchone()[0]
    return owner


class Target(NamedTuple):
    """The client that a request names, and the conditions of the request."""

    caller: Caller
    client_id: str
    version: int | None
    precondition: Precondition

    def values(self) -> dict[str, object]:
        """The named parameters of VISIBLE, UNCHANGED and the statements above."""
        allowed, excluded = self.precondition
        return {
            "owner_id": self.caller.owner_id,
            "author_id": self.caller.author_id,
            "id": self.client_id,
            "version": None if self.version is None else min(self.version, MAX_SQLITE_INTEGER),
            "allowed": None if allowed is None else json.dumps(allowed),
            "excluded": json.dumps(excluded) if excluded else None,
        }

    def explain(self, connection: sqlite3.Connection) -> NotFound | StaleVersion:
        """The error that explains why the statement matched no row, for use in the same transaction.

        It names the fields that changed since the attempted version if the history has that version.
        """
        rows = connection.execute(GET_WITH_MAKER, self.values()).fetchall()
        if not rows:
            return NotFound("client")
        version, text, maker = rows[0]
        error: type[StaleVersion] = VersionConflict
        attempted = self.version
        if not self.precondition.holds(version):
            error, allowed = PreconditionFailed, self.precondition.allowed or ()
            attempted = None if version in allowed else max(allowed, default=None)
        record = parse_client(text)
        which = {"id": self.client_id, "version": min(attempted or 0, MAX_SQLITE_INTEGER)}
        changed = None
        for (old_json,) in connection.execute(GET_VERSION, which).fetchall():
            old = parse_client(old_json)
            changed = [field.name for field in FIELDS if old[field.name] != record[field.name]]
        return error(version, attempted, changed, record["updated_at"], maker)
