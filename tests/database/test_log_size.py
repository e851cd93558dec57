"""The log is truncated even if another program, such as Litestream, restarts it."""

import sqlite3
from contextlib import closing

import pytest

import acare.database.connection as connections
from acare.database.log import WriteAheadLog

LIMIT = 100_000  # bytes


@pytest.fixture
def opened(tmp_path):
    """The writer's connection and a checkpointer to a database, and a connection of another program."""
    path = tmp_path / "some.db"
    path.touch()
    with (
        closing(connections.open_writer(path)) as writing,
        closing(connections.open_file(path)) as checkpointer,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        writing.execute(f"PRAGMA journal_size_limit = {LIMIT}")
        writing.execute("CREATE TABLE kept (content)")
        fill(writing)
        yield writing, checkpointer, other


def fill(connection):
    for _ in range(100):
        connection.execute("INSERT INTO kept VALUES (randomblob(4000))")


def start_over(other):
    assert other.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
    other.execute("PRAGMA user_version = 1")


def size(path):
    return (path / "some.db-wal").stat().st_size


def test_a_log_that_another_program_has_started_over_is_cut(opened, tmp_path):
    writing, checkpointer, other = opened
    start_over(other)
    assert size(tmp_path) > 4 * LIMIT
    WriteAheadLog(writing, checkpointer).committed(1000)
    assert size(tmp_path) == LIMIT


def test_pages_that_are_in_use_are_not_cut_off(opened, tmp_path):
    writing, checkpointer, other = opened
    with closing(sqlite3.connect(tmp_path / "some.db", isolation_level=None)) as reader:
        start_over(other)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM kept").fetchone()
        fill(writing)
        before = size(tmp_path)
        WriteAheadLog(writing, checkpointer).committed(1000)
        assert size(tmp_path) == before
        assert writing.execute("SELECT count(*) FROM kept").fetchone() == (200,)
    assert writing.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
