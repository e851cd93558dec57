"""Migrating a file of an older schema to the current one, with the SQL files in ``migrations/``."""

import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from acare.database import file, schema
from acare.database.connection import BUSY_SECONDS, Functions, add_functions, open_locked
from acare.database.copying import check_integrity, copy_verified
from acare.database.disk import beside

log = logging.getLogger("acare.database")

#: For each older schema, the file ``N_to_M.sql`` that migrates its tables and rows to the next one. Its
#: statements are separated by empty lines: they run one by one, since ``executescript`` would commit first.
#: Before the first file, triggers and views are dropped; after the last, missing objects of schema.sql are
#: created, so that no file repeats their SQL. Each file drops other objects that are gone or changed.
FOLDER = Path(__file__).with_name("migrations")


def migrate(path: Path, functions: Functions) -> None:
    """Migrate a file that ``file.check`` has accepted to the current schema, if its schema is older.

    Makes a verified backup next to the file, then migrates in one transaction. If that fails, or if another
    process has the file open (its statements are for the older schema), DatabaseRefused; the file is then
    unchanged.
    """
    give_up = time.monotonic() + BUSY_SECONDS  # another server may just be migrating it
    with file.refusing(path, "it was not migrated: "):
        while (connection := open_locked(path)) is None:
            if time.monotonic() >= give_up:
                raise file.in_use(path, f"not migrated to schema {schema.SCHEMA_VERSION}: ")
            time.sleep(0.02)
        with closing(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version >= schema.SCHEMA_VERSION:
                return  # another process has migrated it meanwhile
            backup = beside(path, f".schema-{version}.db")
            log.info("migrating %s to schema %d, after a backup", path, schema.SCHEMA_VERSION)
            copy_verified(path, backup, check_integrity, source=connection)
            migrate_connection(connection, path, functions)
            log.info("migrated %s to schema %d; the backup is %s", path, schema.SCHEMA_VERSION, backup)


def migrate_connection(connection: sqlite3.Connection, path: Path, functions: Functions) -> None:
    """Migrate an open file to the current schema, without a backup.

    ``functions`` fill the full-text index. DatabaseRefused if the migration fails; closing the connection
    undoes it.
    """
    add_functions(connection, functions)
    connection.execute("PRAGMA cache_size = -65536").fetchall()  # 64 MiB, which is faster for large files
    connection.execute("PRAGMA foreign_keys = OFF")  # dropping a table would delete what refers to its rows
    connection.execute("BEGIN EXCLUSIVE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    with file.refusing(path, f"its migration to schema {schema.SCHEMA_VERSION} failed and was undone: "):
        if version < schema.SCHEMA_VERSION:
            _change_schema(connection, version)
        if (difference := schema.difference(connection)) is not None:
            raise sqlite3.IntegrityError(f"in the migrated file, {difference}")
        connection.execute("COMMIT")


def _change_schema(connection: sqlite3.Connection, version: int) -> None:
    objects = [*schema.objects().values()]
    for kind, name, _ in objects:
        if kind in ("trigger", "view"):  # others stay, and are refused afterwards
            connection.execute(f"DROP {kind} IF EXISTS {name}")
    for older in range(version, schema.SCHEMA_VERSION):
        script = (FOLDER / f"{older}_to_{older + 1}.sql").read_text(encoding="utf-8")
        for statement in script.split("\n\n"):
            connection.execute(statement)
    existing = {name for _, name, _ in connection.execute(schema.OBJECTS)}
    for _, name, sql in objects:
        if name not in existing:
            connection.execute(sql)
            if sql.startswith("CREATE VIRTUAL TABLE"):  # a full-text index, filled from its content table
                connection.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
    connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
    check_integrity(connection)
