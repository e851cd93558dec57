"""A disk, file or log that cannot be written: writes are answered 503, and nothing acknowledged is lost."""

import os
import shutil
import threading
from collections import namedtuple
from contextlib import contextmanager, suppress

import pytest
from support import command
from support.client import Api, fast_clock, full_key
from support.crash import damage
from support.data import JORDAN
from support.files import file_size_limit, snapshot, write_lock
from support.threads import Call, in_threads

import acare
from acare.database import connection, wal
from acare.errors import DatabaseRefused, StoreUnavailable

LARGE = {**JORDAN, "notes": "x" * 10_000}


@contextmanager
def opened(path):
    """A broker's caller of an app on the file."""
    with acare.create_app(database=path, rate_limit="off", clock=fast_clock()) as app:
        yield Api(app, full_key(app))


def assert_unavailable(answer):
    assert answer.json["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1


def assert_there(api, clients):
    """These and no others."""
    assert api.get("/v1/clients?limit=1").json["data"]["meta"]["total"] == len(clients)
    for client in clients:
        assert api.get(f"/v1/clients/{client['id']}").json["data"] == client


def failed_checks(api):
    answer = api.get("/readyz", status=503)
    assert_unavailable(answer)
    checks = answer.json["error"]["details"]["checks"]
    return {name for name, state in checks.items() if state != "ok"}


# --- a full disk, or a quota that is used up


def write_until_unavailable(api):
    """The clients that were acknowledged before the first answer of 503."""
    acknowledged = []
    while len(acknowledged) < 100:
        answer = api.web.post_json("/v1/clients", LARGE, headers=api.headers, status="*")
        if answer.status_code != 201:
            break
        acknowledged.append(answer.json["data"])
    assert answer.status_code == 503
    assert_unavailable(answer)
    return acknowledged


@pytest.mark.parametrize("checkpoint_after", [1, 10_000], ids=["in a checkpoint", "in the log"])
def test_a_full_disk_loses_no_acknowledged_write(path, monkeypatch, caplog, checkpoint_after):
    """Writes are answered 503, reads continue, and so do writes when there is room again."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", checkpoint_after)
    with opened(path) as api:
        clients = [api.create()]
        with file_size_limit(os.path.getsize(path) - 4096 * 10):  # of the last pages that a checkpoint writes
            clients += write_until_unavailable(api)
            assert_there(api, clients)
            more = in_threads(8, lambda _: write_until_unavailable(Api(api.web.app, api.key)))
        assert ("could not be checkpointed" in caplog.text) is (checkpoint_after == 1)
        assert "a quota is used up" in caplog.text
        api.get("/readyz")
        clients += [client for each in more for client in each]
        clients += [api.create(**LARGE) for _ in range(10)]
        assert_there(api, clients)
    with opened(path) as api:
        assert_there(api, clients)
    assert damage(path) == []


def test_a_start_on_a_full_disk_names_the_disk(path, monkeypatch):
    acare.create_app(database=path).close()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(0))
    with file_size_limit(0), pytest.raises(DatabaseRefused, match="error; the disk is full: free some space"):
        acare.create_app(database=path)


@pytest.fixture
def quick(path, monkeypatch):
    """A caller of an app that waits a tenth of a second for another process."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with opened(path) as api:
        yield api


# --- a locked, a missing and a replaced file


@contextmanager
def missing(path):
    moved = path.rename(path.with_name("moved.db"))
    yield
    assert not path.exists()
    moved.rename(path)


@contextmanager
def replaced(path):
    content = path.read_bytes()
    with missing(path):
        path.write_bytes(content)
        yield
        assert path.read_bytes() == content
        path.unlink()


@pytest.mark.parametrize("problem", [write_lock, missing, replaced])
def test_writes_fail_while_the_file_cannot_be_written(quick, path, problem):
    """Reads continue, and writes do when the problem is over."""
    clients = [quick.create()]
    with problem(path):
        assert_unavailable(quick.post(JORDAN, status=503))
        assert failed_checks(quick) == {"write"}
        assert quick.get("/healthz").json["data"] == {"status": "ok"}
        assert_there(quick, clients)
    quick.get("/readyz")
    assert_there(quick, [*clients, quick.create()])
    assert damage(path) == []


def test_writes_fail_when_the_log_is_deleted_and_a_stop_still_copies_it(path):
    with opened(path) as api:
        clients = [api.create()]
        path.with_name(f"{path.name}-wal").unlink()
        assert_unavailable(api.post(JORDAN, status=503))
        command.run("user", "list", "--database", path)  # a new log of the same name does not help
        assert_unavailable(api.post(JORDAN, status=503))
        assert failed_checks(api) == {"write"}
    with opened(path) as api:
        assert_there(api, clients)
    assert damage(path) == []


# --- a reader that stays


def test_writes_fail_while_a_reader_keeps_the_log_long(quick, path, monkeypatch):
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)
    monkeypatch.setattr(wal, "MAX_SIZE", 100 * 4096)
    monkeypatch.setattr(wal, "PAUSES", (0.0,))
    with snapshot(path):
        clients = write_until_unavailable(quick)
        size = os.path.getsize(f"{path}-wal")
        for _ in range(10):
            quick.post(JORDAN, status=503)
        (path.parent / "leads.csv").write_text("first_name,last_name,client_type\nA,B,buyer\n")
        for line in ("user add ben@example.com", "import leads.csv --user broker@example.com"):
            refused = command.run(*line.split(), "--database", path, cwd=path.parent)
            assert (refused.is_refusal(), "The WAL has grown too long" in refused.err) == (True, True)
        assert os.path.getsize(f"{path}-wal") == size < 200 * 4096
        assert failed_checks(quick) == {"write"}
    clients.append(quick.create())
    assert_there(quick, clients)


FOREVER = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, clients"


def test_overlapping_long_reads_end_so_that_the_log_stays_short(quick, path, monkeypatch):
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 20)
    monkeypatch.setattr(wal, "MAX_SIZE", 3 * 1024 * 1024)
    quick.create()
    over, sizes = threading.Event(), []

    def read():
        while not over.wait(0.03):
            with suppress(StoreUnavailable), quick.web.app.database.read(max_seconds=2) as connection:
                connection.execute(FOREVER).fetchall()

    readers = [Call(read) for _ in range(2)]
    for _ in range(150):
        quick.create(**LARGE)
        sizes.append(os.path.getsize(f"{path}-wal"))
    over.set()
    for reader in readers:
        reader.result()
    assert max(sizes) < wal.MAX_SIZE + 100 * 4096  # more than a batch
