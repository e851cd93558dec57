"""Checkpoints: what they wait for, what waits for them, and how long the log gets."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress

import pytest
from support.files import snapshot
from support.threads import SOON, Call
from support.writer import add, connect

from acare.database import wal
from acare.errors import StoreUnavailable

ONE_PAGE = 32 + 24 + 4096  # the header of the log, that of a page, and the page with the schema


@pytest.fixture
def always(monkeypatch):
    """A checkpoint after each write."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)


@pytest.mark.usefixtures("always")
def test_a_caller_does_not_wait_for_the_checkpoint(bench):
    answered, waited = threading.Event(), []
    bench.checkpointer.set_trace_callback(lambda _: waited.append(answered.wait(SOON)))
    bench.writer.submit(add(1)).result()
    answered.set()
    bench.writer.close()
    assert True in waited


@pytest.mark.usefixtures("always")
def test_no_process_can_commit_during_a_checkpoint(bench, other):
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


def test_a_refused_write_does_not_disturb_a_checkpoint(bench, monkeypatch):
    """Its rollback could, if another thread checkpoints between the refusal and the rollback."""
    checkpointing, refusing, found = threading.Event(), threading.Event(), []
    fail = bench.writer._fail

    def fail_late(*arguments):
        refusing.set()
        checkpointing.wait(SOON)
        fail(*arguments)

    def wait(statement):
        checkpointing.set()
        time.sleep(0.05)
        found.append((statement, bench.writing.in_transaction))

    def refuse():
        raise StoreUnavailable("missing")

    monkeypatch.setattr(bench.writer, "check_in_place", refuse)
    monkeypatch.setattr(bench.writer, "_fail", fail_late)
    bench.checkpointer.set_trace_callback(wait)
    write = bench.writer.submit(add(1))
    refusing.wait(SOON)
    assert (bench.empty_wal(), found[0]) == (True, ("PRAGMA wal_checkpoint(PASSIVE)", True))
    with pytest.raises(StoreUnavailable, match="missing"):
        write.result()


def test_the_log_stays_short_beside_a_reader(bench, monkeypatch):
    """Each of its snapshots ends, and the log can start over after a checkpoint."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 100)
    stop = threading.Event()

    def read():
        with closing(connect(bench.path, 1.0)) as reader:
            while not stop.wait(0.0002):
                reader.execute("SELECT n FROM facts LIMIT 1").fetchall()

    reader = Call(read)
    for n in range(1000):
        bench.run(add(n))
    stop.set()
    reader.result()
    assert ONE_PAGE * 100 < bench.log_size() < ONE_PAGE * 500


def test_few_large_rows_are_checkpointed_too(bench):
    """Otherwise 4,000 clients with long notes make a log of 700 MiB."""
    sizes = []
    for n in range(300):
        bench.run(
            lambda c, n=n: c.execute("INSERT INTO facts VALUES (?, zeroblob(300000), NULL)", (n,)).rowcount
        )
        sizes.append(bench.log_size())
    assert wal.CHECKPOINT_SIZE < max(sizes) < wal.CHECKPOINT_SIZE + 17 * 320_000


# SQLite's lock on checkpoints. (sqlite.org/walformat.html, 2.3.1)
LOCK = """
import fcntl, sys
with open(sys.argv[1], "r+b") as shared:
    fcntl.lockf(shared, fcntl.LOCK_EX, 1, 121)
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("always")
def test_a_stopped_checkpoint_of_another_process_ends_writes(bench, monkeypatch):
    """At the maximum size, since the log cannot be emptied."""
    monkeypatch.setattr(wal, "MAX_SIZE", 10 * 4096)
    monkeypatch.setattr(wal, "PAUSES", (0.0,))
    bench.run(add(0))
    command = [sys.executable, "-c", LOCK, f"{bench.path}-shm"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        for n in range(1, 20):
            with suppress(StoreUnavailable):
                bench.run(add(n))
        with pytest.raises(StoreUnavailable, match="too long"):
            bench.run(add(20))


@pytest.mark.usefixtures("always")
def test_a_log_that_a_reader_kept_long_is_emptied(bench, monkeypatch):
    monkeypatch.setattr(wal, "MAX_SIZE", 40 * 4096)
    monkeypatch.setattr(wal, "PAUSES", (0.0,))
    monkeypatch.setattr(wal, "ATTEMPT_SECONDS", 0.05)
    with snapshot(bench.path):
        for n in range(15):
            bench.run(add(n))
    assert bench.log_size() > 10 * ONE_PAGE
    time.sleep(0.05)
    bench.run(add(15))
    assert bench.log_size() == ONE_PAGE
    time.sleep(0.05)
    bench.run(add(16))
    assert bench.log_size() > ONE_PAGE  # it is short now
    assert bench.facts() == list(range(17))
