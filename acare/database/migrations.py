"""Migrating a file of an older schema to the current one, with the SQL files in ``migrations/``."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from acare.database import file, schema
from acare.database.connection import open_file
from acare.database.copying import copy_verified
from acare.errors import DatabaseRefused

log = logging.getLogger("acare.database")

#: For each older schema, the file ``N_to_M.sql`` that migrates it to the next one.
FOLDER = Path(__file__).with_name("migrations")

# The tables that migrations recreate.
COLUMNS = """
SELECT 'clients', name
FROM pragma_table_xinfo('clients')
UNION ALL
SELECT 'client_history', name
FROM pragma_table_xinfo('client_history')
"""


def migrate(path: Path, folder: Path = FOLDER) -> None:
    """Migrate a file that ``file.check`` has accepted to the current schema, if its schema is older.

    Makes a verified backup next to the file first, then migrates in one transaction. DatabaseRefused if that
    fails; the file is then unchanged.
    """
    with file.refusing(path, "it was not migrated: "), closing(open_file(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < schema.SCHEMA_VERSION:
            backup = path.with_name(f"{path.name}.schema-{version}.db")
            log.info("migrating %s to schema %d, after a backup", path, schema.SCHEMA_VERSION)
            copy_verified(path, backup, version)
            migrate_connection(connection, path, folder)
            log.info("migrated %s to schema %d; the backup is %s", path, schema.SCHEMA_VERSION, backup)


def migrate_connection(connection: sqlite3.Connection, path: Path, folder: Path = FOLDER) -> None:
    """Migrate an open file to the current schema, without a backup. DatabaseRefused if that fails."""
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    connection.execute("PRAGMA cache_size = -65536").fetchall()  # 64 MiB, which is faster for large files
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Another process may have migrated the file while this one waited for the lock.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version < schema.SCHEMA_VERSION:
            _run(connection, path, _script(version, folder))
            connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
        difference = schema.difference(connection)
        if difference is not None:
            raise _failed(path, f"in the migrated file, {difference}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise _failed(path, error) from None
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _script(version: int, folder: Path) -> str:
    """The statements from this version to the current one."""
    steps = (folder / f"{older}_to_{older + 1}.sql" for older in range(version, schema.SCHEMA_VERSION))
    return "\n".join(step.read_text(encoding="utf-8") for step in steps)


def _run(connection: sqlite3.Connection, path: Path, script: str) -> None:
    """Run a script. An unknown column of a table that it recreates is an error: it would be lost."""
    columns = connection.execute(COLUMNS).fetchall()
    for statement in _statements(script):
        connection.execute(statement)
    for table, column in set(columns).difference(connection.execute(COLUMNS).fetchall()):
        if not re.search(rf"\b{re.escape(column)}\b", script):
            raise _failed(path, f"the table {table} has the unknown column {column}")


def _failed(path: Path, reason: object) -> DatabaseRefused:
    return DatabaseRefused(
        f"{path}: the migration to schema {schema.SCHEMA_VERSION} failed: {reason}; the file was not changed"
    )


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one; ``executescript`` would commit first."""
    statement = ""
    for part in re.split("(?<=;)", script):
        statement += part
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
