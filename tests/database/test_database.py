"""A database: its readers, its settings, a file that is moved away, its checks, and its end."""

import functools
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, suppress

import pytest

from acare.database.database import Database
from acare.errors import DatabaseRefused, StoreUnavailable

INSERT_USER = "INSERT INTO users (id, email, role) VALUES (:id, :id, 'agent')"
COUNT_USERS = "SELECT count(*) FROM users"


def add_user(database, number=1):
    database.write(lambda connection: connection.execute(INSERT_USER, {"id": f"{number:036}"}).fetchall())


def count_users(database):
    with database.read() as connection:
        return connection.execute(COUNT_USERS).fetchone()[0]


def run_python(code, *arguments):
    line = [sys.executable, "-W", "always::ResourceWarning", "-c", code, *map(str, arguments)]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_reader_cannot_write(database):
    for _ in range(2):  # nor when it is borrowed again
        with pytest.raises(StoreUnavailable), database.read() as connection:
            connection.execute(INSERT_USER, {"id": "0" * 36})


def test_a_reader_sees_one_snapshot_until_it_is_returned(database):
    with database.read() as connection:
        connection.execute("BEGIN")
        before = connection.execute(COUNT_USERS).fetchone()
        add_user(database)
        assert connection.execute(COUNT_USERS).fetchone() == before
    with database.read() as again:
        assert (again is connection, again.in_transaction) == (True, False)
    assert count_users(database) == 1


def test_only_temporary_errors_become_domain_errors(database):
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT
    with pytest.raises(StoreUnavailable, match="Another process"), database.read():
        raise busy
    with pytest.raises(sqlite3.OperationalError, match="no such table"), database.read() as connection:
        connection.execute("SELECT * FROM missing")


SLOW = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 1000000)
SELECT count(*)
FROM numbers
"""  # some tenths of a second


def test_a_read_that_takes_too_long_is_interrupted(database):
    with pytest.raises(StoreUnavailable, match="too long"), database.read(0.02) as limited:
        limited.execute(SLOW).fetchall()
    with database.read() as connection:
        assert connection is limited
        assert connection.execute(SLOW).fetchone() == (1_000_000,)


def test_a_file_that_cannot_have_a_wal_is_refused(monkeypatch, path):
    class WithoutWal(sqlite3.Connection):
        """As on a file system without shared memory, where WAL is declined without an error."""

        def execute(self, statement, *values):
            return super().execute(re.sub(r"(?i)=\s*wal\b", "= DELETE", statement), *values)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=WithoutWal))
    with pytest.raises(DatabaseRefused):
        Database(path).close()


READ_OUTSIDE = """
import contextlib, sqlite3, sys
with contextlib.closing(sqlite3.connect(sys.argv[1])) as connection:
    print(*connection.execute("SELECT count(*) FROM users").fetchone())
"""


@pytest.mark.parametrize("twice", [False, True], ids=["alone", "with a second database"])
def test_the_log_is_kept_while_other_programs_read(database, path, twice):
    """POSIX gives up all locks of a process on a file when it closes any handle to it.

    (sqlite.org/howtocorrupt.html, 2.2) A second database may also be refused.
    """
    add_user(database, 1)
    if twice:
        with suppress(DatabaseRefused):
            Database(path).close()
    run_python(READ_OUTSIDE, path)
    add_user(database, 2)
    assert run_python(READ_OUTSIDE, path) == "2\n"


def test_closing_leaves_one_file(path):
    database = Database(path)
    add_user(database)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(database.read()).execute(COUNT_USERS)
    with database.read() as connection:
        database.close()
        connection.execute(COUNT_USERS).fetchall()
    with pytest.raises(StoreUnavailable):
        count_users(database)
    assert database.check_write() == "The database is closed."
    assert os.listdir(path.parent) == [path.name]
    with closing(Database(path)) as database:
        assert count_users(database) == 1
