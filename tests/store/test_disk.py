"""What the machine does to the database: a full disk, a lock, a file that is gone, a reader that stays."""

import itertools
import os
import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from contextlib import contextmanager

import pytest
from support.client import Api
from support.crash import damage
from support.data import JORDAN

import acare
from acare.store import wal
from acare.store.database import CHECK_EVERY, Database

MIB = 1024 * 1024
LARGE = {**JORDAN, "notes": "x" * 10_000}


@contextmanager
def opened(path):
    """A broker's caller of an app on the file."""
    clock = itertools.count(0, CHECK_EVERY).__next__  # a second later each time, so that no check is reused
    with acare.create_app(database=path, rate_limit="off", clock=clock) as app:
        key = app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key
        yield Api(app, key)


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


# --- a full disk


class RealDisk:
    """A file system of its own, of 24 MiB in memory."""

    def __init__(self, folder):
        self.database = folder / "acare.db"
        self._ballast = folder / "ballast"

    def fill(self, api):
        with self._ballast.open("wb") as ballast:
            ballast.write(bytes(shutil.disk_usage(self._ballast.parent).free - MIB // 4))

    def make_room(self):
        self._ballast.unlink()


class PageLimit:
    """The same by SQLite's own limit: the database may not take one page more."""

    def __init__(self, folder, monkeypatch):
        self.database = folder / "acare.db"
        self._monkeypatch = monkeypatch
        self._usage = shutil.disk_usage

    def fill(self, api):
        self._connection = api.web.app.database._writer._connection
        self._connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that there are
        self._monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(0))

    def make_room(self):
        self._connection.execute("PRAGMA max_page_count = 1000000")
        self._monkeypatch.setattr(shutil, "disk_usage", self._usage)


@pytest.fixture(params=["file system", "page limit"])
def disk(request, tmp_path, monkeypatch):
    """A disk that can be filled. Where this user may not mount one, the page limit stands in for it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "page limit" or not mount(folder):
        yield PageLimit(folder, monkeypatch)
        return
    yield RealDisk(folder)
    subprocess.run(["umount", folder], check=True)


def mount(folder):
    try:
        command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def disk_api(disk):
    with opened(disk.database) as api:
        yield api


def write_until_full(api):
    """The clients that were acknowledged before the answer that there is no room, and that answer."""
    acknowledged = []
    for _ in range(100):
        answer = api.web.post_json("/v1/clients", LARGE, headers=api.headers, status="*")
        if answer.status_code != 201:
            return acknowledged, answer
        acknowledged.append(answer.json["data"])
    raise AssertionError("it is never full")


@pytest.mark.parametrize("checkpoint_after", [1, 256], ids=["log copied", "log kept"])
def test_a_full_disk_loses_nothing_that_was_acknowledged(disk, monkeypatch, checkpoint_after):
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", checkpoint_after)
    with opened(disk.database) as api:
        acknowledged = [api.create(notes="y" * 10_000) for _ in range(10)]
        disk.fill(api)
        acknowledged += write_until_full(api)[0]
        disk.make_room()
        assert_there(api, acknowledged)
    with opened(disk.database) as api:
        assert_there(api, acknowledged)
    assert damage(disk.database) == []


def test_a_write_on_a_full_disk_is_answered_503(disk, disk_api):
    disk.fill(disk_api)
    _, answer = write_until_full(disk_api)
    assert answer.status_code == 503
    assert_unavailable(answer)


def test_reading_goes_on_on_a_full_disk(disk, disk_api):
    clients = [disk_api.create() for _ in range(3)]
    disk.fill(disk_api)
    clients += write_until_full(disk_api)[0]
    assert_there(disk_api, clients)


def test_writing_goes_on_when_there_is_room_again(disk, disk_api):
    disk.fill(disk_api)
    clients, _ = write_until_full(disk_api)
    disk.make_room()
    clients += [disk_api.create(**LARGE) for _ in range(10)]
    assert_there(disk_api, clients)


def test_all_who_write_at_once_on_a_full_disk_are_answered(disk, disk_api):
    disk.fill(disk_api)
    write_until_full(disk_api)
    answers = []

    def write():
        answers.append(write_until_full(disk_api)[1])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert [answer.status_code for answer in answers] == [503] * 8


def test_a_server_on_a_full_disk_is_not_ready_and_says_why(disk, disk_api):
    disk_api.get("/readyz")
    disk.fill(disk_api)
    assert failed_checks(disk_api) == {"disk"}
    disk.make_room()
    disk_api.get("/readyz")


# --- another process that writes and does not end


HOLD_THE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def lock_held(database):
    """While this lasts, another process holds the lock that a write needs."""
    command = [sys.executable, "-c", HOLD_THE_LOCK, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()


@pytest.fixture
def unwaiting(tmp_path, monkeypatch):
    """A caller of an app that waits a fifth of a second for another process."""
    monkeypatch.setitem(Database.__init__.__kwdefaults__, "busy_seconds", 0.2)
    with opened(tmp_path / "acare.db") as api:
        yield api


def test_a_write_while_another_process_writes_is_503(unwaiting, tmp_path):
    with lock_held(tmp_path / "acare.db"):
        assert_unavailable(unwaiting.post(JORDAN, status=503))


def test_while_another_process_writes_reading_goes_on(unwaiting, tmp_path):
    client = unwaiting.create()
    with lock_held(tmp_path / "acare.db"):
        assert_there(unwaiting, [client])


def test_a_server_that_another_process_keeps_waiting_is_not_ready(unwaiting, tmp_path):
    with lock_held(tmp_path / "acare.db"):
        assert failed_checks(unwaiting) == {"write"}


def test_writing_goes_on_when_the_other_process_is_done(unwaiting, tmp_path):
    with lock_held(tmp_path / "acare.db"):
        unwaiting.post(JORDAN, status=503)
    unwaiting.create()


# --- a file that is not there any more


def move_away(path):
    return path.rename(path.with_name("moved.db"))


def replace(path):
    moved = path.with_name("moved.db")
    shutil.copy(path, path.with_name("another.db"))
    path.rename(moved)
    path.with_name("another.db").rename(path)
    return moved


gone = pytest.mark.parametrize("go_away", [move_away, replace])


@pytest.fixture
def path(app):
    return app.database.path


@gone
def test_a_write_into_a_file_that_is_gone_is_503(api, path, go_away):
    go_away(path)
    assert_unavailable(api.post(JORDAN, status=503))


@gone
def test_reading_goes_on_from_the_file_that_was_opened(api, path, go_away):
    client = api.create()
    go_away(path)
    assert_there(api, [client])


@gone
def test_a_server_whose_file_is_not_in_its_place_is_not_ready(api, path, go_away):
    go_away(path)
    assert failed_checks(api) == {"write"}


@gone
def test_writing_goes_on_when_the_file_is_moved_back(api, path, go_away):
    clients = [api.create()]
    moved = go_away(path)
    api.post(JORDAN, status=503)
    moved.replace(path)
    api.get("/readyz")
    clients.append(api.create())
    assert_there(api, clients)
    assert damage(path) == []


def test_a_file_that_replaced_the_database_is_left_alone(api, path):
    api.create()
    replace(path)
    found = path.read_bytes()
    api.post(JORDAN, status=503)
    assert_there(api, api.get("/v1/clients").json["data"]["clients"])
    assert path.read_bytes() == found


def test_a_file_that_was_deleted_is_not_made_again(api, path):
    path.unlink()
    api.post(JORDAN, status=503)
    assert not path.exists()


# --- a reader that stays


@contextmanager
def long_reader(app):
    """While this lasts, a snapshot is held open, and the log cannot start over."""
    with app.database.read() as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM clients").fetchall()
        yield


@pytest.fixture
def short_log(app, monkeypatch):
    """The log may have 100 pages."""
    monkeypatch.setattr(wal, "CHECKPOINT_AFTER", 1)
    monkeypatch.setattr(app.database._writer._log, "_max_pages", 100)


def write_until_unavailable(api):
    acknowledged, answer = write_until_full(api)
    assert_unavailable(answer)
    return acknowledged


@pytest.mark.usefixtures("short_log")
def test_a_long_reader_does_not_let_the_log_grow_forever(app, api, path):
    with long_reader(app):
        write_until_unavailable(api)
        size = os.path.getsize(f"{path}-wal")
        for _ in range(10):
            api.post(JORDAN, status=503)
        assert os.path.getsize(f"{path}-wal") == size < 200 * 4096


@pytest.mark.usefixtures("short_log")
def test_a_server_whose_log_is_too_long_is_not_ready(app, api):
    with long_reader(app):
        write_until_unavailable(api)
        assert failed_checks(api) == {"write"}


@pytest.mark.usefixtures("short_log")
def test_writing_goes_on_when_the_reader_is_done(app, api):
    with long_reader(app):
        clients = write_until_unavailable(api)
    clients.append(api.create())
    assert_there(api, clients)
