"""Purging: deleting what ended some days ago, in steps, between which other programs write."""

import sqlite3
import time

from acare.database.copying import Progress, silent
from acare.database.database import Database
from acare.store import at_offset, search
from acare.store.creation import DELETE_EXPIRED
from acare.store.users import as_dicts

#: Rows that a step deletes, which takes about a tenth of a second.
ROWS = 10_000

#: Seconds between two steps. A process that waits for SQLite's lock tries again every 0.1 s.
PAUSE = 0.1

# How far a purge goes. It is fixed at the start: while others write, a purge could otherwise not end.
LIMITS = f"""
SELECT
    before,
    (SELECT max(revision) FROM client_changes) AS newest,
    (
        SELECT coalesce(max(revision), 0)
        FROM client_changes INDEXED BY client_changes_removed
        WHERE removed_at < before
    ) AS removal
FROM (SELECT {at_offset(":age")} AS before)
"""

# The oldest versions of each client, up to the first that ended later: the clock may have been wrong, and a
# version that is missing in between would make the next one look like its change.
DELETE_VERSIONS = """
DELETE FROM client_history
WHERE rowid IN (
    SELECT rowid
    FROM client_history AS purged
    WHERE ended_at < :before AND NOT EXISTS (
        SELECT 1
        FROM client_history AS older
        WHERE older.client_id = purged.client_id AND older.version < purged.version
            AND older.ended_at >= :before
    )
    LIMIT :rows
)
"""

# Cursors from before the last removal that is to be deleted.
END_CURSORS = "UPDATE change_cursors SET purged = max(purged, :removal)"

# Rows that no cursor needs. Never the last one: its revision would be reused for the next change.
DELETE_CHANGES = """
DELETE FROM client_changes
WHERE revision IN (
    SELECT revision
    FROM client_changes
    WHERE revision < :newest
        AND iif(
            removed_at IS NULL,
            (version, user_id) IS NOT (SELECT version, user_id FROM clients WHERE id = client_id),
            revision <= (SELECT purged FROM change_cursors)
        )
    LIMIT :rows
)
"""

DELETE_KEYS = "DELETE FROM api_keys WHERE revoked_at < :before OR expires_at < :before"


def purge(database: Database, days: int, progress: Progress = silent) -> int:
    """Delete versions that ended over ``days`` days ago. Returns how many.

    Keys that ended and cursors of that age go, too, and the words of deleted clients. If it is
    interrupted, the next purge deletes the rest.
    """
    with database.read() as connection:
        (limits,) = as_dicts(connection.execute(LIMITS, {"age": f"-{days} days"}))
    limits["rows"] = ROWS

    def run(statement: str) -> int:
        """Delete rows until fewer than a step has are left."""
        total = 0
        while True:
            deleted = database.write(lambda connection: connection.execute(statement, limits).rowcount)
            total += deleted
            if deleted < ROWS:
                return total
            progress("Purging", total, 0, "rows")
            time.sleep(PAUSE)

    purged = run(DELETE_VERSIONS)
    database.write(lambda connection: connection.execute(END_CURSORS, limits).rowcount)
    for statement in (DELETE_CHANGES, DELETE_EXPIRED, DELETE_KEYS):
        run(statement)
    database.write(_merge_index)
    return purged


def _merge_index(connection: sqlite3.Connection) -> None:
    search.index_changes(connection)
    connection.execute(search.OPTIMIZE)
