"""Checkpoints: who waits for them, and how long the log gets."""

import sqlite3
import time

import pytest
from support.files import snapshot
from support.writer import add

from acare.database import wal

ONE_PAGE = 32 + 24 + 4096  # the header of the log, that of a page, and the page with the schema


@pytest.fixture
def always(monkeypatch):
    """A checkpoint after each write."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)


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


def test_few_large_rows_are_checkpointed_too(bench):
    """Otherwise 4,000 clients with long notes make a log of 700 MiB."""
    sizes = []
    for n in range(300):
        bench.run(
            lambda c, n=n: c.execute("INSERT INTO facts VALUES (?, zeroblob(300000), NULL)", (n,)).rowcount
        )
        sizes.append(bench.log_size())
    assert wal.CHECKPOINT_SIZE < max(sizes) < wal.CHECKPOINT_SIZE + 17 * 320_000


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
