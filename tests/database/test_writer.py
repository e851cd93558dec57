"""The writer: which writes share a commit, what a failure undoes, which callers it reaches, and the stop."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from support.sockets import wait_for
from support.threads import SOON, Call, Held, in_threads
from support.writer import add, together

from acare.database.log import WriteAheadLog
from acare.database.writer import BATCH_WINDOW, LARGE_BATCH, MAX_QUEUED, Writer
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


# --- one commit for all that wait


def test_writes_that_wait_share_one_commit_in_order(bench):
    order = []
    works = [lambda c, n=n: (order.append(n), add(n)(c))[1] for n in range(20)]
    assert together(bench.writer, *works) == list(range(20))
    assert (bench.commits(), order, bench.facts()) == (2, list(range(20)), list(range(20)))


@pytest.mark.parametrize(("writes", "expected"), [(LARGE_BATCH - 1, []), (LARGE_BATCH, [BATCH_WINDOW])])
def test_the_writer_waits_after_a_large_commit(bench, monkeypatch, writes, expected):
    pauses = []
    monkeypatch.setattr("acare.database.writer.time", SimpleNamespace(sleep=pauses.append))
    together(bench.writer, *map(add, range(writes)))
    bench.writer.run(add(writes))
    assert pauses == expected


def test_a_write_is_committed_when_it_returns(bench):
    bench.writer.run(add(1))
    assert bench.facts() == [1]


# --- failures of one write


REFUSED = sqlite3.IntegrityError
ALONE = {
    "an exception": ValueError(),
    "Ctrl-C": KeyboardInterrupt(),
    "an exit": SystemExit(1),
    "no memory": MemoryError(),
}


@pytest.mark.parametrize("error", ALONE.values(), ids=ALONE)
def test_only_the_write_that_fails_is_undone(bench, error):
    assert together(bench.writer, add(1), add_and_raise(2, error), add(3)) == [1, error, 3]
    assert bench.facts() == [1, 3]


def test_a_row_that_sqlite_refuses_fails_its_own_write_alone(bench):
    one, again, three = together(bench.writer, add(1), add(1), add(3))
    assert (one, type(again), three) == (1, REFUSED, 3)


def test_each_caller_gets_the_exception_of_its_own_write(bench):
    errors = [ValueError(str(n)) for n in range(5)]
    assert together(bench.writer, *(add_and_raise(n, error) for n, error in enumerate(errors))) == errors


# --- failures of the whole transaction


TOGETHER = {
    "a commit that fails": (break_the_commit, "FOREIGN KEY constraint failed"),
    "a full disk": (fill_the_disk, "The disk is full."),
}


@pytest.mark.parametrize(("failure", "told"), TOGETHER.values(), ids=TOGETHER)
def test_a_failed_transaction_fails_all_its_writes(bench, failure, told):
    outcomes = together(bench.writer, add(1), add_and_raise(2, ValueError()), failure, add(4))
    assert [str(outcome) for outcome in outcomes] == [told] * 4
    with closing(sqlite3.connect(bench.path, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")  # the lock is released
    bench.writer.run(add(5))
    assert bench.facts() == [5]


def test_a_write_that_the_check_refuses_does_not_run(open_bench):
    def refuse():
        raise StoreUnavailable("gone")

    ran = []
    with pytest.raises(StoreUnavailable, match="gone"):
        open_bench(check=refuse).writer.run(ran.append)
    assert ran == []


class FailingDisk(sqlite3.Connection):
    """A connection that can neither commit nor roll back while its disk fails."""

    fails = True

    def execute(self, statement, *values):
        if self.fails and statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *values)

    def rollback(self):
        if self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        super().rollback()


def test_writing_continues_after_a_failed_rollback(bench):
    with closing(sqlite3.connect(bench.path, factory=FailingDisk, check_same_thread=False)) as failing:
        failing.isolation_level = None
        writer = Writer(failing, bench.checkpointer, check=lambda: None)
        with Held(writer) as held:
            calls = [held.call, *(held.queue(add(n)) for n in range(3))]
        assert [type(call.outcome()) for call in calls] == [sqlite3.OperationalError] * 4
        failing.fails = False
        assert (Call(writer.run, add(9)).outcome(), bench.facts()) == (9, [9])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=repr)
@pytest.mark.parametrize("step", ["_commit", "_begin"])
def test_an_interrupt_between_writes_fails_the_batch(bench, monkeypatch, step, error):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        with Held(bench.writer) as held:
            calls = [held.queue(add(n)) for n in range(3)]
            patch.setattr(bench.writer, step, fail)
        assert [call.outcome() for call in calls] == [error] * 3
    assert Call(bench.writer.run, add(3)).outcome() == 3


def test_an_error_after_the_commit_is_only_logged(bench, monkeypatch, caplog):
    def fail(log, writes):
        raise RuntimeError("no checkpoint")

    monkeypatch.setattr(WriteAheadLog, "committed", fail)
    assert [bench.writer.run(add(1)), bench.writer.run(add(2))] == [1, 2]
    assert "no checkpoint" in caplog.text


def test_an_interrupted_caller_does_not_stop_its_write(bench):
    """Python runs the handler of a signal in the main thread, which runs this test."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Held(bench.writer):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                bench.writer.run(add(1))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (bench.writer.run(add(2)), bench.facts()) == (2, [1, 2])


# --- another process writes


def test_a_write_waits_for_another_process(bench, other):
    other.execute("BEGIN IMMEDIATE")
    call = Call(bench.writer.run, add(1))
    time.sleep(0.05)
    other.execute("COMMIT")
    assert call.outcome() == 1


def test_a_process_that_writes_too_long_fails_the_batch(open_bench):
    bench = open_bench(busy_seconds=0.05, check=lambda: checks and checks.pop()())
    with closing(sqlite3.connect(bench.path, isolation_level=None, check_same_thread=False)) as other:
        checks = [lambda: other.execute("BEGIN IMMEDIATE"), lambda: None]  # the second batch meets it
        outcomes = together(bench.writer, add(1), add(2))
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    bench.writer.run(add(3))
    assert bench.facts() == [3]


# --- the thread


def test_all_writes_of_many_threads_are_answered(bench):
    def hammer(thread):
        written = 0
        for n in range(thread * 1000, thread * 1000 + 100):
            if n % 7 == 0:
                with pytest.raises(ValueError, match="on purpose"):
                    bench.writer.run(add_and_raise(n, ValueError("on purpose")))
            elif n % 5 == 0:
                written += bench.writer.run_later(add(n))
            else:
                written += bench.writer.run(add(n)) == n
        return written

    written = sum(in_threads(16, hammer))
    bench.writer.run(lambda _: None)  # after all that were queued
    assert written == len(bench.facts())


def test_one_daemon_thread_starts_with_the_first_write(bench):
    before = set(threading.enumerate())
    names = {bench.writer.run(lambda _: threading.current_thread().name) for _ in range(3)}
    (thread,) = set(threading.enumerate()) - before
    assert (names, thread.daemon) == ({"acare-writer"}, True)
    bench.writer.close()
    assert not thread.is_alive()


def test_a_thread_that_cannot_start_is_tried_again(bench, monkeypatch):
    def fail(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            bench.writer.run(add(1))
    assert bench.writer.run(add(2)) == 2


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
    try:
        database.write(lambda connection: None)
    except StoreUnavailable as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""  # it does not close the database, and still ends


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_write_after_a_fork_is_refused(tmp_path, moment):
    """SQLite's locks do not pass to a child: another process may take the log for unused and delete it."""
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "acare.db"), moment]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SOON)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "forked" in ended.stdout


# --- writes without a caller


def test_run_later_returns_before_the_write(bench):
    """It can be queued from a write, shares the commit of the others, and fails alone."""
    with Held(bench.writer) as held:
        assert Call(bench.writer.run_later, add(1)).outcome() is True
        bench.writer.run_later(add_and_raise(2, ValueError()))
        call = held.queue(lambda _: bench.writer.run_later(add(3)))
        assert bench.facts() == []
    assert call.outcome() is True
    bench.writer.close()
    assert (bench.commits(), bench.facts()) == (3, [1, 3])


def test_consecutive_failures_of_queued_writes_are_logged_once(bench, caplog):
    fail = [add_and_raise(n, ValueError("no room")) for n in range(4)]
    for work in (*fail[:3], add(9), fail[3]):
        bench.writer.run_later(work)
        bench.writer.run(lambda _: None)
    assert [record.getMessage() for record in caplog.records] == ["a queued write failed: no room"] * 2


def test_a_full_queue_drops_later_writes_only(bench):
    ran = []
    with Held(bench.writer) as held:
        queued = [bench.writer.run_later(ran.append) for _ in range(MAX_QUEUED + 10)]
        call = held.queue(add(1))
    assert queued == [True] * MAX_QUEUED + [False] * 10
    assert (call.outcome(), len(ran)) == (1, MAX_QUEUED)


# --- closing


def test_closing_finishes_queued_writes_and_refuses_others(bench):
    with Held(bench.writer) as held:
        calls = [held.queue(add(n)) for n in range(5)]
        bench.writer.run_later(add(5))
        ends = [Call(bench.writer.close) for _ in range(2)]
        wait_for(lambda: bench.writer._closed)
        assert isinstance(Call(bench.writer.run, add(6)).outcome(), StoreUnavailable)
    assert [end.outcome() for end in ends] == [None, None]
    assert [call.outcome() for call in calls] == list(range(5))
    assert isinstance(Call(bench.writer.run, add(7)).outcome(), StoreUnavailable)
    assert Call(bench.writer.run_later, add(8)).outcome() is False
    assert bench.facts() == list(range(6))


# --- the file is written anew, and the log emptied


def test_rewriting_waits_for_the_write_that_runs(bench):
    with Held(bench.writer):
        rewriting = Call(bench.writer.rewrite)
        time.sleep(0.05)
        assert rewriting.is_alive()
    assert rewriting.outcome() is True


def test_rewriting_gets_its_turn_among_writes(bench):
    stop = threading.Event()

    def write():
        while not stop.is_set():
            bench.writer.run(lambda _: None)

    writers = [Call(write) for _ in range(4)]
    done = [Call(bench.writer.rewrite).outcome() for _ in range(10)]
    stop.set()
    assert [*done, *(writer.outcome() for writer in writers)] == [True] * 10 + [None] * 4


def test_an_emptied_log_has_one_page_and_is_written_again(bench):
    for n in range(50):
        bench.writer.run(add(n))
    one_page = 32 + 24 + 4096  # the header of the log, that of a page, and the page with the schema
    assert (bench.writer.rewrite(), bench.log_size()) == (True, one_page)
    assert bench.writer._log.empty() is True  # though it is empty already
    bench.writer.run(add(50))
    assert bench.facts() == list(range(51))


@pytest.mark.parametrize("limit", [1_000_000, 6000])
def test_a_log_that_another_process_restarted_is_emptied(bench, monkeypatch, limit):
    """The other process cuts it too, to a limit that may be less than all of it."""
    bench.writing.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
    bench.writer.run(lambda c: c.execute("INSERT INTO facts (n, text) VALUES (0, 'secret')").rowcount)
    bench.writer.run(lambda c: c.execute("DELETE FROM facts").rowcount)
    copy, others = WriteAheadLog._copy, [3, 2, 1]

    def copy_and_be_late(log):
        copy(log)
        if others:
            with closing(sqlite3.connect(bench.path, isolation_level=None)) as other:
                other.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
                other.execute("INSERT INTO facts (n) VALUES (?)", (others.pop(),))

    monkeypatch.setattr(WriteAheadLog, "_copy", copy_and_be_late)
    with closing(sqlite3.connect(bench.path)) as last:  # so that the others do not empty it by closing
        last.execute("SELECT 1 FROM facts").fetchall()
        assert bench.writer.rewrite() is True
    with open(f"{bench.path}-wal", "rb") as log:
        assert b"secret" not in log.read()
    assert bench.facts() == [1, 2, 3]


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"], ids=["read", "write"])
def test_a_log_in_use_by_another_process_is_not_emptied(open_bench, begin):
    bench = open_bench(busy_seconds=0.05)
    bench.writer.run(add(1))
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as other:
        other.execute(begin)
        other.execute("SELECT n FROM facts").fetchall()
        if begin == "BEGIN":
            bench.writer.run(add(2))
        before = bench.path.read_bytes()
        assert bench.writer.rewrite() is False
        # If SQLite cannot have the lock, its own TRUNCATE checkpoints without it, and could meet a commit.
        assert begin == "BEGIN" or bench.path.read_bytes() == before
