"""The schema of a file is compared with schema.sql when it is opened, and a different one is refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.client import Api
from support.data import JORDAN

import acare
from acare.errors import DatabaseRefused
from acare.store import file, schema
from acare.store.backup import back_up, verify
from acare.store.database import Database


@pytest.fixture
def path(tmp_path: Path, new_database: bytes) -> Path:
    path = tmp_path / "acare.db"
    path.write_bytes(new_database)
    return path


def edit(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(script)


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


TOTALS = "CREATE TABLE client_totals (user_id TEXT, client_type TEXT, status TEXT, total INTEGER"
DIFFERENT = {
    "DROP TABLE idempotency_keys": "the table idempotency_keys is missing",
    "DROP INDEX clients_by_user": "the index clients_by_user is missing",
    "DROP TRIGGER clients_count_insert": "the trigger clients_count_insert is missing",
    "DROP INDEX clients_by_user; CREATE INDEX clients_by_user ON clients (status)": (
        "the index clients_by_user is different"
    ),
    "DROP TRIGGER clients_history_update;"
    "CREATE TRIGGER clients_history_update AFTER UPDATE OF version ON clients BEGIN SELECT 1; END": (
        "the trigger clients_history_update is different"
    ),
    "ALTER TABLE api_keys DROP COLUMN name": "the table api_keys lacks the column name",
    "ALTER TABLE users RENAME COLUMN email TO mail": "the table users lacks the column email",
    "ALTER TABLE users ADD COLUMN phone TEXT": "the table users has the unknown column phone",
    "DROP TABLE client_totals; CREATE VIEW client_totals AS SELECT 1": "the table client_totals is missing",
    f"DROP TABLE client_totals; {TOTALS})": (
        "the columns or constraints of the table client_totals are different"
    ),
    "DROP TABLE clients": "the table clients is missing",
}


@pytest.mark.parametrize(("script", "difference"), DIFFERENT.items(), ids=DIFFERENT.values())
def test_another_schema_is_refused_and_named(path: Path, script: str, difference: str) -> None:
    edit(path, script)
    with pytest.raises(DatabaseRefused) as refused:
        Database(path).close()
    assert str(refused.value) == (
        f"{path}: not a database of schema {schema.SCHEMA_VERSION}: {difference}; it was not changed"
    )


@pytest.mark.parametrize("script", DIFFERENT, ids=DIFFERENT.values())
def test_a_file_with_another_schema_is_not_changed(path: Path, script: str) -> None:
    edit(path, script)
    before = contents(path.parent)
    with pytest.raises(DatabaseRefused):
        Database(path).close()
    assert contents(path.parent) == before


def test_a_trigger_changed_in_a_literal_is_different(path: Path) -> None:
    """A literal keeps its case and its white space."""
    with closing(sqlite3.connect(path)) as connection:
        (sql,) = connection.execute(
            "SELECT sql FROM sqlite_schema WHERE name = 'clients_history_delete'"
        ).fetchone()
    edit(path, f"DROP TRIGGER clients_history_delete; {sql.replace('%fZ', '%fz')}")
    with pytest.raises(DatabaseRefused, match="clients_history_delete is different"):
        Database(path).close()


def test_a_difference_in_the_log_alone_is_refused(path: Path) -> None:
    """As after a crash: the file itself still has the right schema. File and log stay as they are."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DROP TRIGGER clients_count_insert")
        left = {name: path.with_name(name).read_bytes() for name in ("acare.db", "acare.db-wal")}
    for name, content in left.items():
        path.with_name(name).write_bytes(content)
    with pytest.raises(DatabaseRefused, match="the trigger clients_count_insert is missing"):
        Database(path).close()
    assert contents(path.parent).items() >= left.items()


def test_a_schema_in_the_log_alone_is_accepted(path: Path) -> None:
    """As after a crash of the migration: the file itself has another schema, the log the right one."""
    sql = "CREATE INDEX clients_by_user ON clients (user_id)"
    edit(path, "DROP INDEX clients_by_user")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(sql)
        left = {name: path.with_name(name).read_bytes() for name in ("acare.db", "acare.db-wal")}
    for name, content in left.items():
        path.with_name(name).write_bytes(content)
    Database(path).close()


def test_a_file_whose_writes_would_all_fail_is_refused(path: Path) -> None:
    with acare.create_app(database=path, rate_limit="off") as app:
        key = app.keys.create("ana@example.com", {"all": ["read", "write"]}).key
    edit(path, "DROP TABLE client_history")

    def write() -> None:
        with acare.create_app(database=path, rate_limit="off") as app:
            caller = Api(app, key)
            caller.put(caller.create()["id"], {**JORDAN, "notes": "x"})

    with pytest.raises(DatabaseRefused):
        write()


def test_a_backup_with_another_schema_does_not_verify(path: Path, tmp_path: Path) -> None:
    backup = back_up(path, tmp_path / "backups")
    edit(backup, "DROP INDEX clients_by_user")
    with pytest.raises(DatabaseRefused, match="the index clients_by_user is missing"):
        verify(backup, checksum=False)


def test_a_file_with_another_schema_is_not_backed_up(path: Path, tmp_path: Path) -> None:
    edit(path, "DROP INDEX clients_by_user")
    with pytest.raises(DatabaseRefused, match="the index clients_by_user is missing"):
        back_up(path, tmp_path / "backups")


# --- what is no difference

SAME = {
    "Litestream": """
        CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
        CREATE TABLE _litestream_lock (id INTEGER);
        INSERT INTO _litestream_seq VALUES (1, 1)""",
    "ANALYZE": "ANALYZE",
    "an index of the operator": "CREATE INDEX mine ON clients (email)",
    "a view of the operator": "CREATE VIEW clients_by_mail AS SELECT email FROM clients",
    "names in quotes": """
        ALTER TABLE users RENAME TO people;
        ALTER TABLE people RENAME TO users;
        ALTER TABLE users RENAME COLUMN role TO part;
        ALTER TABLE users RENAME COLUMN part TO "role"
        """,
    "VACUUM": "VACUUM",
    "white space, case and comments": """
        DROP INDEX clients_by_user;
        create index  [clients_by_USER] /* of an
        agent */ on `clients`(   "user_id" -- and seq
        )""",
}


@pytest.mark.parametrize("script", SAME.values(), ids=SAME)
def test_what_is_no_difference_is_accepted(path: Path, script: str) -> None:
    edit(path, script)
    Database(path).close()
    assert verify(path, checksum=False) == 0


def test_litestream_s_tables_are_left_alone(path: Path) -> None:
    edit(path, SAME["Litestream"])
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT seq FROM _litestream_seq").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("sql", "tokens"),
    [
        ("CREATE TABLE t(a)", ["create", "table", "t", "(", "a", ")"]),
        ('a "b" [c] `d` "e""f"', ["a", "b", "c", "d", 'e""f']),
        ("'It''s -- \"A\"' -- not\n'B'", ["'It''s -- \"A\"'", "'B'"]),
        ("/* 'a' */ 1.5 >= X'00' /* open", ["1", ".", "5", ">", "=", "x", "'00'"]),
    ],
)
def test_the_tokens_of_a_statement(sql: str, tokens: list[str]) -> None:
    assert schema.tokens(sql) == tokens


def test_a_new_file_and_schema_sql_agree(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert schema.difference(connection) is None


def test_a_schema_that_cannot_be_parsed_is_refused_unchanged(path: Path) -> None:
    edit(
        path,
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE users (' WHERE name = 'users'",
    )
    before = contents(path.parent)
    with pytest.raises(DatabaseRefused, match="damaged; it was not changed"):
        file.check(path)
    assert contents(path.parent) == before
