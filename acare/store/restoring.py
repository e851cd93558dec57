"""What a restored backup keeps of the database that it replaces: users, keys, erasures, identity, versions.

A version or an ETag that a program has from before a restore must never match other content. So a client
that is not as it was in the replaced database gets a greater version than it had there.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from acare import timestamps
from acare.store import NOW, erasures, identity

#: The tables that are copied.
TABLES = ("users", "api_keys", "erasures")

# The replaced database can have an older or newer schema.
SHARED_COLUMNS = """
SELECT name FROM pragma_table_info(:table, 'main')
INTERSECT
SELECT name FROM pragma_table_info(:table, 'old')
"""

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

# The clients that are not as in the replaced database, with the greatest version that each had there, or 0. A
# row without `seq` is of a deleted client, which can be restored with its next version.
TOUCHED = "CREATE TEMP TABLE touched (seq INTEGER, id TEXT, version INTEGER, is_handed_over, is_back, known)"

ADD_TOUCHED = "INSERT INTO touched VALUES (?, ?, ?, ?, ?, ?)"

FIND_TOUCHED = """
SELECT
    ours.seq, ours.id, ours.version, theirs.user_id <> ours.user_id, theirs.id IS NULL,
    max(
        coalesce(theirs.version, 0),
        coalesce((SELECT max(version) FROM old.client_history WHERE client_id = ours.id), 0)
    )
FROM main.clients AS ours
LEFT JOIN old.clients AS theirs ON theirs.id = ours.id
WHERE (theirs.version, theirs.updated_at) IS NOT (ours.version, ours.updated_at)
UNION ALL
SELECT
    NULL, ours.client_id, ours.version, 0, 0,
    max(
        coalesce((SELECT version FROM old.clients WHERE id = ours.client_id), 0),
        coalesce((SELECT max(version) FROM old.client_history WHERE client_id = ours.client_id), 0)
    )
FROM main.client_history AS ours
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM main.clients WHERE id = ours.client_id)
    AND version = (SELECT max(version) FROM main.client_history WHERE client_id = ours.client_id)
"""

# The same if the replaced database cannot be read.
TOUCH_ALL = """
INSERT INTO touched
SELECT seq, id, version, 0, 0, 0
FROM clients
UNION ALL
SELECT NULL, client_id, max(version), 0, 0, 0
FROM client_history
WHERE client_id NOT IN (SELECT id FROM clients)
GROUP BY client_id
"""

# What the replaced database does not know was erased or purged there, at a version that nobody knows.
RAISED = "iif(known = 0, version + 1000, max(version, known) + 1)"

RAISE = (
    "INSERT INTO restores (restored_at) VALUES (:now)",
    f"""
UPDATE clients
SET version = raised.version, updated_at = max(created_at, :now), made_by = NULL, imported_at = NULL
FROM (SELECT seq, {RAISED} AS version FROM touched WHERE seq IS NOT NULL) AS raised
WHERE clients.seq = raised.seq
""",
    f"""
UPDATE client_history
SET version = raised.version, json = json_set(json, '$.version', raised.version)
FROM (
    SELECT id, version AS old, {RAISED} - 1 AS version
    FROM touched
    WHERE seq IS NULL AND (known = 0 OR known > version)
) AS raised
WHERE client_id = raised.id AND client_history.version = raised.old
""",
    # What was not changed here since its import still is not.
    f"""
UPDATE client_sources
SET version = raised.version
FROM (SELECT id, version AS old, {RAISED} AS version FROM touched WHERE seq IS NOT NULL) AS raised
WHERE client_id = raised.id AND client_sources.version = raised.old
""",
)

COUNTS = """
SELECT
    count(*) FILTER (WHERE seq IS NOT NULL AND NOT is_back), count(*) FILTER (WHERE is_handed_over),
    count(*) FILTER (WHERE is_back)
FROM touched
"""

COUNT_MISSING = "SELECT count(*) FROM old.clients WHERE id NOT IN (SELECT id FROM main.clients)"


class Kept(NamedTuple):
    """What a restored database has of the replaced one, and how its clients differ from it."""

    users: int
    keys: int
    added: int  # users that only the backup has
    erased: int  # clients
    changed: int  # clients that were changed after the backup, and are as they were before
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


def carry_over(connection: sqlite3.Connection, replaced: Path) -> Kept:
    """Copy users, keys and erasures from the replaced database, which is locked, and raise versions.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures.
    """
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
    erasures.erase_recorded(connection)
    connection.execute("COMMIT")
    touched, missing = None, 0
    # A damaged database can be replaced, too. (SQLite ends a transaction that has met damage.)
    with suppress(sqlite3.DatabaseError):
        (missing,) = connection.execute(COUNT_MISSING).fetchone()
        touched = connection.execute(FIND_TOUCHED).fetchall()
    changed, handed_over, returned = raise_versions(connection, touched)
    connection.execute("DETACH old")
    return Kept(users, keys, added, erased, changed, handed_over, returned, missing)


def raise_versions(connection: sqlite3.Connection, touched: list[tuple[Any, ...]] | None = None) -> list[int]:
    """Raise the versions of the clients that FIND_TOUCHED has found; None: of all. Returns the COUNTS."""
    now = {"now": timestamps.now()}
    connection.execute("BEGIN")
    connection.execute(TOUCHED)
    if touched is None:
        connection.execute(TOUCH_ALL)
    else:
        connection.executemany(ADD_TOUCHED, touched)
    counts = connection.execute(COUNTS).fetchone()
    for statement in (*RAISE, "DROP TABLE touched"):
        connection.execute(statement, now)
    connection.execute("COMMIT")
    return list(counts)


def _copy(connection: sqlite3.Connection, table: str) -> int:
    """Copy the rows of a table over those with the same key. Returns how many."""
    columns = ", ".join(name for (name,) in connection.execute(SHARED_COLUMNS, {"table": table}))
    copy = f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}"
    return connection.execute(copy).rowcount
