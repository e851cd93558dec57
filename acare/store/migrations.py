"""Bringing a file of an older schema to this one."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file
from acare.store.backup import copy_verified

#: For each older version of the schema, the SQL that makes the next one of it.
MIGRATIONS: dict[int, str] = {}


def migrate(path: Path, steps: Mapping[int, str] = MIGRATIONS) -> None:
    """Upgrade the file in one transaction, after a verified backup beside it; nothing if it is current.

    DatabaseRefused, and the file as it was, if that fails.
    """
    file.check(path)
    try:
        with closing(sqlite3.connect(_uri(path), uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")  # the writer does that
            (version,) = connection.execute("PRAGMA user_version").fetchone()  # the log has the last word
            if version != file.SCHEMA_VERSION:
                _upgrade(connection, path, version, steps)
    except OSError as error:
        raise DatabaseRefused(f"{path}: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: its schema was not upgraded, and left as it is: {error}") from None


def _upgrade(connection: sqlite3.Connection, path: Path, version: int, steps: Mapping[int, str]) -> None:
    missing = [older for older in range(version, file.SCHEMA_VERSION) if older not in steps]
    if missing:
        raise DatabaseRefused(f"{path}: its schema {version} is too old for this acare to upgrade")
    copy_verified(path, path.with_name(f"{path.name}.schema-{version}.db"), schema=version)
    script = "\n".join(steps[older] for older in range(version, file.SCHEMA_VERSION))
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Somebody else may have done it since; whoever holds the lock looks again.
        if connection.execute("PRAGMA user_version").fetchone() == (version,):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {file.SCHEMA_VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=rw"


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one, since ``executescript`` would commit first."""
    statement = ""
    for part in re.split("(?<=;)", script):
        statement += part
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement
