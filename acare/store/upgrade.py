"""Bringing a file of an older schema to this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import file
from acare.store.backup import copy_verified

#: For each older version of the schema, the SQL that makes the next one of it.
STEPS: Mapping[int, str] = {}


def upgrade(path: Path, steps: Mapping[int, str] = STEPS) -> None:
    """Upgrade the file in one transaction, after a verified backup beside it; nothing if it is current.

    DatabaseRefused, and the file as it was, if that fails.
    """
    version = file.check(path)
    if version == file.SCHEMA_VERSION:
        return
    missing = [older for older in range(version, file.SCHEMA_VERSION) if older not in steps]
    if missing:
        raise DatabaseRefused(f"{path}: its schema {version} is too old for this acare to upgrade")
    copy_verified(path, path.with_name(f"{path.name}.schema-{version}.db"))
    script = "\n".join(steps[older] for older in range(version, file.SCHEMA_VERSION))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # Nobody else can have upgraded it meanwhile: BEGIN EXCLUSIVE waits, and the version is read again.
        connection.execute("BEGIN EXCLUSIVE")
        if connection.execute("PRAGMA user_version").fetchone() == (version,):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {file.SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise DatabaseRefused(f"{path}: its schema was not upgraded, and left as it is: {error}") from None
    finally:
        connection.close()


def _statements(script: str) -> list[str]:
    """The statements of a script one by one, since ``executescript`` would commit first."""
    statements, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    return statements
