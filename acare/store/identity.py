"""The identity of a database: its id, which its backups have too."""

import sqlite3
from typing import NamedTuple

HAS_USERS = "SELECT EXISTS (SELECT 1 FROM users)"

# Files of schema 4 have no such table.
EXISTS = "SELECT count(*) FROM sqlite_schema WHERE name = 'identity'"

READ = "SELECT max(id) FROM identity"

# A restored database keeps the identity of the replaced one, `old`.
KEEP = "UPDATE identity SET id = theirs.id FROM old.identity AS theirs"


class Identity(NamedTuple):
    """What tells whether two files are of one database."""

    id: str | None  # None: the schema is too old
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
        return Identity(None, bool(has_users))
    (database_id,) = connection.execute(READ).fetchone()
    return Identity(database_id, bool(has_users))
