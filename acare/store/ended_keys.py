"""Keys that have ended, or soon will: their purge, warnings, and a restore that has no keys to keep."""

import sqlite3
from typing import Any

from acare.store import NOW, at_offset, batches, keys

# Keys that ended before an age, and what their deletion leaves: the keys made with them count as made with
# their makers.
ENDED = f"""
SELECT id
FROM api_keys
WHERE revoked_at < {at_offset(":age")} OR expires_at < {at_offset(":age")}
LIMIT :rows
"""

PASS_ON = """
UPDATE api_keys
SET made_with = (SELECT made_with FROM api_keys WHERE id = :id)
WHERE made_with = :id
"""

DELETE = "DELETE FROM api_keys WHERE id = :id"


def purge(connection: sqlite3.Connection, position: int, age: str) -> tuple[int, int | None]:
    """Delete keys that ended before this ``age``, an offset such as ``-30 days``: a batch."""
    values = {"age": age, "rows": batches.ROWS}
    ended = [{"id": key_id} for (key_id,) in connection.execute(ENDED, values)]
    connection.executemany(PASS_ON, ended)
    connection.executemany(DELETE, ended)
    return len(ended), position + 1 if len(ended) == batches.ROWS else None


ENDING = f"""
{keys.KEYS}
WHERE
    revoked_at IS NULL AND owner.disabled_at IS NULL AND NOT invitation
    AND expires_at > {at_offset(":since")} AND expires_at <= {at_offset(":until")}
ORDER BY expires_at
"""


def ending(connection: sqlite3.Connection, ended_days: int, days: int) -> list[dict[str, Any]]:
    """The keys, as ``KeyStore.list`` shows them, that ended in ``ended_days`` or will in the next ``days``.

    Not those that were revoked or redeemed, or whose user is disabled: somebody decided that they end.
    """
    return keys.read(connection, ENDING, {"since": f"-{ended_days} days", "until": f"+{days} days"})


# For a restore that cannot know which invitations were redeemed after the backup.
REVOKE_INVITATIONS = f"UPDATE api_keys SET revoked_at = {NOW} WHERE invitation AND revoked_at IS NULL"


def revoke_invitations(connection: sqlite3.Connection) -> None:
    """Revoke all invitations."""
    connection.execute(REVOKE_INVITATIONS)
