"""The identity of a database: its id, which its backups have too."""

import sqlite3

# Files of schema 4 have no such table.
EXISTS = "SELECT count(*) FROM sqlite_schema WHERE name = 'identity'"

READ = "SELECT max(id) FROM identity"

# A restored database keeps the identity of the replaced one, `old`.
KEEP = "UPDATE identity SET id = theirs.id FROM old.identity AS theirs"


def read(connection: sqlite3.Connection) -> str | None:
    """The id of the database in a file of any schema; None if its schema is too old."""
    if connection.execute(EXISTS).fetchone() == (0,):
        return None
    (database_id,) = connection.execute(READ).fetchone()
    return str(database_id)
