"""Purging: deleting what ended some days ago, in batches, which also ends while others write."""

import sqlite3
from functools import partial

from acare.database.copying import Progress, silent
from acare.database.database import Database
from acare.store import at_offset, batches, search
from acare.store.creation import DELETE_EXPIRED
from acare.store.users import as_dicts

# How far a purge goes. It is fixed at the start: while others write, a purge could otherwise not end.
LIMITS = f"""
SELECT
    before,
    (SELECT max(revision) FROM client_changes) AS newest,
    (
        SELECT coalesce(max(revision), 0)
        FROM client_changes INDEXED BY client_changes_removed
        WHERE removed_at < before
    ) AS removal,
    (SELECT count(*) FROM clients_search_data) AS pages
FROM (SELECT {at_offset(":age")} AS before)
"""

# The oldest versions of each client, up to the first that ended later: the clock may have been wrong, and a
# version that is missing in between would make the next one look like its change.
DELETE_VERSIONS = batches.deletion(
    "client_history",
    """ended_at < :before AND NOT EXISTS (
        SELECT 1
        FROM client_history AS older
        WHERE older.client_id = client_history.client_id AND older.version < client_history.version
            AND older.ended_at >= :before
    )""",
)

# Cursors from before the last removal that is to be deleted.
CURSORS = "UPDATE change_cursors SET purged = max(purged, :removal)"

DELETE_KEYS = batches.deletion("api_keys", "revoked_at < :before OR expires_at < :before")


def purge(database: Database, days: int, progress: Progress = silent) -> int:
    """Delete versions that ended over ``days`` days ago. Returns how many.

    Keys that ended and cursors of that age go, too. If it is interrupted, the next purge deletes the rest.
    """
    with database.read() as connection:
        (limits,) = as_dicts(connection.execute(LIMITS, {"age": f"-{days} days"}))

    def run(batch: batches.Batch) -> int:
        return batches.run(database, batch, partial(progress, "Purging", 0, 0, ""))

    purged = run(partial(batches.repeat, statement=DELETE_VERSIONS, values=limits))
    database.write(lambda connection: connection.execute(CURSORS, limits).rowcount)
    run(partial(_purge_changes, newest=limits["newest"]))
    run(partial(batches.repeat, statement=DELETE_EXPIRED, values={}))
    run(partial(batches.repeat, statement=DELETE_KEYS, values=limits))
    run(partial(search.merge, pages=limits["pages"]))
    return purged


# The last row of a batch.
BATCH = """
SELECT max(revision)
FROM (
    SELECT revision
    FROM client_changes
    WHERE revision > :after AND revision <= :newest
    ORDER BY revision
    LIMIT :rows
)
"""

# Rows that no cursor needs. Never the last row: its revision would be reused for the next change.
CHANGES = """
DELETE FROM client_changes
WHERE revision > :after AND revision <= :last
    AND revision < (SELECT max(revision) FROM client_changes)
    AND iif(
        removed_at IS NULL,
        (version, user_id) IS NOT (SELECT version, user_id FROM clients WHERE id = client_id),
        revision <= (SELECT purged FROM change_cursors)
    )
"""


def _purge_changes(connection: sqlite3.Connection, after: int, newest: int | None) -> tuple[int, int | None]:
    """Delete rows of the feed up to the revision ``newest``: a batch."""
    values = {"after": after, "newest": newest, "rows": 10 * batches.ROWS}
    ((last,),) = connection.execute(BATCH, values).fetchall()
    values = {"after": after, "last": last}
    return (0, None) if last is None else (connection.execute(CHANGES, values).rowcount, last)
