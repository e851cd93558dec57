"""A writer on a small file, and writes for it."""

import os
import sqlite3
from contextlib import closing, suppress

from support.threads import Held

from acare.database.writer import Writer


def connect(path, busy_seconds=0.0):
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def writer_of(path):
    return Writer(path, {}, before_commit=lambda connection: None)


class Failing(sqlite3.Connection):
    """A connection of which some statements fail as they do when the disk has an error."""

    statements, code = (), None

    def execute(self, sql, *arguments):
        if sql.startswith(self.statements):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self.code
            raise error
        return super().execute(sql, *arguments)

    def rollback(self):
        if self.in_transaction:
            self.execute("ROLLBACK")


class Bench:
    """A writer on a file with one table, and in ``trace`` the statements of its connection."""

    def __init__(self, path):
        self.path = path
        self.writer = writer_of(path)
        self.writing = self.writer._connection
        self.trace = []
        self.writing.set_trace_callback(self.trace.append)
        self.checkpointer = self.writer.wal.checkpointer

    def run(self, work):
        """Run a write, and wait for the checkpoint after it, if any, which its caller does not do."""
        result = self.writer.submit(work).result()
        with self.writer.in_use:
            return result

    def empty_wal(self):
        with suppress(sqlite3.OperationalError), self.writer.in_use:
            return self.writer.wal.empty()
        return False

    def facts(self):
        """The committed rows, read by another connection."""
        with closing(connect(self.path)) as other:
            return [n for (n,) in other.execute("SELECT n FROM facts ORDER BY n")]

    def commits(self):
        return self.trace.count("COMMIT")

    def log_size(self):
        return os.path.getsize(f"{self.path}-wal")


def make_table(path):
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE facts (n INTEGER PRIMARY KEY, text TEXT, of INTEGER REFERENCES facts (n))"
        )


def add(n):
    """A write of one row whose result is ``n``."""
    return lambda c: c.execute("INSERT INTO facts (n) VALUES (?) RETURNING n", (n,)).fetchall()[0][0]


def together(writer, *works):
    """Run ``works`` as one batch, in this order; the outcome of each."""
    with Held(writer) as held:
        calls = [held.queue(work) for work in works]
    return [call.outcome() for call in calls]
