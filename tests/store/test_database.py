"""A database: its readers, its settings, a file that goes away, and the end."""

from __future__ import annotations

import functools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from acare.errors import DatabaseRefused, StoreUnavailable
from acare.store import database as database_module
from acare.store.database import Database

INSERT_USER = "INSERT INTO users (id, email, role) VALUES (:id, :id, 'agent')"
COUNT_USERS = "SELECT count(*) FROM users"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acare.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(path)) as database:
        yield database


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection that is made while the test runs. Ask for it before the database."""
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recording(*arguments: Any, **options: Any) -> sqlite3.Connection:
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", recording)
    return made


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1").fetchall()
    except sqlite3.ProgrammingError:
        return False
    return True


def add_user(database: Database, number: int = 1) -> None:
    database.write(lambda connection: connection.execute(INSERT_USER, {"id": f"{number:036}"}).fetchall())


def count_users(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(COUNT_USERS).fetchone()[0]


# --- readers


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.execute(INSERT_USER, {"id": "0" * 36})


def test_a_reader_can_still_not_write_when_it_is_borrowed_again(database: Database) -> None:
    count_users(database)
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.execute(INSERT_USER, {"id": "0" * 36})


def test_reading_again_and_again_takes_one_connection(
    connections: list[sqlite3.Connection], database: Database
) -> None:
    count_users(database)
    before = len(connections)
    for _ in range(50):
        count_users(database)
    assert len(connections) == before


def test_there_are_no_more_readers_than_threads_that_read_at_once(
    connections: list[sqlite3.Connection], database: Database
) -> None:
    before = len(connections)
    everybody_reads = threading.Barrier(4)

    def read() -> None:
        for _ in range(20):
            with database.read() as connection:
                connection.execute(COUNT_USERS).fetchone()
                everybody_reads.wait(10)

    threads = [threading.Thread(target=read, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(connections) == before + 4


def test_what_a_reader_began_is_over_for_the_next_one(database: Database) -> None:
    with database.read() as connection:
        connection.execute("BEGIN")
    with database.read() as connection:
        assert not connection.in_transaction


def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    count_users(database)
    add_user(database)
    assert count_users(database) == 1


def test_a_reader_sees_one_snapshot_from_begin_on(database: Database) -> None:
    with database.read() as connection:
        connection.execute("BEGIN")
        before = connection.execute(COUNT_USERS).fetchone()
        add_user(database)
        assert connection.execute(COUNT_USERS).fetchone() == before


def test_reading_does_not_wait_for_a_write_that_is_not_committed(database: Database) -> None:
    def write(connection: sqlite3.Connection) -> int:
        connection.execute(INSERT_USER, {"id": "0" * 36})
        return count_users(database)  # on a connection of its own, in the midst of the transaction

    assert database.write(write) == 0


def test_a_busy_database_is_a_domain_error(database: Database) -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable, match="Another process"), database.read():
        raise busy


def test_what_is_wrong_with_a_statement_is_told_as_it_is(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), database.read() as connection:
        connection.execute("SELECT * FROM nowhere")


# --- settings


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 5000),
        ("query_only", 0),
    ],
)
def test_the_writing_connection_is_set_up(database: Database, pragma: str, value: object) -> None:
    assert database.write(lambda c: c.execute(f"PRAGMA {pragma}").fetchall()) == [(value,)]


def test_no_connection_checkpoints_by_itself(
    connections: list[sqlite3.Connection], database: Database
) -> None:
    count_users(database)
    add_user(database)
    found = [c.execute("PRAGMA wal_autocheckpoint").fetchone() for c in connections if is_open(c)]
    assert found == [(0,)] * 3  # one that writes, one that checkpoints, one that reads


def test_a_file_that_cannot_have_a_write_ahead_log_is_refused(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    class WithoutWal(sqlite3.Connection):
        """As on a file system without shared memory, where WAL is declined without an error."""

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            return super().execute(re.sub(r"(?i)=\s*wal\b", "= DELETE", statement), *values)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=WithoutWal))
    with pytest.raises(DatabaseRefused):
        Database(path).close()


# --- the file goes away


def remove(path: Path) -> Path:
    return path.rename(path.with_name("moved.db"))


def replace(path: Path) -> Path:
    moved = path.with_name("moved.db")
    shutil.copy(path, path.with_name("copy.db"))
    path.rename(moved)
    path.with_name("copy.db").rename(path)
    return moved


@pytest.mark.parametrize("go_away", [remove, replace])
def test_a_write_is_refused_when_the_file_was_replaced(
    database: Database, path: Path, go_away: Callable[[Path], Path]
) -> None:
    go_away(path)
    with pytest.raises(StoreUnavailable):
        add_user(database)


@pytest.mark.parametrize("go_away", [remove, replace])
def test_a_later_write_is_lost_when_the_file_was_replaced(
    database: Database, path: Path, go_away: Callable[[Path], Path], caplog: pytest.LogCaptureFixture
) -> None:
    moved = go_away(path)
    database.write_later(lambda connection: connection.execute(INSERT_USER, {"id": "0" * 36}).rowcount)
    with pytest.raises(StoreUnavailable):
        add_user(database)
    moved.replace(path)
    assert (count_users(database), "missing or was replaced" in caplog.text) == (0, True)


@pytest.mark.parametrize("go_away", [remove, replace])
def test_writing_goes_on_when_the_file_is_back(
    database: Database, path: Path, go_away: Callable[[Path], Path]
) -> None:
    add_user(database, 1)
    moved = go_away(path)
    with pytest.raises(StoreUnavailable):
        add_user(database, 2)
    moved.replace(path)
    add_user(database, 3)
    assert count_users(database) == 2


def test_a_new_reader_does_not_make_a_file_where_the_database_was(database: Database, path: Path) -> None:
    remove(path)
    with pytest.raises(StoreUnavailable), database.read(), database.read() as connection:
        connection.execute(COUNT_USERS)
    assert not path.exists()


def test_nor_if_the_file_goes_away_at_that_very_moment(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def remove_first(*arguments: Any, **options: Any) -> sqlite3.Connection:
        remove(path)
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", remove_first)
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.execute(COUNT_USERS)
    assert not path.exists()


def test_what_was_written_is_all_there_when_the_file_is_back(database: Database, path: Path) -> None:
    add_user(database, 1)
    moved = remove(path)
    with pytest.raises((StoreUnavailable, sqlite3.Error)), database.read(), database.read() as connection:
        connection.execute(COUNT_USERS)
    moved.replace(path)
    assert count_users(database) == 1


def test_a_new_reader_does_not_read_another_file_than_the_others(database: Database, path: Path) -> None:
    add_user(database, 1)
    with database.read():
        replace(path)
        with pytest.raises(StoreUnavailable):
            count_users(database)


READ_OUTSIDE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(*connection.execute("SELECT count(*) FROM users").fetchone())
connection.close()
"""


def read_in_another_process(path: Path) -> str:
    command = [sys.executable, "-c", READ_OUTSIDE, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def test_another_process_that_opens_and_closes_keeps_the_log(database: Database, path: Path) -> None:
    add_user(database, 1)
    read_in_another_process(path)
    add_user(database, 2)
    assert read_in_another_process(path) == "2"


def test_a_second_database_in_the_process_keeps_the_log(database: Database, path: Path) -> None:
    """POSIX gives up all locks of a process on a file when it closes any handle to it.

    (sqlite.org/howtocorrupt.html, 2.2) A second database that is refused would do as well.
    """
    add_user(database, 1)
    with suppress(DatabaseRefused):
        Database(path).close()
    read_in_another_process(path)
    add_user(database, 2)
    assert read_in_another_process(path) == "2"


# --- checks


class Watch:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def checked(path: Path, watch: Watch) -> Iterator[Database]:
    with closing(Database(path, busy_seconds=0.05, clock=watch)) as database:
        yield database


def log_frames(path: Path) -> int:
    return os.path.getsize(f"{path}-wal") // (24 + 4096)


def count_commits(database: Database) -> list[str]:
    """Every COMMIT from now on."""
    commits: list[str] = []
    note = lambda statement: commits.append(statement) if statement == "COMMIT" else None  # noqa: E731
    database._writer._connection.set_trace_callback(note)
    return commits


def test_the_write_check_writes_one_page(checked: Database, path: Path) -> None:
    add_user(checked)
    before = log_frames(path)
    assert checked.run_checks()["write"] == "ok"
    assert log_frames(path) == before + 1


def test_the_write_check_changes_nothing(checked: Database, path: Path) -> None:
    dumps = []
    for check in (lambda: {}, checked.run_checks):
        check()
        with closing(sqlite3.connect(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()
            dumps.append((version, *connection.iterdump()))
    assert dumps[0] == dumps[1]


def test_a_flood_of_checks_costs_one_commit_a_second(checked: Database, watch: Watch) -> None:
    commits = count_commits(checked)
    for step in (0, 999_999_999, 1, 999_999_999, 1):
        watch.now += step
        for _ in range(20):
            checked.run_checks()
    assert len(commits) == 3


def test_checks_at_the_same_time_share_one_commit(checked: Database) -> None:
    commits = count_commits(checked)
    threads = [threading.Thread(target=checked.run_checks, daemon=True) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(commits) == 1


def test_a_failed_check_is_reused_for_a_second_too(checked: Database, path: Path, watch: Watch) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        failed = checked.run_checks()["write"]
    assert failed == checked.run_checks()["write"] == "Another process is writing to the database."
    watch.now += database_module.CHECK_EVERY
    assert checked.run_checks()["write"] == "ok"


def test_a_check_does_not_wait_long_for_another_one(
    checked: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the disk is stuck: one caller waits for it, the others are answered."""
    monkeypatch.setattr(database_module, "CHECK_WAIT_SECONDS", 0.05)
    stuck, released = threading.Event(), threading.Event()

    def be_stuck(connection: sqlite3.Connection) -> None:
        stuck.set()
        released.wait(10)

    threads = [threading.Thread(target=checked.write, args=(be_stuck,), daemon=True)]
    threads[0].start()
    assert stuck.wait(10)
    threads.append(threading.Thread(target=checked.run_checks, daemon=True))
    threads[1].start()
    while not checked._checking.locked():
        time.sleep(0.001)
    assert checked.run_checks()["write"] == "A write has not finished yet."
    released.set()
    for thread in threads:
        thread.join(10)


LIMITED_FILES = """
import resource, sys
from pathlib import Path
from acare.errors import StoreUnavailable
from acare.store import database as database_module
from acare.store.database import Database

database = Database(Path(sys.argv[1]), clock=iter(range(0, 10**12, 10**9)).__next__)
print(database.run_checks()["write"])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
database.write(lambda connection: None)  # a transaction can begin and end
print(database.run_checks()["write"])
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(database.run_checks()["write"])
database.close()
"""


def test_the_write_check_fails_when_files_may_not_grow(path: Path) -> None:
    command = [sys.executable, "-c", LIMITED_FILES, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    before, limited, after = ended.stdout.splitlines()
    assert (before, after) == ("ok", "ok"), ended.stderr
    assert limited in ("The disk is full.", "The disk cannot be read or written.")


# --- the end


def test_closing_closes_every_connection(connections: list[sqlite3.Connection], path: Path) -> None:
    database = Database(path)
    add_user(database)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(database.read()).execute(COUNT_USERS)
    database.close()
    assert [c for c in connections if is_open(c)] == []


def test_whoever_reads_at_the_end_closes_theirs(connections: list[sqlite3.Connection], path: Path) -> None:
    database = Database(path)
    with database.read() as connection:
        database.close()
        connection.execute(COUNT_USERS).fetchall()
    assert [c for c in connections if is_open(c)] == []


def test_a_read_after_the_end_leaves_no_connection_open(
    connections: list[sqlite3.Connection], path: Path
) -> None:
    database = Database(path)
    database.close()
    with suppress(StoreUnavailable):
        count_users(database)
    assert [c for c in connections if is_open(c)] == []


def test_the_end_leaves_one_whole_file(path: Path) -> None:
    database = Database(path)
    add_user(database)
    count_users(database)
    database.close()
    assert os.listdir(path.parent) == [path.name]


def test_what_was_written_is_there_in_the_next_start(path: Path) -> None:
    with closing(Database(path)) as database:
        add_user(database)
    with closing(Database(path)) as database:
        assert count_users(database) == 1


def test_a_database_that_is_refused_leaves_no_connection_open(
    connections: list[sqlite3.Connection], path: Path
) -> None:
    Database(path).close()
    os.truncate(path, path.stat().st_size // 2)  # a copy that was cut off
    with pytest.raises(DatabaseRefused):
        Database(path)
    assert [c for c in connections if is_open(c)] == []


def test_a_file_that_sqlite_cannot_open_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(path).close()

    def fail(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", fail)
    with pytest.raises(DatabaseRefused, match="unable to open"):
        Database(path)


CLOSE_WHILE_WORKING = f"""
import gc, itertools, sys, threading, time
from pathlib import Path
from acare.store import database as database_module
from acare.store.database import Database

numbers = itertools.count()

def read(database, stop):
    while not stop.is_set():
        try:
            with database.read() as connection:
                connection.execute({COUNT_USERS!r}).fetchall()
        except Exception:
            pass

def write(database, stop):
    while not stop.is_set():
        try:
            row = {{"id": f"{{next(numbers):036}}"}}
            database.write(lambda c: c.execute({INSERT_USER!r}, row).fetchall())
        except Exception:
            pass

for _ in range(3):
    database, stop = Database(Path(sys.argv[1])), threading.Event()
    works = [write] * 6 + [read] * 2
    threads = [threading.Thread(target=work, args=(database, stop), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    database.close()
    stop.set()
    for thread in threads:
        thread.join(5)
        if thread.is_alive():
            sys.exit("a thread hangs")
    del database
    gc.collect()
"""


def test_closing_while_threads_work_neither_crashes_nor_hangs(path: Path) -> None:
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", CLOSE_WHILE_WORKING, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, "")
