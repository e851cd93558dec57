"""The schema of a file is compared with schema.sql when it is opened, and a different one is refused."""

import sqlite3
from contextlib import closing

import pytest
from support.files import contents, edit, query

from acare.database import file, schema
from acare.database.database import Database
from acare.errors import DatabaseRefused
from acare.maintenance.backup import back_up, verify


@pytest.fixture
def path(tmp_path, new_database):
    path = tmp_path / "acare.db"
    path.write_bytes(new_database)
    return path


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
def test_another_schema_is_refused_unchanged_and_named(path, script, difference):
    edit(path, script)
    before = contents(path.parent)
    with pytest.raises(DatabaseRefused) as refused:
        Database(path).close()
    assert str(refused.value) == (
        f"{path}: not a database of schema {schema.SCHEMA_VERSION}: {difference}; it was not changed"
    )
    assert contents(path.parent) == before


def test_a_trigger_changed_in_a_literal_is_different(path):
    """A literal keeps its case and its white space."""
    ((sql,),) = query(path, "SELECT sql FROM sqlite_schema WHERE name = 'clients_history_delete'")
    edit(path, f"DROP TRIGGER clients_history_delete; {sql.replace('%fZ', '%fz')}")
    with pytest.raises(DatabaseRefused, match="clients_history_delete is different"):
        Database(path).close()


def leave_in_the_log(path, statement):
    """What a crash after the statement leaves: the file is as before, and the statement is in its log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
        left = {name: path.with_name(name).read_bytes() for name in ("acare.db", "acare.db-wal")}
    for name, content in left.items():
        path.with_name(name).write_bytes(content)
    return left


def test_a_difference_in_the_log_alone_is_refused(path):
    left = leave_in_the_log(path, "DROP TRIGGER clients_count_insert")
    with pytest.raises(DatabaseRefused, match="the trigger clients_count_insert is missing"):
        Database(path).close()
    assert contents(path.parent).items() >= left.items()


def test_a_schema_in_the_log_alone_is_accepted(path):
    """As after a crash of the migration: the file itself has another schema, the log the right one."""
    edit(path, "DROP INDEX clients_by_user")
    leave_in_the_log(path, "CREATE INDEX clients_by_user ON clients (user_id)")
    Database(path).close()


def test_a_backup_with_another_schema_does_not_verify(path, tmp_path):
    backup = back_up(path, tmp_path / "backups")
    edit(backup, "DROP INDEX clients_by_user")
    with pytest.raises(DatabaseRefused, match="the index clients_by_user is missing"):
        verify(backup, checksum=False)


def test_a_file_with_another_schema_is_not_backed_up(path, tmp_path):
    edit(path, "DROP INDEX clients_by_user")
    with pytest.raises(DatabaseRefused, match="the index clients_by_user is missing"):
        back_up(path, tmp_path / "backups")


# --- accepted: objects of other programs, and other spellings

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
def test_objects_and_spellings_of_others_are_accepted(path, script):
    edit(path, script)
    objects = "SELECT name FROM sqlite_schema ORDER BY name"
    before = query(path, objects)
    Database(path).close()
    assert query(path, objects) == before
    assert verify(path, checksum=False) == 0


@pytest.mark.parametrize(
    ("sql", "tokens"),
    [
        ("CREATE TABLE t(a)", ["create", "table", "t", "(", "a", ")"]),
        ('a "b" [c] `d` "e""f"', ["a", "b", "c", "d", 'e""f']),
        ("'It''s -- \"A\"' -- not\n'B'", ["'It''s -- \"A\"'", "'B'"]),
        ("/* 'a' */ 1.5 >= X'00' /* open", ["1", ".", "5", ">", "=", "x", "'00'"]),
    ],
)
def test_the_tokens_of_a_statement(sql, tokens):
    assert schema.tokens(sql) == tokens


def test_a_schema_that_cannot_be_parsed_is_refused_unchanged(path):
    edit(
        path,
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE users (' WHERE name = 'users'",
    )
    before = contents(path.parent)
    with pytest.raises(DatabaseRefused, match="damaged; it was not changed"):
        file.check(path)
    assert contents(path.parent) == before
