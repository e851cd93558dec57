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
from acare.store.users import as_dicts

#: The tables that are copied.
TABLES = ("users", "api_keys", "erasures")


class Kept(NamedTuple):
    """What a restored database has of the replaced one, and how its clients differ from it."""

    added: int  # users that only the backup has
    users: int
    keys: int
    erased: int  # clients
    missing: int  # clients that only the replaced database has: they were created after the backup
    changed: int  # clients that were changed after the backup: these changes are lost
    handed_over: int  # those of them that have their earlier owner again
    returned: int  # clients that only the backup has: they were deleted after it


def is_readable(old: sqlite3.Connection) -> bool:
    """Whether a database has users, and ``carry_over`` can read what it copies."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for table in TABLES:
            for _ in old.execute(f"SELECT * FROM {table}"):
                pass
        return identity.read(old).has_users
    return False


# Cursors of the feed: after the same revision, the backup has other changes than the replaced database.
END_CURSORS = "UPDATE change_cursors SET epoch = lower(hex(randomblob(8)))"

# Invitations may have been redeemed after the backup.
REVOKE_INVITATIONS = f"UPDATE api_keys SET revoked_at = {NOW} WHERE invitation AND revoked_at IS NULL"


def carry_over(connection: sqlite3.Connection, replaced: Path | None) -> Kept | None:
    """Copy users, keys and erasures from the replaced database, which is locked, and raise versions.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures. ``replaced`` is None, and the result, if it cannot be read.
    """
    connection.execute(END_CURSORS)
    if replaced is None:
        connection.execute(REVOKE_INVITATIONS)
        _attach_nothing(connection)
        _raise_versions(connection)
        return None
    connection.execute("ATTACH :uri AS old", {"uri": f"{replaced.as_uri()}?immutable=1"})  # ignores the lock
    return Kept(**_copy(connection), **_raise_versions(connection))


# For users that only the backup has. Addresses are unique: another user may have the address now.
DISABLE = f"""
UPDATE users
SET disabled_at = coalesce(disabled_at, {NOW}),
    email = iif(email IN (SELECT email FROM old.users), 'restored-' || id || '-' || email, email)
WHERE id NOT IN (SELECT id FROM old.users)
"""

# The replaced database can have an older or newer schema.
SHARED_COLUMNS = """
SELECT name FROM pragma_table_info(:table, 'main')
INTERSECT
SELECT name FROM pragma_table_info(:table, 'old')
"""

# A deleted client is only in the history.
COUNT_STORED = """
SELECT count(*)
FROM erasures
WHERE EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    OR EXISTS (SELECT 1 FROM client_history WHERE client_history.client_id = erasures.client_id)
"""


def _copy(connection: sqlite3.Connection) -> dict[str, int]:
    """Copy the TABLES, over rows with the same key, and the identity; erase. Returns counts of Kept."""
    connection.execute("PRAGMA foreign_keys = OFF")  # SQLite would search all clients for each replaced user
    connection.execute("BEGIN")
    added, copied = connection.execute(DISABLE).rowcount, {}
    connection.execute("DELETE FROM api_keys")
    for table in TABLES:
        columns = ", ".join(name for (name,) in connection.execute(SHARED_COLUMNS, {"table": table}))
        copy = f"INSERT OR REPLACE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table}"
        copied[table] = connection.execute(copy).rowcount
    (erased,) = connection.execute(COUNT_STORED).fetchone()
    if connection.execute(SHARED_COLUMNS, {"table": "identity"}).fetchall():
        connection.execute(identity.KEEP)
    connection.execute("COMMIT")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    deleted.erase_recorded(connection)
    connection.execute("COMMIT")
    return {"added": added, "users": copied["users"], "keys": copied["api_keys"], "erased": erased}


# In place of a database that cannot be read: it knows no client.
NOTHING = (
    "ATTACH ':memory:' AS old",
    "CREATE TABLE old.clients (id, user_id, version, updated_at)",
    "CREATE TABLE old.client_history (client_id, version)",
)


def _attach_nothing(connection: sqlite3.Connection) -> None:
    for statement in NOTHING:
        connection.execute(statement)


COUNT_MISSING = "SELECT count(*) FROM old.clients WHERE id NOT IN (SELECT id FROM main.clients)"

# The clients that are not as in the replaced database, each with a version greater than any it had there. It
# does not know a client that was erased or purged there, at an unknown version. A row without `seq` is of a
# deleted client, which gets the version when it is restored.
FIND_TOUCHED = """
CREATE TEMP TABLE touched AS
WITH ours AS (
    SELECT seq, id, version, user_id, updated_at
    FROM main.clients
    UNION ALL
    SELECT NULL, client_id, version, NULL, NULL
    FROM main.deleted_clients
),
compared AS (
    SELECT
        ours.*, theirs.user_id <> ours.user_id AS is_handed_over, theirs.id IS NULL AS is_back,
        coalesce(
            theirs.version,
            (SELECT max(version) FROM old.client_history WHERE client_id = ours.id)
        ) AS known
    FROM ours
    LEFT JOIN old.clients AS theirs ON theirs.id = ours.id
    WHERE (theirs.version, theirs.updated_at) IS NOT (ours.version, ours.updated_at)
)
SELECT *, coalesce(max(version, known) + 1, version + 1000) AS raised
FROM compared
"""

_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)


def _find_touched(connection: sqlite3.Connection) -> int:
    """Execute FIND_TOUCHED. Returns COUNT_MISSING. A damaged database counts as one that knows no client."""
    try:
        missing = connection.execute(COUNT_MISSING).fetchone()[0]
        connection.execute(FIND_TOUCHED)
        return int(missing)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
            raise
        connection.execute("DETACH old")
        _attach_nothing(connection)
        return _find_touched(connection)


COUNTS = """
SELECT
    count(*) FILTER (WHERE seq IS NOT NULL AND NOT is_back) AS changed,
    count(*) FILTER (WHERE is_handed_over) AS handed_over,
    count(*) FILTER (WHERE seq IS NOT NULL AND is_back) AS returned
FROM touched
"""

RAISE = (
    "INSERT INTO restores (restored_at) VALUES (:now)",
    """
UPDATE clients
SET version = raised, updated_at = max(created_at, :now), made_by = NULL, imported_at = NULL
FROM touched
WHERE clients.seq = touched.seq
""",
    # As the UPDATE of a client does: the history shows the version as restored by the operator.
    """
UPDATE client_history
SET version = raised - 1, made_by = NULL, imported_at = NULL,
    json = json_set(json, '$.version', raised - 1, '$.updated_at', :now)
FROM touched
WHERE touched.seq IS NULL AND raised > touched.version + 1
    AND client_id = touched.id AND client_history.version = touched.version
""",
    # A client that was unchanged since its import still counts as unchanged.
    """
UPDATE client_sources
SET version = raised
FROM touched
WHERE touched.seq IS NOT NULL AND client_id = touched.id AND client_sources.version = touched.version
""",
    "DROP TABLE touched",
)


def _raise_versions(connection: sqlite3.Connection) -> dict[str, int]:
    """Raise the versions of the clients that FIND_TOUCHED finds. Returns the other counts of Kept."""
    missing, now = _find_touched(connection), {"now": timestamps.now()}
    connection.execute("BEGIN")  # not before: SQLite ends a transaction that meets damage
    (counts,) = as_dicts(connection.execute(COUNTS))
    for statement in RAISE:
        connection.execute(statement, now)
    connection.execute("COMMIT")
    connection.execute("DETACH old")
    return {"missing": missing, **counts}
