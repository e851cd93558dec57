"""The writer: which writes share a commit, what a failure undoes, which callers it reaches; checkpoints."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from support.sockets import wait_for
from support.threads import SOON, Call, Held
from support.writer import add, together

from acare.database import wal
from acare.errors import StoreUnavailable


def add_and_raise(n, error):
    def work(connection):
        add(n)(connection)
        raise error

    return work


def break_the_commit(connection):
    """Insert a row with a wrong reference, which SQLite checks only at COMMIT."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    connection.execute("INSERT INTO facts (n, of) VALUES (99, 1234)")


def fill_the_disk(connection):
    """SQLite gives up the whole transaction when the disk is full, not the statement alone."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    try:
        connection.execute("INSERT INTO facts (n, text) VALUES (99, hex(zeroblob(99999)))")
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


def test_writes_that_wait_share_one_commit_in_order(bench):
    order = []
    works = [lambda c, n=n: (order.append(n), add(n)(c))[1] for n in range(20)]
    assert together(bench.writer, *works) == list(range(20))
    assert (bench.commits(), order, bench.facts()) == (2, list(range(20)), list(range(20)))


ALONE = {
    "an exception": ValueError(),
    "Ctrl-C": KeyboardInterrupt(),
}


@pytest.mark.parametrize("error", ALONE.values(), ids=ALONE)
def test_only_the_write_that_fails_is_undone(bench, error):
    assert together(bench.writer, add(1), add_and_raise(2, error), add(3)) == [1, error, 3]
    assert bench.facts() == [1, 3]


@pytest.mark.parametrize("error", [ValueError(), sqlite3.OperationalError("a function failed")])
def test_only_the_write_whose_completion_fails_is_undone(bench, error):
    def complete(connection):
        if connection.execute("SELECT 1 FROM facts WHERE n = 5").fetchall():
            raise error

    bench.writer.before_commit = complete
    assert together(bench.writer, *map(add, range(1, 9))) == [1, 2, 3, 4, error, 6, 7, 8]
    assert bench.facts() == [1, 2, 3, 4, 6, 7, 8]


TOGETHER = {
    "a commit that fails": (break_the_commit, "FOREIGN KEY constraint failed"),
    "a full disk": (fill_the_disk, "The disk is full."),
}


@pytest.mark.parametrize(("failure", "told"), TOGETHER.values(), ids=TOGETHER)
def test_a_failed_transaction_fails_all_its_writes(bench, failure, told):
    outcomes = together(bench.writer, add(1), failure, add(4))
    assert [str(outcome) for outcome in outcomes] == [told] * 3
    with closing(sqlite3.connect(bench.path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")  # the lock is released
    bench.run(add(5))
    assert bench.facts() == [5]


def test_writing_continues_after_a_failed_rollback(fail, bench):
    fail("COMMIT", "ROLLBACK", code=sqlite3.SQLITE_IOERR_WRITE)
    with Held(bench.writer) as held:
        calls = [held.call, *(held.queue(add(n)) for n in range(3))]
    assert [type(call.outcome()) for call in calls] == [StoreUnavailable] * 4
    fail()
    bench.run(add(9))
    assert bench.facts() == [9]


FORK = """
import os, sys
from pathlib import Path
from acare.errors import StoreUnavailable
from acare.database.database import Database

database = Database(Path(sys.argv[1]))
if sys.argv[2] == "after":
    database.write(lambda connection: None)
child = os.fork()
if not child:
    for call in (lambda: database.write(lambda connection: None), lambda: database.read().__enter__()):
        try:
            call()
        except StoreUnavailable as error:
            print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""  # it does not close the database, and still ends


@pytest.mark.parametrize("moment", ["before", "after"])
def test_no_read_and_no_write_follows_a_fork(tmp_path, moment):
    """SQLite's locks do not pass to a child: another process may take the log for unused and delete it."""
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "acare.db"), moment]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SOON)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("forked") == 2


def test_closing_finishes_queued_writes_and_refuses_others(bench):
    with Held(bench.writer) as held:
        calls = [held.queue(add(n)) for n in range(5)]
        ends = [Call(bench.writer.close) for _ in range(2)]
        wait_for(lambda: bench.writer.closed)
        with pytest.raises(StoreUnavailable):
            bench.writer.submit(add(6))  # its result would never come
    assert [end.outcome() for end in ends] == [None, None]
    assert [call.outcome() for call in calls] == list(range(5))
    assert bench.facts() == list(range(5))


# --- the log is emptied


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"], ids=["read", "write"])
def test_a_log_in_use_by_another_process_is_not_emptied(bench, begin):
    bench.writing.execute("PRAGMA busy_timeout = 50").fetchone()
    bench.run(add(1))
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as other:
        other.execute(begin)
        other.execute("SELECT n FROM facts").fetchall()
        if begin == "BEGIN":
            bench.run(add(2))
        before, size = bench.path.read_bytes(), bench.log_size()
        assert bench.empty_wal() is False
        assert bench.log_size() == size
        # If SQLite cannot have the lock, its own TRUNCATE checkpoints without it, and could meet a commit.
        assert begin == "BEGIN" or bench.path.read_bytes() == before


# --- checkpoints


def test_no_process_can_commit_during_a_checkpoint(bench, other, monkeypatch):
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)
    found = []

    def try_to_write(statement):
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            found.append(str(error))
        else:
            other.execute("ROLLBACK")
            found.append("could write")

    bench.checkpointer.set_trace_callback(try_to_write)
    bench.run(add(1))
    assert found == ["database is locked"]


def test_few_large_rows_are_checkpointed_too(bench):
    """Otherwise 4,000 clients with long notes make a log of 700 MiB."""
    sizes = []
    for n in range(300):
        bench.run(
            lambda c, n=n: c.execute("INSERT INTO facts VALUES (?, zeroblob(300000), NULL)", (n,)).rowcount
        )
        sizes.append(bench.log_size())
    assert wal.CHECKPOINT_SIZE < max(sizes) < wal.CHECKPOINT_SIZE + 17 * 320_000
