"""What a restored backup keeps of the database that it replaces: users, keys, erasures, identity, versions.

A version or an ETag that a program has from before a restore must never match other content. So a client
that is not as it was in the replaced database gets a greater version than it had there.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from acare import timestamps
from acare.store import NOW, deleted, identity

#: The tables that are copied.
TABLES = ("users", "api_keys", "erasures")

# The clients that are not as in the replaced database, with the greatest version that each had there, or 0. A
# row without `seq` is of a deleted client, which can be restored with its next version.
FIND_TOUCHED = f"""
CREATE TEMP TABLE touched AS
WITH ours AS (
    SELECT seq, id, version, user_id, updated_at
    FROM main.clients
    UNION ALL
    SELECT NULL, client_id, version, NULL, NULL
    FROM main.client_history AS stored
    WHERE {deleted.IS_DELETED}
)
SELECT
    ours.seq AS seq, ours.id AS id, ours.version AS version,
    theirs.user_id <> ours.user_id AS is_handed_over, theirs.id IS NULL AS is_back,
    max(
        coalesce(theirs.version, 0),
        coalesce((SELECT max(version) FROM old.client_history WHERE client_id = ours.id), 0)
    ) AS known
FROM ours
LEFT JOIN old.clients AS theirs ON theirs.id = ours.id
WHERE ours.seq IS NULL OR (theirs.version, theirs.updated_at) IS NOT (ours.version, ours.updated_at)
"""


class Kept(NamedTuple):
    """What a restored database has of the replaced one, and how its clients differ from it."""

    users: int
    keys: int
    added: int  # users that only the backup has
    erased: int  # clients
    changed: int  # clients that were changed after the backup: these changes are lost
    handed_over: int  # those of them that have their earlier owner again
    returned: int  # clients that only the backup has: they were deleted after it
    missing: int  # clients that only the replaced database has: they were created after the backup


def is_readable(old: sqlite3.Connection) -> bool:
    """Whether a database has users, and ``carry_over`` can read what it copies."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for table in TABLES:
            for _ in old.execute(f"SELECT * FROM {table}"):
                pass
        return identity.read(old).has_users
    return False


# Invitations may have been redeemed after the backup.
REVOKE_INVITATIONS = f"UPDATE api_keys SET revoked_at = {NOW} WHERE invitation AND revoked_at IS NULL"

# Cursors of the feed: after the same revision, the backup has other changes than the replaced database.
END_CURSORS = "UPDATE change_cursors SET epoch = lower(hex(randomblob(8)))"

# For users that only the backup has. Addresses are unique: another user may have the address now.
DISABLE = f"""
UPDATE users
SET disabled_at = coalesce(disabled_at, {NOW}),
    email = iif(email IN (SELECT email FROM old.users), 'restored-' || id || '-' || email, email)
WHERE id NOT IN (SELECT id FROM old.users)
"""

# A deleted client is only in the history.
COUNT_STORED = """
SELECT count(*)
FROM erasures
WHERE EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    OR EXISTS (SELECT 1 FROM client_history WHERE client_history.client_id = erasures.client_id)
"""


def carry_over(connection: sqlite3.Connection, replaced: Path | None) -> Kept | None:
    """Copy users, keys and erasures from the replaced database, which is locked, and raise versions.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures. ``replaced`` is None, and the result, if it cannot be read.
    """
    connection.execute(END_CURSORS)
    if replaced is None:
        connection.execute(REVOKE_INVITATIONS)
        _know_nothing(connection)
        _raise_versions(connection)
        return None
    connection.execute("ATTACH :uri AS old", {"uri": f"{replaced.as_uri()}?immutable=1"})  # ignores the lock
    connection.execute("PRAGMA foreign_keys = OFF")  # SQLite would search all clients for each replaced user
    connection.execute("BEGIN")
    added = connection.execute(DISABLE).rowcount
    connection.execute("DELETE FROM api_keys")
    users, keys, _ = (_copy(connection, table) for table in TABLES)
    identity.keep(connection)
    connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    (erased,) = connection.execute(COUNT_STORED).fetchone()
    deleted.erase_recorded(connection)
    connection.execute("COMMIT")
    missing = _compare_clients(connection)
    changed, handed_over, returned = _raise_versions(connection)
    return Kept(users, keys, added, erased, changed, handed_over, returned, missing)


COUNT_MISSING = "SELECT count(*) FROM old.clients WHERE id NOT IN (SELECT id FROM main.clients)"

_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)


def _compare_clients(connection: sqlite3.Connection) -> int:
    """Execute COUNT_MISSING and FIND_TOUCHED. A damaged database counts as one that knows no client."""
    try:
        missing = int(connection.execute(COUNT_MISSING).fetchone()[0])
        connection.execute(FIND_TOUCHED)
        return missing
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
            raise
        connection.execute("DETACH old")
        _know_nothing(connection)
        return 0


# In place of a database that cannot be read: it knows no client.
KNOW_NOTHING = (
    "ATTACH ':memory:' AS old",
    "CREATE TABLE old.clients (id, user_id, version, updated_at)",
    "CREATE TABLE old.client_history (client_id, version)",
)


def _know_nothing(connection: sqlite3.Connection) -> None:
    for statement in (*KNOW_NOTHING, FIND_TOUCHED):
        connection.execute(statement)


# A client that the replaced database does not know was erased or purged there, at an unknown version.
RAISED = "iif(known = 0, version + 1000, max(version, known) + 1)"

COUNTS = """
SELECT
    count(*) FILTER (WHERE seq IS NOT NULL AND NOT is_back), count(*) FILTER (WHERE is_handed_over),
    count(*) FILTER (WHERE seq IS NOT NULL AND is_back)
FROM touched
"""

RAISE = (
    "INSERT INTO restores (restored_at) VALUES (:now)",
    f"""
UPDATE clients
SET version = raised.version, updated_at = max(created_at, :now), made_by = NULL, imported_at = NULL
FROM (SELECT seq, {RAISED} AS version FROM touched WHERE seq IS NOT NULL) AS raised
WHERE clients.seq = raised.seq
""",
    # As the UPDATE of a client does: the history shows the version as restored by the operator.
    f"""
UPDATE client_history
SET version = raised.version, made_by = NULL, imported_at = NULL,
    json = json_set(json, '$.version', raised.version, '$.updated_at', :now)
FROM (
    SELECT id, version AS old, {RAISED} - 1 AS version
    FROM touched
    WHERE seq IS NULL AND (known = 0 OR known > version)
) AS raised
WHERE client_id = raised.id AND client_history.version = raised.old
""",
    # A client that was unchanged since its import still counts as unchanged.
    f"""
UPDATE client_sources
SET version = raised.version
FROM (SELECT id, version AS old, {RAISED} AS version FROM touched WHERE seq IS NOT NULL) AS raised
WHERE client_id = raised.id AND client_sources.version = raised.old
""",
)


def _raise_versions(connection: sqlite3.Connection) -> list[int]:
    """Raise the versions of the clients that FIND_TOUCHED has found. Returns the COUNTS."""
    now = {"now": timestamps.now()}
    connection.execute("BEGIN")  # not before: SQLite ends a transaction that meets damage
    counts = connection.execute(COUNTS).fetchone()
    for statement in (*RAISE, "DROP TABLE touched"):
        connection.execute(statement, now)
    connection.execute("COMMIT")
    connection.execute("DETACH old")
    return list(counts)


# The replaced database can have an older or newer schema.
SHARED_COLUMNS = """
SELECT name FROM pragma_table_info(:table, 'main')
INTERSECT
SELECT name FROM pragma_table_info(:table, 'old')
"""


def _copy(connection: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table over those with the same key. Returns how many."""
    columns = ", ".join(name for (name,) in connection.execute(SHARED_COLUMNS, {"table": table}))
    copy = f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}"
    return connection.execute(copy).rowcount
