"""Migrating a file of an older schema to the current one."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from acare.errors import DatabaseRefused
from acare.store import schema
from acare.store.backup import copy_verified
from acare.store.connection import open_file
from acare.store.owner import explain_access

log = logging.getLogger("acare.store")

SCHEMA_1_TO_2 = """
-- The table of idempotency keys gets standard names.
ALTER TABLE retries RENAME TO idempotency_keys;
ALTER TABLE idempotency_keys RENAME COLUMN retry_key TO key;
ALTER TABLE idempotency_keys RENAME COLUMN asked_for TO request_sha256;

DROP INDEX retries_by_client;
DROP INDEX retries_by_created;
CREATE INDEX idempotency_keys_by_client  ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);

-- The triggers that write the history get standard names.
DROP TRIGGER clients_keep_updated;
DROP TRIGGER clients_keep_deleted;

CREATE TRIGGER clients_history_update AFTER UPDATE OF version ON clients
BEGIN
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by, NEW.updated_at, 0);
END;

CREATE TRIGGER clients_history_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by,
            max(OLD.updated_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), 1);
END;

-- Erasures are recorded.
CREATE TABLE erasures (
    client_id TEXT PRIMARY KEY CHECK (length(client_id) = 36),
    erased_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;

-- Imports can be interrupted.
CREATE TABLE imports (
    key           BLOB PRIMARY KEY CHECK (length(key) = 32),
    rows_sha256   BLOB NOT NULL CHECK (length(rows_sha256) = 32),
    newest_before INTEGER NOT NULL,
    done          INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    skipped       INTEGER NOT NULL,
    started_at    TEXT NOT NULL
) STRICT;

-- Users can be disabled.
ALTER TABLE users ADD COLUMN disabled_at TEXT;
CREATE INDEX api_keys_by_user ON api_keys (user_id);

-- Search.
CREATE INDEX clients_by_email ON clients (email COLLATE NOCASE);

CREATE VIEW client_words (seq, first_name, last_name, email, phone, phone_digits) AS
SELECT seq, first_name, last_name, email, phone,
       digits || iif(length(digits) > 10, ' ' || substr(digits, -10), '')
              || iif(length(digits) > 7, ' ' || substr(digits, -7), '')
FROM (
    SELECT seq, first_name, last_name, email, phone,
           replace(replace(replace(replace(replace(replace(replace(replace(replace(phone,
               ' ', ''), '-', ''), '(', ''), ')', ''), '.', ''), '/', ''), '+', ''),
               char(0xA0), ''), char(0x2013), '') AS digits -- no-break space, en dash
    FROM clients
);

CREATE VIRTUAL TABLE clients_search USING fts5 (
    first_name, last_name, email, phone, phone_digits,
    content = 'client_words',
    content_rowid = 'seq',
    columnsize = 0,
    prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER clients_search_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO clients_search (rowid, first_name, last_name, email, phone, phone_digits)
    SELECT * FROM client_words WHERE seq = NEW.seq;
END;

CREATE TRIGGER clients_search_delete BEFORE DELETE ON clients
BEGIN
    INSERT INTO clients_search (clients_search, rowid, first_name, last_name, email, phone, phone_digits)
    SELECT 'delete', * FROM client_words WHERE seq = OLD.seq;
END;

CREATE TRIGGER clients_search_update_old BEFORE UPDATE OF first_name, last_name, email, phone ON clients
WHEN (OLD.first_name, OLD.last_name, OLD.email, OLD.phone)
    IS NOT (NEW.first_name, NEW.last_name, NEW.email, NEW.phone)
BEGIN
    INSERT INTO clients_search (clients_search, rowid, first_name, last_name, email, phone, phone_digits)
    SELECT 'delete', * FROM client_words WHERE seq = OLD.seq;
END;

CREATE TRIGGER clients_search_update_new AFTER UPDATE OF first_name, last_name, email, phone ON clients
WHEN (OLD.first_name, OLD.last_name, OLD.email, OLD.phone)
    IS NOT (NEW.first_name, NEW.last_name, NEW.email, NEW.phone)
BEGIN
    INSERT INTO clients_search (rowid, first_name, last_name, email, phone, phone_digits)
    SELECT * FROM client_words WHERE seq = NEW.seq;
END;

INSERT INTO clients_search (clients_search) VALUES ('rebuild');
"""

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
            for statement in _statements("\n".join(migrations[older] for older in versions)):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION}")
        difference = schema.difference(connection)
        if difference is not None:
            raise _failed(path, f"in the migrated file, {difference}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


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
