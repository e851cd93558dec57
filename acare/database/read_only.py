"""A database that is only read: its file, and the files next to it, stay as they are."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from acare.database import file
from acare.database.connection import as_domain_error, open_to_read
from acare.database.copying import copy_to_temporary
from acare.database.database import Database
from acare.database.migrations import migrate_connection
from acare.database.schema import SCHEMA_VERSION


class ReadOnlyDatabase(Database):
    """Opens ``path`` for a command that only reads. DatabaseRefused if it is not a database of acare.

    Of a file of an older schema, it reads a migrated copy, in a temporary file. For one thread. It has no
    writer: ``write`` and ``submit`` are not available.
    """

    def __init__(self, path: Path) -> None:
        version = file.check(path)
        self.path = path
        with file.refusing(path):
            self._connection = open_to_read(path)
            if version < SCHEMA_VERSION:
                with closing(self._connection) as old:
                    self._connection = copy_to_temporary(old)
                migrate_connection(self._connection, path)

    @contextmanager
    def read(self, max_seconds: float | None = None) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection
        except sqlite3.Error as error:
            raise as_domain_error(error) from error
        finally:
            self._connection.rollback()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction in a copy, in a temporary file. Other writers do not wait for it."""
        with self.read() as connection, closing(copy_to_temporary(connection)) as copy:
            copy.execute("BEGIN")
            yield copy

    def close(self) -> None:
        self._connection.close()
