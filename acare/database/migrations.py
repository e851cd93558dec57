"""Migrating a file of an older schema to the current one."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from acare.database import schema
from acare.database.connection import open_file
from acare.database.owner import explain_access
from acare.database.schema_1_to_2 import SCHEMA_1_TO_2
from acare.errors import DatabaseRefused
from acare.maintenance.backup import copy_verified

log = logging.getLogger("acare.database")


# The indexes and triggers of a table that a migration makes again, and those that the migration names.
OF_CLIENTS = """
SELECT name, sql
FROM sqlite_schema
WHERE tbl_name = 'clients' AND type IN ('index', 'trigger') AND sql IS NOT NULL
"""
NAMED = r"(?:INDEX|TRIGGER) +(\w+)"

#: For each older version of the schema, the SQL that migrates it to the next version.
MIGRATIONS: dict[int, str] = {1: SCHEMA_1_TO_2}


def migrate(path: Path, migrations: Mapping[int, str] = MIGRATIONS) -> None:
    """Migrate a file that ``file.check`` has accepted to the current schema, if its schema is older.

    Makes a verified backup next to the file first, then migrates in one transaction. DatabaseRefused if that
    fails; the file is then unchanged.
    """
    version = schema.SCHEMA_VERSION
    try:
        with closing(open_file(path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version < schema.SCHEMA_VERSION:
                _back_up_and_migrate(connection, path, version, migrations)
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}{explain_access(path)}") from None
    except sqlite3.Error as error:
        reason = f"{error}{explain_access(path)}"
        if version < schema.SCHEMA_VERSION:
            raise _failed(path, reason) from None
        raise DatabaseRefused(f"{path}: cannot be opened: {reason}; it was not changed") from None


def _back_up_and_migrate(
    connection: sqlite3.Connection, path: Path, version: int, migrations: Mapping[int, str]
) -> None:
    versions = range(version, schema.SCHEMA_VERSION)
    if any(older not in migrations for older in versions):
        raise DatabaseRefused(f"{path}: its schema {version} is too old for this version of acare")
    backup = path.with_name(f"{path.name}.schema-{version}.db")
    log.info("migrating %s from schema %d to %d, after a backup", path, version, schema.SCHEMA_VERSION)
    copy_verified(path, backup, version)
    connection.execute("PRAGMA secure_delete = ON").fetchall()
    connection.execute(
        "PRAGMA cache_size = -65536"
    ).fetchall()  # 64 MiB: a million clients take 110 s, not 155
    _migrate(connection, path, version, migrations)
    log.info(
        "migrated %s from schema %d to %d; the backup is %s", path, version, schema.SCHEMA_VERSION, backup
    )


def migrate_copy(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate a copy of a file to the current schema, without a backup. DatabaseRefused if that fails."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < schema.SCHEMA_VERSION:
        _migrate(connection, path, version, MIGRATIONS)


def _migrate(connection: sqlite3.Connection, path: Path, version: int, migrations: Mapping[int, str]) -> None:
    versions = range(version, schema.SCHEMA_VERSION)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Another process may have migrated the file while this one waited for the lock.
        if connection.execute("PRAGMA user_version").fetchone() == (version,):
            columns = schema.columns(connection, "clients")
            script = "\n".join(migrations[older] for older in versions)
            _run(connection, script)
            # A migration makes the table of clients again.
            for lost in set(columns).difference(schema.columns(connection, "clients")):
                raise _failed(path, f"the table clients has the unknown column {lost}")
            connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
        difference = schema.difference(connection)
        if difference is not None:
            raise _failed(path, f"in the migrated file, {difference}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Run a script. What an operator has added to the table of clients is added again if it is lost."""
    known: dict[str, str] = {}
    for statement in _statements(script):
        known.update(connection.execute(OF_CLIENTS).fetchall())  # ALTER TABLE changes them
        connection.execute(statement)
    names = dict(connection.execute(OF_CLIENTS).fetchall()).keys() | re.findall(NAMED, script)
    for lost in [sql for name, sql in known.items() if name not in names]:
        connection.execute(lost)


def _failed(path: Path, reason: str) -> DatabaseRefused:
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
