"""Checkpoints: who waits for them, and how long the log gets."""

import sqlite3

from support.writer import add

from acare.database import wal


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
