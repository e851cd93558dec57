"""The identity of a database: its id, which its backups have too, and the number of the newest backup."""

import sqlite3
from typing import NamedTuple

HAS_USERS = "SELECT EXISTS (SELECT 1 FROM users)"

# Files of schema 4 have no such table.
EXISTS = "SELECT count(*) FROM sqlite_schema WHERE name = 'identity'"

READ = "SELECT max(id), coalesce(max(backups), 0) FROM identity"

COUNT_BACKUP = "UPDATE identity SET backups = max(backups, :newest) + 1"

# A restored database keeps the identity of the replaced one, `old`. Its next backup is newer than all.
KEEP = """
UPDATE identity
SET id = theirs.id, backups = max(identity.backups, theirs.backups)
FROM old.identity AS theirs
"""


class Identity(NamedTuple):
    """What tells whether two files are of one database, and which of two backups is newer."""

    id: str | None  # None: the schema is too old
    backups: int
    has_users: bool

    def is_of(self, other: "Identity") -> bool:
        """Whether both are of one database. Without an id, this is assumed if both have users."""
        if self.id is None or other.id is None:
            return self.has_users and other.has_users
        return self.id == other.id


def read(connection: sqlite3.Connection) -> Identity:
    """The identity of a file of any schema."""
    (has_users,) = connection.execute(HAS_USERS).fetchone()
    if connection.execute(EXISTS).fetchone() == (0,):
        return Identity(None, 0, bool(has_users))
    database_id, backups = connection.execute(READ).fetchone()
    return Identity(database_id, backups, bool(has_users))


def count_backup(connection: sqlite3.Connection, newest: int) -> None:
    """Count another backup, which is newer than the backup with the number ``newest``."""
    connection.execute(COUNT_BACKUP, {"newest": newest})
