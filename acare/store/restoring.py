"""What a restored backup keeps of the database that it replaces: users, keys, erasures, identity, a floor.

A version or an ETag that a program has from before a restore must never match other content. Both databases
have the same history until the backup. No later version is above the floor, and all new ones are.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from acare.store import NOW, deleted, identity
from acare.store.users import as_dicts

#: How far the floor is above the backup's versions, and the old floor, even if the replaced database does not
#: show greater versions: it may be empty or damaged, or have purged them.
MARGIN = 1000

#: The tables that are copied.
TABLES = ("users", "api_keys", "erasures")


class Kept(NamedTuple):
    """What a restored database has of the replaced one, and how its clients differ from it."""

    added: int  # users that only the backup has
    users: int
    keys: int
    erased: int  # clients
    created: int | None = None  # clients since the backup: only the replaced database has them; None: unknown
    changed: int | None = None  # since the backup: these changes are lost
    deleted: int | None = None  # since the backup: they are back


HAS_USERS = "SELECT EXISTS (SELECT 1 FROM users)"


def is_readable(old: sqlite3.Connection) -> bool:
    """Whether a database has users, and ``carry_over`` can read what it copies."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        for table in TABLES:
            for _ in old.execute(f"SELECT * FROM {table}"):
                pass
        (has_users,) = old.execute(HAS_USERS).fetchone()
        return bool(has_users)
    return False


# Cursors of the feed: after the same revision, the backup has other changes than the replaced database.
END_CURSORS = "UPDATE change_cursors SET epoch = lower(hex(randomblob(8)))"

# Invitations may have been redeemed after the backup.
REVOKE_INVITATIONS = f"UPDATE api_keys SET revoked_at = {NOW} WHERE invitation AND revoked_at IS NULL"


def carry_over(connection: sqlite3.Connection, replaced: Path | None) -> Kept | None:
    """Copy users, keys and erasures from the replaced database, which is locked, and set the floor.

    Users that only the backup has become disabled, and its keys are deleted. Erases the clients of the
    erasures. ``replaced`` is None, and the result, if it cannot be read.
    """
    connection.execute(END_CURSORS)
    _raise_floor(connection, max(_greatest(connection, "main"), _floor(connection, "main")) + MARGIN)
    if replaced is None:
        connection.execute(REVOKE_INVITATIONS)
        return None
    connection.execute("ATTACH :uri AS old", {"uri": f"{replaced.as_uri()}?immutable=1"})  # ignores the lock
    kept = _copy(connection)
    try:
        _raise_floor(connection, _floor(connection, "old") + MARGIN)
        _raise_floor(connection, _greatest(connection, "old"))
        (counts,) = as_dicts(connection.execute(COUNT_CHANGES))
        return kept._replace(**counts)
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _UNREADABLE:
            raise
        return kept  # the clients of the replaced database are damaged
    finally:
        connection.execute("DETACH old")


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


def _copy(connection: sqlite3.Connection) -> Kept:
    """Copy the TABLES, over rows with the same key, and the identity; erase. Returns the first counts."""
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
    return Kept(added, copied["users"], copied["api_keys"], erased)


_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR)

GREATEST = """
SELECT max(
    (SELECT coalesce(max(version), 0) FROM {schema}.clients),
    (SELECT coalesce(max(version), 0) FROM {schema}.client_history)
)
"""


def _greatest(connection: sqlite3.Connection, schema: str) -> int:
    """The greatest version of any client that a database has stored."""
    (version,) = connection.execute(GREATEST.format(schema=schema)).fetchone()
    return int(version)


def _floor(connection: sqlite3.Connection, schema: str) -> int:
    if not connection.execute(f"PRAGMA {schema}.table_info(version_floor)").fetchall():
        return 0  # an older schema
    (version,) = connection.execute(f"SELECT max(version) FROM {schema}.version_floor").fetchone()
    return int(version)


def _raise_floor(connection: sqlite3.Connection, version: int) -> None:
    statement = "UPDATE main.version_floor SET version = max(version, :version)"
    connection.execute(statement, {"version": version})


# A client of both has the same version in both exactly if it was not changed.
COUNT_CHANGES = """
SELECT
    (SELECT count(*) FROM old.clients WHERE id NOT IN (SELECT id FROM main.clients)) AS created,
    (
        SELECT count(*)
        FROM main.clients AS ours
        JOIN old.clients AS theirs ON theirs.id = ours.id
        WHERE theirs.version <> ours.version
    ) AS changed,
    (SELECT count(*) FROM main.clients WHERE id NOT IN (SELECT id FROM old.clients)) AS deleted
"""
