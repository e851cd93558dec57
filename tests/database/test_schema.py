"""The schema of a file is compared with schema.sql when it is opened, and a different one is refused."""

import pytest
from support.files import contents, edit, leave_in_log, query

from acare.database import schema
from acare.database.database import Database
from acare.errors import DatabaseRefused
from acare.maintenance.verification import verify_file


@pytest.fixture
def file(tmp_path, new_database):
    file = tmp_path / "acare.db"
    file.write_bytes(new_database)
    return file


DIFFERENT = {
    "DROP TRIGGER clients_count_insert": "the trigger clients_count_insert is missing",
    "DROP TRIGGER clients_history_update;"
    "CREATE TRIGGER clients_history_update AFTER UPDATE OF version ON clients BEGIN SELECT 1; END": (
        "the trigger clients_history_update is different"
    ),
    "ALTER TABLE erasures DROP COLUMN erased_at": "the table erasures is different",
}

FOREIGN = {
    "CREATE TRIGGER undo AFTER UPDATE ON api_keys BEGIN "
    "UPDATE api_keys SET revoked_at = NULL WHERE id = OLD.id; END": "the trigger undo is not in schema.sql",
    "CREATE VIRTUAL TABLE words USING fts5 (word)": "the table words is not in schema.sql",
    "CREATE TABLE mine (id REFERENCES [Clients] (id))": "the table mine has a foreign key to clients",
    "CREATE UNIQUE INDEX mine ON clients (email)": "the index mine is not in schema.sql",
}


@pytest.mark.parametrize(("script", "difference"), (DIFFERENT | FOREIGN).items(), ids=DIFFERENT | FOREIGN)
def test_another_schema_is_refused_unchanged_and_named(file, script, difference):
    edit(file, script)
    before = contents(file.parent)
    with pytest.raises(DatabaseRefused) as refused:
        Database(file).close()
    assert str(refused.value) == (
        f"{file}: not a database of schema {schema.SCHEMA_VERSION}: {difference}; it was not changed"
    )
    assert contents(file.parent) == before


# --- where the schema is read


def test_a_schema_in_the_log_alone_is_accepted(file):
    """As after a crash of the migration: the file itself has another schema, the log the right one."""
    edit(file, "DROP INDEX clients_by_user")
    leave_in_log(file, "CREATE INDEX clients_by_user ON clients (user_id)")
    Database(file).close()


# --- accepted

SAME = {
    "Litestream": """
        CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
        CREATE TABLE _litestream_lock (id INTEGER);
        INSERT INTO _litestream_seq VALUES (1, 1)""",
    "a table of the operator": "CREATE TABLE more (a PRIMARY KEY); CREATE TABLE mine (a REFERENCES more (a))",
    "a plain index": 'CREATE INDEX mine ON clients (email COLLATE NOCASE DESC, "status")',
}


@pytest.mark.parametrize("script", SAME.values(), ids=SAME)
def test_other_tables_and_plain_indexes_are_accepted(file, script):
    edit(file, script)
    objects = "SELECT name FROM sqlite_schema ORDER BY name"
    before = query(file, objects)
    Database(file).close()
    assert query(file, objects) == before
    assert verify_file(file) == 0
