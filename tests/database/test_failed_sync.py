"""What happens after a sync has failed: the system's cache then has content that the disk does not get."""

import os
from contextlib import suppress
from pathlib import Path

import pytest
from support.backups import leave_log
from support.writer import add, writer_of

from acare.database import wal
from acare.database.database import Database
from acare.errors import StoreUnavailable

# --- a commit or a checkpoint that fails


@pytest.mark.parametrize("statement", ["COMMIT", "PRAGMA wal_checkpoint"])
def test_after_a_failed_sync_nothing_is_written_until_a_restart(fail, bench, monkeypatch, statement):
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)
    fail(statement)
    with suppress(StoreUnavailable):
        bench.run(add(1))
    fail()
    with pytest.raises(StoreUnavailable, match="restore the newest backup"):
        bench.run(add(2))
    with pytest.raises(StoreUnavailable):
        bench.empty_wal()
    bench.writer.close()
    again = writer_of(bench.path)
    assert again.submit(add(3)).result() == 3
    again.close()


# --- the log that a killed process left


@pytest.fixture
def left(tmp_path):
    """A database whose last writes are in its log, as a killed process leaves it."""
    leave_log(tmp_path / "acare.db", "Ana")
    return tmp_path / "acare.db"


def test_a_log_that_was_left_is_synced_before_it_is_copied(left, monkeypatch):
    log = Path(f"{left}-wal").stat().st_ino
    before, synced = left.read_bytes(), []
    fsync = os.fsync

    def note(handle):
        synced.append((os.fstat(handle).st_ino, left.read_bytes() == before))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    Database(left).close()
    assert (log, True) in synced
    assert left.read_bytes() != before
