"""What happens after a sync has failed: the system's cache then has content that the disk does not get."""

import os
import re
from contextlib import closing
from pathlib import Path

import pytest
from support import command
from support.backups import back_up, leave_log
from support.client import Api, full_key
from support.data import JORDAN

import acare
from acare.database import copying, wal
from acare.database.database import Database
from acare.errors import StoreUnavailable
from acare.maintenance.status import damaged_logs, read_status


@pytest.fixture
def failed(tmp_path, monkeypatch, fail):
    """An app whose checkpoint has failed."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        api = Api(app, full_key(app, "ana@example.com", "agent"))
        api.get("/v1/clients")
        app.database.write(lambda connection: None)  # after the note of the key's use
        with app.database._writer.in_use:
            fail("PRAGMA wal_checkpoint")
        app.database.write(lambda connection: connection.execute("UPDATE users SET role = 'broker'").rowcount)
        with app.database._writer.in_use:
            fail()  # the disk is well again, but what it was given is lost
        yield api


# --- a checkpoint that fails


def test_after_a_failed_checkpoint_only_reads_continue(failed):
    assert "restart" in failed.post(JORDAN, status=503).json["error"]["message"]
    checks = failed.get("/readyz", status=503).json["error"]["details"]["checks"]
    assert "checkpoint failed" in checks["write"]
    assert failed.get("/v1/clients").json["data"]["meta"]["total"] == 0


def test_closing_after_a_failed_checkpoint_keeps_the_log(failed, tmp_path):
    failed.web.app.close()
    assert os.path.getsize(tmp_path / "acare.db-wal") > 0
    with closing(Database(tmp_path / "acare.db")) as database, database.read() as connection:
        assert connection.execute("SELECT role FROM users").fetchall() == [("broker",)]


# --- a checkpoint that fails in another process: this one must not go on with it


@pytest.fixture
def elsewhere(tmp_path, fail):
    """Another process's view of the database, opened before the checkpoint failed."""
    Database(tmp_path / "acare.db").close()
    with closing(Database(tmp_path / "acare.db")) as database:
        database.write(lambda connection: None)
        yield database


def test_a_checkpoint_that_failed_elsewhere_stops_writes(elsewhere, failed):
    assert "checkpoint failed" in elsewhere.check_write()
    with pytest.raises(StoreUnavailable, match="stop every process"), elsewhere.transaction():
        pass  # the log could be restarted, although its content may not be in the database


def test_a_backup_after_a_failed_checkpoint_keeps_the_log(failed, tmp_path, monkeypatch):
    """Even if the server ends meanwhile, so that the backup is the last to close the database."""
    monkeypatch.setattr(copying, "_CALL_STEPS", 1)
    back_up(tmp_path / "acare.db", tmp_path / "backups", progress=lambda *_: failed.web.app.close())
    assert os.path.getsize(tmp_path / "acare.db-wal") > 0


# --- the log that a killed process left


@pytest.fixture
def left(tmp_path):
    """A database whose last writes are in its log, as a killed process leaves it."""
    leave_log(tmp_path / "acare.db", "Ana")
    return tmp_path / "acare.db"


@pytest.fixture
def written(monkeypatch):
    """The bytes that are written to a log and then synced, by Python itself."""
    pieces, synced = [], []
    pwrite, fsync = os.pwrite, os.fsync

    def note_pwrite(handle, content, offset):
        pieces.append(content)
        return pwrite(handle, content, offset)

    def note_fsync(handle):
        synced.extend(pieces)
        pieces.clear()
        fsync(handle)

    monkeypatch.setattr(os, "pwrite", note_pwrite)
    monkeypatch.setattr(os, "fsync", note_fsync)
    return synced


def test_a_log_that_was_left_is_written_and_synced_again(left, written):
    log = Path(f"{left}-wal").read_bytes()
    Database(left).close()
    assert b"".join(written) == log


# --- a write that was answered with 503 and is there all the same


def test_a_retry_after_such_a_503_makes_one_client(tmp_path, fail):
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        api = Api(app, full_key(app, "ana@example.com", "agent"))
        headers = {**api.headers, "Idempotency-Key": "k"}
        fail("COMMIT", runs_first=True)  # its sync failed, and the content reached the disk
        api.web.post_json("/v1/clients", JORDAN, headers=headers, status=503)
    fail()
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        again = Api(app, api.key)
        again.web.post_json("/v1/clients", JORDAN, headers=headers, status=201)
        assert again.get("/v1/clients").json["data"]["meta"]["total"] == 1


# --- a log that is damaged


def change_frame(left, number):
    """Flip a bit in the page of this frame of the log, counted from its end."""
    log = Path(f"{left}-wal")
    content = bytearray(log.read_bytes())
    content[len(content) - number * (24 + 4096) + 1000] ^= 1
    log.write_bytes(content)


@pytest.mark.parametrize("line", ["user add ben@example.com", "backup ."])
def test_commits_after_a_damaged_frame_are_counted_and_kept(left, line):
    size = os.path.getsize(f"{left}-wal")
    change_frame(left, size // 4120)
    log = Path(f"{left}-wal").read_bytes()
    ended = command.run(*line.split(), "--database", left, cwd=left.parent)
    (problem,) = [problem for check in read_status(left) for problem in check.problems]
    kept, number = re.search(r"kept as (.*-damaged-.*-(\d+)-commits-lost)", problem).groups()
    assert left.with_name(kept).read_bytes() == log
    assert f"damaged: {number} commits cannot be read" in ended.err


def test_a_torn_last_transaction_is_not_damage(left):
    change_frame(left, 2)
    Database(left).close()
    assert damaged_logs(left) == []
