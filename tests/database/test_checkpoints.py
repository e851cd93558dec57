"""Checkpoints: what they wait for, and what waits for them (test_disk has how long the log gets)."""

import sqlite3
import threading
import time

import pytest
from support.threads import SOON
from support.writer import add

from acare.database import log
from acare.errors import StoreUnavailable


@pytest.fixture
def always(monkeypatch):
    """A checkpoint after each write."""
    monkeypatch.setattr(log, "CHECKPOINT_AFTER", 1)


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
        found.append(bench.writing.in_transaction)

    def refuse():
        raise StoreUnavailable("missing")

    monkeypatch.setattr(bench.writer, "_check", refuse)
    monkeypatch.setattr(bench.writer, "_fail", fail_late)
    bench.checkpointer.set_trace_callback(wait)
    write = bench.writer.submit(add(1))
    refusing.wait(SOON)
    assert (bench.empty_log(), found) == (True, [True])
    with pytest.raises(StoreUnavailable, match="missing"):
        write.result()
