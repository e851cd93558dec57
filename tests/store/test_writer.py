"""The writer: which writes share a commit, what a failure undoes, who is told, when it checkpoints."""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from acare.errors import StoreUnavailable
from acare.store import wal
from acare.store.wal import CHECKPOINT_AFTER, WriteAheadLog
from acare.store.writer import MAX_QUEUED, Writer

SOON = 5  # seconds after which a thread that has not ended counts as hanging


def connect(path: Path, busy_seconds: float = 0.0) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


class Bench:
    """A writer on a file with one table, and in ``trace`` what its two connections did but settings."""

    def __init__(self, path: Path, busy_seconds: float, **options: Any) -> None:
        self.path = path
        self.writing = connect(path, busy_seconds)
        self.writing.execute("PRAGMA foreign_keys = ON")
        self.writing.execute("PRAGMA journal_size_limit = 1000000")
        self.checkpointer = connect(path, busy_seconds)
        self.trace: list[tuple[str, str]] = []
        self.writing.set_trace_callback(functools.partial(self._note, "writing"))
        self.checkpointer.set_trace_callback(functools.partial(self._note, "checkpointer"))
        self.writer = Writer(self.writing, self.checkpointer, **{"check": lambda: None, **options})

    def _note(self, connection: str, statement: str) -> None:
        if "busy_timeout" not in statement:
            self.trace.append((connection, statement))

    def run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run a write, and wait for the checkpoint after it if there is one: its caller does not."""
        result = self.writer.run(work)
        with self.writer._in_use:
            return result

    def facts(self) -> list[int]:
        """What another connection finds committed."""
        with closing(connect(self.path)) as other:
            return [n for (n,) in other.execute("SELECT n FROM facts ORDER BY n")]

    def commits(self) -> int:
        return self.trace.count(("writing", "COMMIT"))

    def log_size(self) -> int:
        return os.path.getsize(f"{self.path}-wal")


@pytest.fixture
def open_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    path = tmp_path / "facts.db"
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            "CREATE TABLE facts (n INTEGER PRIMARY KEY, text TEXT, of INTEGER REFERENCES facts (n))"
        )
    benches: list[Bench] = []

    def make(busy_seconds: float = 5.0, **options: Any) -> Bench:
        benches.append(Bench(path, busy_seconds, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.writer.close()


@pytest.fixture
def bench(open_bench: Callable[..., Bench]) -> Bench:
    return open_bench()


@pytest.fixture
def other(bench: Bench) -> Iterator[sqlite3.Connection]:
    """Another process, as far as SQLite can tell."""
    with closing(connect(bench.path)) as connection:
        yield connection


def add(n: int) -> Callable[[sqlite3.Connection], int]:
    """A write of one row whose result is ``n``."""

    def work(connection: sqlite3.Connection) -> int:
        return connection.execute("INSERT INTO facts (n) VALUES (?) RETURNING n", (n,)).fetchall()[0][0]

    return work


def add_and_raise(n: int, error: BaseException) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        add(n)(connection)
        raise error

    return work


def break_the_commit(connection: sqlite3.Connection) -> None:
    """A row that points nowhere, which SQLite is told to find out only at COMMIT."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    connection.execute("INSERT INTO facts (n, of) VALUES (99, 1234)")


class Call(threading.Thread):
    """A call in a thread of its own, and what came of it: a result or an exception."""

    def __init__(self, call: Callable[..., Any], *arguments: object) -> None:
        super().__init__(daemon=True)  # one that hangs fails its test and not the whole run
        self._call = functools.partial(call, *arguments)
        self._outcome: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._call()
        except BaseException as error:
            self._outcome = error

    def outcome(self) -> Any:
        self.join(SOON)
        assert not self.is_alive(), "it hangs"
        return self._outcome


class Held:
    """A write that keeps the writer busy while the ``with`` block runs."""

    def __init__(self, writer: Writer) -> None:
        self._runs, self._released = threading.Event(), threading.Event()
        self.writer = writer
        self.call = Call(writer.run, self._work)

    def _work(self, connection: sqlite3.Connection) -> str:
        self._runs.set()
        assert self._released.wait(SOON)
        return "held"

    def __enter__(self) -> Held:
        assert self._runs.wait(SOON)
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()

    def queue(self, work: Callable[[sqlite3.Connection], object]) -> Call:
        """Start a write and wait until it is in the queue."""
        length = self.writer._queue.qsize()
        call = Call(self.writer.run, work)
        wait_until(lambda: self.writer._queue.qsize() == length + 1)
        return call


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.0005)
    assert condition()


def together(writer: Writer, *works: Callable[[sqlite3.Connection], object]) -> list[Any]:
    """Run ``works`` as one batch, in this order; what came of each."""
    with Held(writer) as held:
        calls = [held.queue(work) for work in works]
    return [call.outcome() for call in calls]


# --- one commit for all who wait


def test_writes_that_come_while_another_runs_share_one_commit(bench: Bench) -> None:
    together(bench.writer, *map(add, range(20)))
    assert bench.commits() == 2  # the one that kept the writer busy, and the twenty


def test_writes_that_share_a_commit_are_all_written(bench: Bench) -> None:
    together(bench.writer, *map(add, range(20)))
    assert bench.facts() == list(range(20))


def test_writes_run_in_the_order_in_which_they_came(bench: Bench) -> None:
    order: list[int] = []
    together(bench.writer, *(lambda _, n=n: order.append(n) for n in range(10)))
    assert order == list(range(10))


def test_each_thread_gets_the_result_of_its_own_write(bench: Bench) -> None:
    assert together(bench.writer, *map(add, range(10))) == list(range(10))


def test_each_thread_gets_the_exception_of_its_own_write(bench: Bench) -> None:
    errors = [ValueError(str(n)) for n in range(5)]
    found = together(bench.writer, *(add_and_raise(n, error) for n, error in enumerate(errors)))
    assert [id(error) for error in found] == [id(error) for error in errors]


def test_a_write_is_committed_when_it_returns(bench: Bench) -> None:
    bench.writer.run(add(1))
    assert bench.facts() == [1]


def test_a_write_that_waits_sees_the_one_before_it(bench: Bench) -> None:
    count = "SELECT count(*) FROM facts"
    assert together(bench.writer, add(1), lambda c: c.execute(count).fetchall()) == [1, [(1,)]]


# --- what fails alone


def test_a_write_that_fails_leaves_nothing_of_itself(bench: Bench) -> None:
    together(bench.writer, add_and_raise(1, ValueError()))
    assert bench.facts() == []


def test_a_write_that_fails_does_not_undo_the_others(bench: Bench) -> None:
    together(bench.writer, add(1), add_and_raise(2, ValueError()), add(3))
    assert bench.facts() == [1, 3]


def test_a_row_that_sqlite_refuses_fails_its_own_write_alone(bench: Bench) -> None:
    one, again, three = together(bench.writer, add(1), add(1), add(3))
    assert (one, type(again), three) == (1, sqlite3.IntegrityError, 3)


def test_a_write_that_fails_does_so_without_a_batch_too(bench: Bench) -> None:
    with pytest.raises(ValueError, match="alone"):
        bench.writer.run(add_and_raise(1, ValueError("alone")))
    assert bench.facts() == []


# --- what fails together


def test_a_commit_that_fails_fails_every_write_in_it(bench: Bench) -> None:
    outcomes = together(bench.writer, add(1), break_the_commit, add_and_raise(3, ValueError()), add(4))
    assert [type(outcome) for outcome in outcomes] == [sqlite3.IntegrityError] * 4


def test_of_a_commit_that_fails_nothing_is_written(bench: Bench) -> None:
    together(bench.writer, add(1), break_the_commit, add(3))
    assert bench.facts() == []


def test_the_write_after_a_failed_commit_is_written(bench: Bench) -> None:
    together(bench.writer, add(1), break_the_commit, add(3))
    bench.writer.run(add(4))
    assert bench.facts() == [4]


def fill_the_disk(connection: sqlite3.Connection) -> None:
    """SQLite gives up the whole transaction when the disk is full, not the statement alone."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    try:
        connection.execute("INSERT INTO facts (n, text) VALUES (99, hex(zeroblob(99999)))")
    finally:
        connection.execute("PRAGMA max_page_count = 1000000")


def test_a_full_disk_fails_every_write_of_the_transaction(bench: Bench) -> None:
    outcomes = together(bench.writer, add(1), add_and_raise(2, ValueError()), fill_the_disk, add(4))
    assert [str(outcome) for outcome in outcomes] == ["The disk is full."] * 4


def test_a_full_disk_undoes_the_whole_transaction(bench: Bench) -> None:
    together(bench.writer, add(1), fill_the_disk, add(3))
    assert bench.facts() == []


def test_when_the_disk_has_room_again_the_next_write_is_written(bench: Bench) -> None:
    together(bench.writer, add(1), fill_the_disk, add(3))
    bench.writer.run(add(4))
    assert bench.facts() == [4]


def test_a_write_that_the_check_refuses_does_not_run(open_bench: Callable[..., Bench]) -> None:
    def refuse() -> None:
        raise StoreUnavailable("gone")

    ran: list[object] = []
    with pytest.raises(StoreUnavailable, match="gone"):
        open_bench(check=refuse).writer.run(ran.append)
    assert ran == []


def test_a_commit_that_fails_releases_the_lock(bench: Bench, other: sqlite3.Connection) -> None:
    assert isinstance(Call(bench.writer.run, break_the_commit).outcome(), sqlite3.IntegrityError)
    other.execute("BEGIN IMMEDIATE")


class FailingDisk(sqlite3.Connection):
    """A connection that can neither commit nor roll back while its disk fails."""

    fails = True

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self.fails and statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *values)

    def rollback(self) -> None:
        if self.fails:
            raise sqlite3.OperationalError("disk I/O error")
        super().rollback()


@pytest.fixture
def failing(bench: Bench) -> Iterator[FailingDisk]:
    with closing(sqlite3.connect(bench.path, factory=FailingDisk, check_same_thread=False)) as failing:
        failing.isolation_level = None
        yield failing


def test_all_callers_are_told_when_not_even_the_rollback_works(bench: Bench, failing: FailingDisk) -> None:
    writer = Writer(failing, bench.checkpointer, check=lambda: None)
    with Held(writer) as held:
        calls = [held.queue(add(n)) for n in range(3)]
    outcomes = [held.call.outcome(), *(call.outcome() for call in calls)]
    assert [type(outcome) for outcome in outcomes] == [sqlite3.OperationalError] * 4


def test_the_write_after_a_failed_rollback_is_written(bench: Bench, failing: FailingDisk) -> None:
    writer = Writer(failing, bench.checkpointer, check=lambda: None)
    assert isinstance(Call(writer.run, add(1)).outcome(), sqlite3.OperationalError)
    failing.fails = False
    assert (Call(writer.run, add(2)).outcome(), bench.facts()) == (2, [2])


# --- another process is writing


def test_a_write_waits_for_another_process(bench: Bench, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    call = Call(bench.writer.run, add(1))
    time.sleep(0.05)
    other.execute("COMMIT")
    assert call.outcome() == 1


def test_another_process_that_writes_too_long_fails_the_batch(
    open_bench: Callable[..., Bench],
) -> None:
    bench = open_bench(busy_seconds=0.05, check=lambda: checks and checks.pop()())
    with closing(connect(bench.path)) as other:
        checks = [lambda: other.execute("BEGIN IMMEDIATE"), lambda: None]  # the second batch meets it
        outcomes = together(bench.writer, add(1), add(2))
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2


def test_the_store_recovers_when_the_other_process_is_done(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(busy_seconds=0.05)
    with closing(connect(bench.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            bench.writer.run(add(1))
        other.execute("ROLLBACK")
    bench.writer.run(add(2))
    assert bench.facts() == [2]


# --- no caller waits for ever


def test_no_write_is_ever_left_waiting(bench: Bench) -> None:
    def hammer(thread: int) -> int:
        written = 0
        for n in range(thread * 1000, thread * 1000 + 200):
            if n % 7 == 0:
                with pytest.raises(ValueError, match="on purpose"):
                    bench.writer.run(add_and_raise(n, ValueError("on purpose")))
            elif n % 5 == 0:
                written += bench.writer.run_later(add(n))
            else:
                written += bench.writer.run(add(n)) == n
        return written

    calls = [Call(hammer, thread) for thread in range(16)]
    written = sum(call.outcome() for call in calls)
    bench.writer.run(lambda _: None)  # after all that were queued
    assert written == len(bench.facts())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), MemoryError()], ids=repr)
def test_an_interrupt_in_a_write_fails_that_write_alone(bench: Bench, error: BaseException) -> None:
    assert together(bench.writer, add(1), add_and_raise(2, error), add(3)) == [1, error, 3]
    assert bench.facts() == [1, 3]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()], ids=repr)
def test_an_interrupt_between_writes_fails_the_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(batch: object) -> None:
        raise error

    with Held(bench.writer) as held:
        calls = [held.queue(add(n)) for n in range(3)]
        monkeypatch.setattr(bench.writer, "_commit", fail)
    assert [call.outcome() for call in calls] == [error] * 3


def test_the_thread_survives_an_interrupt(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    bench.writer.run(add(1))
    with monkeypatch.context() as patch:
        patch.setattr(bench.writer, "_begin", fail)
        assert isinstance(Call(bench.writer.run, add(2)).outcome(), KeyboardInterrupt)
    assert Call(bench.writer.run, add(3)).outcome() == 3


def test_an_error_after_the_commit_is_logged_and_not_raised(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(log: WriteAheadLog, writes: int) -> None:
        raise RuntimeError("no checkpoint")

    monkeypatch.setattr(WriteAheadLog, "committed", fail)
    assert [bench.writer.run(add(1)), bench.writer.run(add(2))] == [1, 2]
    assert "no checkpoint" in caplog.text


def test_a_caller_that_is_interrupted_does_not_stop_its_write(bench: Bench) -> None:
    """Python runs the handler of a signal in the main thread, which is the one that runs this test."""

    def interrupt(*_: object) -> None:
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


# --- the thread


def writer_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "acare-writer"]


def test_the_thread_starts_with_the_first_write(bench: Bench) -> None:
    before = writer_threads()
    bench.writer.run(add(1))
    bench.writer.run(add(2))
    (thread,) = set(writer_threads()) - set(before)
    assert thread.daemon
    bench.writer.close()


def test_writes_run_in_the_thread_and_nowhere_else(bench: Bench) -> None:
    names = {bench.writer.run(lambda _: threading.current_thread().name) for _ in range(3)}
    assert names == {"acare-writer"}


def test_a_thread_that_cannot_start_is_started_by_the_next_write(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(thread: threading.Thread) -> None:
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
from acare.store.database import Database

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
database.close()
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_write_after_a_fork_is_refused(tmp_path: Path, moment: str) -> None:
    """SQLite's locks do not pass to a child: another process may take the log for unused and delete it."""
    command = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "acare.db"), moment]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SOON)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "forked" in ended.stdout


def test_a_program_that_does_not_close_still_ends(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from acare.store.database import Database; "
    program += "database = Database(Path(sys.argv[1])); database.write(lambda connection: None)"
    command = [sys.executable, "-c", program, str(tmp_path / "acare.db")]
    assert subprocess.run(command, timeout=SOON).returncode == 0


# --- a write without a caller


def test_a_later_write_is_written(bench: Bench) -> None:
    assert bench.writer.run_later(add(1)) is True
    bench.writer.run(lambda _: None)
    assert bench.facts() == [1]


def test_a_later_write_is_not_waited_for(bench: Bench) -> None:
    with Held(bench.writer):
        assert Call(bench.writer.run_later, add(1)).outcome() is True
        assert bench.facts() == []
    bench.writer.close()
    assert bench.facts() == [1]


def test_a_later_write_can_be_queued_from_a_write(bench: Bench) -> None:
    assert Call(bench.writer.run, lambda _: bench.writer.run_later(add(1))).outcome() is True
    bench.writer.close()
    assert bench.facts() == [1]


def test_later_writes_share_the_commit_of_the_others(bench: Bench) -> None:
    with Held(bench.writer) as held:
        for n in range(10):
            bench.writer.run_later(add(n))
        call = held.queue(add(10))
    call.outcome()
    assert (bench.commits(), bench.facts()) == (2, list(range(11)))


def test_a_later_write_that_fails_is_undone_alone(bench: Bench) -> None:
    with Held(bench.writer) as held:
        bench.writer.run_later(add_and_raise(1, ValueError()))
        call = held.queue(add(2))
    assert (call.outcome(), bench.facts()) == (2, [2])


def test_later_writes_that_fail_are_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(5):
        bench.writer.run_later(add_and_raise(n, ValueError("no room")))
        bench.writer.run(lambda _: None)
    assert [record.getMessage() for record in caplog.records] == ["a queued write failed: no room"]


def test_a_failure_after_a_success_is_logged_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for work in (add_and_raise(1, ValueError("a")), add(2), add_and_raise(3, ValueError("b"))):
        bench.writer.run_later(work)
        bench.writer.run(lambda _: None)
    assert len(caplog.records) == 2


def test_later_writes_are_dropped_when_the_queue_is_full(bench: Bench) -> None:
    ran: list[object] = []
    with Held(bench.writer):
        queued = [bench.writer.run_later(ran.append) for _ in range(MAX_QUEUED + 10)]
    bench.writer.close()
    assert queued == [True] * MAX_QUEUED + [False] * 10
    assert len(ran) == MAX_QUEUED


def test_a_full_queue_takes_a_write_with_a_caller(bench: Bench) -> None:
    with Held(bench.writer) as held:
        while bench.writer.run_later(lambda _: None):
            pass
        call = held.queue(add(1))
    assert call.outcome() == 1


# --- after the end


def test_a_write_after_the_end_fails(bench: Bench) -> None:
    bench.writer.close()
    for _ in range(2):
        assert isinstance(Call(bench.writer.run, add(1)).outcome(), StoreUnavailable)


def test_a_later_write_after_the_end_is_dropped(bench: Bench) -> None:
    bench.writer.close()
    for _ in range(2):
        assert Call(bench.writer.run_later, add(1)).outcome() is False


def test_closing_finishes_the_queued_writes(bench: Bench) -> None:
    with Held(bench.writer) as held:
        calls = [held.queue(add(n)) for n in range(5)]
        bench.writer.run_later(add(5))
        end = Call(bench.writer.close)
        wait_until(lambda: bench.writer._closed)
    end.outcome()
    assert [call.outcome() for call in calls] == list(range(5))
    assert bench.facts() == list(range(6))


def test_closing_refuses_a_write_that_comes_meanwhile(bench: Bench) -> None:
    with Held(bench.writer):
        end = Call(bench.writer.close)
        wait_until(lambda: bench.writer._closed)
        assert isinstance(Call(bench.writer.run, add(1)).outcome(), StoreUnavailable)
    end.outcome()
    assert bench.facts() == []


def test_closing_ends_the_thread(bench: Bench) -> None:
    bench.writer.run(add(1))
    thread = bench.writer._thread
    bench.writer.close()
    assert thread is not None
    assert not thread.is_alive()


def test_closing_twice_at_once_is_closing(bench: Bench) -> None:
    with Held(bench.writer):
        ends = [Call(bench.writer.close) for _ in range(2)]
        wait_until(lambda: bench.writer._closed)
    assert [end.outcome() for end in ends] == [None, None]


# --- the log is checkpointed


@pytest.fixture
def checkpoint_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return functools.partial(monkeypatch.setattr, wal, "CHECKPOINT_AFTER")


def test_a_checkpoint_is_inside_a_transaction_of_the_writer(
    bench: Bench, checkpoint_after: Callable[[int], None]
) -> None:
    checkpoint_after(1)
    bench.run(add(1))
    assert bench.trace[-4:] == [
        ("writing", "COMMIT"),
        ("writing", "BEGIN IMMEDIATE"),
        ("checkpointer", "PRAGMA wal_checkpoint(PASSIVE)"),
        ("writing", "ROLLBACK"),
    ]


def test_a_caller_does_not_wait_for_the_checkpoint(
    bench: Bench, checkpoint_after: Callable[[int], None]
) -> None:
    checkpoint_after(1)
    answered = threading.Event()
    bench.checkpointer.set_trace_callback(lambda _: bench.trace.append(("answered", answered.wait(SOON))))
    bench.writer.run(add(1))
    answered.set()
    bench.writer.close()
    assert ("answered", True) in bench.trace


def test_nobody_can_commit_while_the_log_is_checkpointed(
    bench: Bench, other: sqlite3.Connection, checkpoint_after: Callable[[int], None]
) -> None:
    found: list[str] = []

    def try_to_write(statement: str) -> None:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            found.append(str(error))
        else:
            other.execute("ROLLBACK")
            found.append("could write")

    bench.checkpointer.set_trace_callback(try_to_write)
    checkpoint_after(1)
    bench.run(add(1))
    assert found == ["database is locked"]


def test_a_checkpoint_copies_the_log_into_the_database(
    bench: Bench, checkpoint_after: Callable[[int], None]
) -> None:
    checkpoint_after(1)
    before = bench.path.read_bytes()
    bench.run(lambda c: c.execute("INSERT INTO facts (text) VALUES ('copied')").rowcount)
    assert b"copied" in bench.path.read_bytes()
    assert b"copied" not in before


def test_a_checkpoint_does_not_wait_for_a_reader(
    bench: Bench, other: sqlite3.Connection, checkpoint_after: Callable[[int], None]
) -> None:
    checkpoint_after(1)
    other.execute("BEGIN")
    other.execute("SELECT n FROM facts").fetchall()
    started = time.monotonic()
    bench.run(add(1))
    assert time.monotonic() - started < 1


def lock_after(bench: Bench, other: sqlite3.Connection) -> None:
    """Let another process take the lock in the moment between a commit and the checkpoint after it."""

    def come_between(statement: str) -> None:
        bench.trace.append(("writing", statement))
        if statement == "BEGIN IMMEDIATE" and bench.commits():
            bench.writing.set_trace_callback(None)
            other.execute("BEGIN IMMEDIATE")

    bench.writing.set_trace_callback(come_between)


def test_a_checkpoint_does_not_wait_for_another_process(
    open_bench: Callable[..., Bench], checkpoint_after: Callable[[int], None]
) -> None:
    bench = open_bench(busy_seconds=1.5)
    checkpoint_after(1)
    with closing(connect(bench.path)) as other:
        lock_after(bench, other)
        started = time.monotonic()
        bench.run(add(1))
        waited = time.monotonic() - started
        assert other.in_transaction
    assert waited < 0.75


def test_a_checkpoint_that_failed_is_tried_by_the_next_write(
    bench: Bench, checkpoint_after: Callable[[int], None]
) -> None:
    checkpoint_after(1)
    checkpoint = ("checkpointer", "PRAGMA wal_checkpoint(PASSIVE)")
    with closing(connect(bench.path)) as other:
        lock_after(bench, other)
        bench.run(add(1))
        assert bench.trace.count(checkpoint) == 0
    bench.run(add(2))
    assert bench.trace.count(checkpoint) == 1


def test_the_log_does_not_grow_for_ever(bench: Bench) -> None:
    for n in range(CHECKPOINT_AFTER):
        bench.run(add(n))
    size = bench.log_size()
    for n in range(CHECKPOINT_AFTER, 2000):
        bench.run(add(n))
    assert bench.log_size() < 2 * size


def test_the_log_does_not_grow_for_ever_while_somebody_reads(bench: Bench) -> None:
    stop = threading.Event()

    def read() -> None:
        with closing(connect(bench.path, 1.0)) as reader:
            while not stop.wait(0.0002):
                reader.execute("SELECT n FROM facts LIMIT 1").fetchall()

    reader = Call(read)
    for n in range(CHECKPOINT_AFTER):
        bench.run(add(n))
    size = bench.log_size()
    for n in range(CHECKPOINT_AFTER, 6 * CHECKPOINT_AFTER):
        bench.run(add(n))
    stop.set()
    reader.outcome()
    assert bench.log_size() < 4 * size


def add_many(bench: Bench) -> None:
    for n in range(100):
        bench.run(add(n))


def test_a_log_that_is_too_long_is_not_written_to(
    open_bench: Callable[..., Bench], checkpoint_after: Callable[[int], None]
) -> None:
    bench = open_bench(max_log_pages=20)
    checkpoint_after(1)
    with closing(connect(bench.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT n FROM facts").fetchall()
        with pytest.raises(StoreUnavailable, match="snapshot"):
            add_many(bench)
    assert len(bench.facts()) < 100


def test_writing_goes_on_when_the_reader_is_done(
    open_bench: Callable[..., Bench], checkpoint_after: Callable[[int], None]
) -> None:
    bench = open_bench(max_log_pages=20)
    checkpoint_after(1)
    with closing(connect(bench.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT n FROM facts").fetchall()
        with pytest.raises(StoreUnavailable):
            add_many(bench)
    assert bench.run(add(1000)) == 1000


# --- the file is written anew, and the log emptied


def test_rewriting_waits_for_the_write_that_runs(bench: Bench) -> None:
    with Held(bench.writer):
        rewriting = Call(bench.writer.rewrite)
        time.sleep(0.05)
        assert rewriting.is_alive()
    assert rewriting.outcome() is True


def test_rewriting_gets_its_turn_among_writes(bench: Bench) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            bench.writer.run(lambda _: None)

    writers = [Call(write) for _ in range(4)]
    done = [Call(bench.writer.rewrite).outcome() for _ in range(10)]
    stop.set()
    assert [*done, *(writer.outcome() for writer in writers)] == [True] * 10 + [None] * 4


def test_an_emptied_log_has_nothing_of_what_was_written(bench: Bench) -> None:
    for n in range(50):
        bench.writer.run(add(n))
    one_page = 32 + 24 + 4096  # the header of the log, that of a page, and the page with the schema
    assert (bench.writer.rewrite(), bench.log_size()) == (True, one_page)


def test_writing_goes_on_after_the_log_was_emptied(bench: Bench) -> None:
    bench.writer.run(add(1))
    bench.writer.rewrite()
    bench.writer.run(add(2))
    assert bench.facts() == [1, 2]


@pytest.mark.parametrize("limit", [1_000_000, 6000])
def test_a_log_that_another_process_restarted_is_emptied(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Which the other process cuts too, down to a limit that may be less than all of it."""
    bench.writing.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
    bench.writer.run(lambda c: c.execute("INSERT INTO facts (n, text) VALUES (0, 'secret')").rowcount)
    bench.writer.run(lambda c: c.execute("DELETE FROM facts").rowcount)
    copy, others = WriteAheadLog._copy, iter(range(1, 4))

    def copy_and_be_late(log: WriteAheadLog) -> None:
        copy(log)
        for n in others:
            with closing(connect(bench.path)) as other:
                other.execute(f"PRAGMA journal_size_limit = {limit}").fetchone()
                other.execute("INSERT INTO facts (n) VALUES (?)", (n,))
            break

    monkeypatch.setattr(WriteAheadLog, "_copy", copy_and_be_late)
    with closing(connect(bench.path)):  # so that the last of the others does not empty it by closing
        assert bench.writer.rewrite() is True
    assert b"secret" not in Path(f"{bench.path}-wal").read_bytes()
    assert bench.facts() == [1, 2, 3]


def test_a_log_that_is_empty_already_can_be_emptied(bench: Bench) -> None:
    bench.writer.run(add(1))
    assert [bench.writer.rewrite(), bench.writer._log.cut()] == [True, True]


def test_a_log_that_somebody_reads_is_not_emptied(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(busy_seconds=0.05)
    with closing(connect(bench.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT n FROM facts").fetchall()
        bench.writer.run(add(1))
        assert bench.writer.rewrite() is False


def test_a_log_is_not_emptied_while_another_process_writes(open_bench: Callable[..., Bench]) -> None:
    bench = open_bench(busy_seconds=0.05)
    bench.writer.run(add(1))
    with closing(connect(bench.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        before = bench.path.read_bytes()
        assert bench.writer.rewrite() is False
        # Where SQLite cannot have the lock it goes on without: a checkpoint that a commit could meet.
        assert bench.path.read_bytes() == before
