"""A database file: creating one, and refusing files that acare should not open, unchanged."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acare.errors import DatabaseRefused
from acare.store import file, schema
from acare.store.database import Database
from acare.store.keys import KeyStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "acare.db"


def open_and_close(path: Path) -> None:
    Database(path).close()


def make_with_key(path: Path, email: str = "first@example.com") -> None:
    """A database with one key in it."""
    with closing(Database(path)) as database:
        KeyStore(database).create(email, {})


def emails(path: Path) -> list[str]:
    """Whose keys are in it."""
    with closing(Database(path)) as database:
        return sorted(key["email"] for key in KeyStore(database).list())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of the folder and what is in it."""
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


# --- creating one


def test_only_its_owner_can_read_a_new_file(path: Path) -> None:
    open_and_close(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("application_id", file.APPLICATION_ID), ("user_version", schema.SCHEMA_VERSION)],
)
def test_a_new_file_has_application_id_and_version(path: Path, pragma: str, value: int) -> None:
    open_and_close(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_the_constants_match_schema_sql() -> None:
    wanted = {
        f"PRAGMA application_id = {file.APPLICATION_ID}",
        f"PRAGMA user_version = {schema.SCHEMA_VERSION}",
    }
    assert wanted <= {line.partition(";")[0] for line in schema.text().splitlines()}


def test_a_new_file_passes_the_integrity_check(path: Path) -> None:
    open_and_close(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_creating_a_file_leaves_no_other_file(path: Path) -> None:
    open_and_close(path)
    assert os.listdir(path.parent) == [path.name]


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    make_with_key(path)
    assert emails(path) == ["first@example.com"]


def test_an_existing_database_is_kept(path: Path) -> None:
    make_with_key(path)
    open_and_close(path)
    assert emails(path) == ["first@example.com"]


def test_a_database_is_found_through_a_symbolic_link(path: Path) -> None:
    make_with_key(path)
    link = path.with_name("link.db")
    link.symlink_to(path)
    assert emails(link) == ["first@example.com"]


# --- several processes at once


@pytest.mark.parametrize("prepare", [lambda path: None, Path.touch], ids=["no file", "no bytes"])
def test_a_database_created_meanwhile_is_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Path], None]
) -> None:
    prepare(path)
    text = schema.text

    def come_between() -> str:
        monkeypatch.setattr(schema, "text", text)
        make_with_key(path)
        return text()

    monkeypatch.setattr(schema, "text", come_between)
    open_and_close(path)
    assert emails(path) == ["first@example.com"]


@pytest.mark.parametrize("prepare", [lambda path: None, Path.touch], ids=["no file", "no bytes"])
def test_a_database_created_and_used_meanwhile_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Path], None]
) -> None:
    prepare(path)
    is_empty = file._is_empty
    first: list[Database] = []

    def come_between(path: Path) -> bool:
        monkeypatch.setattr(file, "_is_empty", is_empty)
        found = is_empty(path)
        first.append(Database(path))  # and stays open, so that its log is there
        KeyStore(first[0]).create("first@example.com", {})
        return found

    monkeypatch.setattr(file, "_is_empty", come_between)
    found = emails(path)
    first[0].close()
    assert found == ["first@example.com"]


def test_opening_a_new_file_waits_for_another_process(path: Path) -> None:
    file.ensure(path)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        done.start()
        try:
            open_and_close(path)
        finally:
            done.join()


@pytest.mark.parametrize("prepare", [lambda path: None, Path.touch], ids=["no file", "no bytes"])
def test_threads_that_create_a_file_at_once_share_it(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    failures: list[BaseException] = []

    def make(path: Path, number: int, start: threading.Barrier) -> None:
        start.wait(10)
        try:
            make_with_key(path, f"{number}@example.com")
        except BaseException as error:
            failures.append(error)

    for attempt in range(10):
        path, start = tmp_path / f"{attempt}.db", threading.Barrier(4)
        prepare(path)
        threads = [threading.Thread(target=make, args=(path, n, start), daemon=True) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert (failures, emails(path)) == ([], [f"{n}@example.com" for n in range(4)])


MAKE_AT_ONCE = """
import sys
from pathlib import Path
from acare.store.database import Database
from acare.store.keys import KeyStore

print("ready", flush=True)
for line in sys.stdin:
    try:
        database = Database(Path(line.rstrip()))
        KeyStore(database).create(f"{sys.argv[1]}@example.com", {})
        answer = "made"
    except Exception as error:
        answer = repr(error)
    print(answer, flush=True)
    sys.stdin.readline()  # it stays open until all have answered
    if answer == "made":
        database.close()
"""


def test_processes_that_create_a_file_at_once_share_it(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE_AT_ONCE, str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(4)
    ]

    def tell(line: str) -> None:
        for process in processes:
            process.stdin.write(f"{line}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]

    def answers() -> list[str]:
        return [process.stdout.readline().rstrip() for process in processes]  # type: ignore[union-attr]

    try:
        assert answers() == ["ready"] * 4
        for attempt in range(20):
            path = tmp_path / f"{attempt}.db"
            tell(str(path))
            assert answers() == ["made"] * 4
            assert emails(path) == [f"{n}@example.com" for n in range(4)]
            tell("close")
    finally:
        for process in processes:
            process.communicate()  # which closes the pipes, and so ends it


# --- failures during creation


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), OSError(28, "No space left")])
def test_a_failed_creation_is_reported_in_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(schema, "text", fail)
    with pytest.raises(DatabaseRefused, match=r"acare\.db: [^\n]+$"):
        Database(path)


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), KeyboardInterrupt()])
def test_a_failed_creation_leaves_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(schema, "text", fail)
    with pytest.raises((DatabaseRefused, KeyboardInterrupt)):
        Database(path)
    assert os.listdir(path.parent) == []


def test_a_schema_that_fails_halfway_leaves_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "text", lambda: "CREATE TABLE half (a); CREATE TABLE half (a);")
    with pytest.raises(DatabaseRefused):
        Database(path)
    assert os.listdir(path.parent) == []


def test_an_installation_without_its_schema_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "__file__", str(path.parent / "acare" / "store" / "schema.py"))
    with pytest.raises(DatabaseRefused, match=r"schema\.sql is missing"):
        Database(path)
    assert os.listdir(path.parent) == []


CRASH = """
import os, sys
from pathlib import Path
from acare.store.database import Database

os.fsync = os.link = os.replace = os.rename = lambda *_: os._exit(9)
Database(Path(sys.argv[1]))
"""


def test_a_crash_during_creation_leaves_no_database(path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", CRASH, str(path)], timeout=30)
    assert (ended.returncode, path.exists()) == (9, False)


def test_a_database_can_be_created_after_a_crash(path: Path) -> None:
    subprocess.run([sys.executable, "-c", CRASH, str(path)], timeout=30)
    make_with_key(path)
    assert emails(path) == ["first@example.com"]


# --- files that are refused and not changed


def not_sqlite(path: Path) -> None:
    path.write_text("Dear diary,\n" * 1000)


def a_few_bytes(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE songs (title); INSERT INTO songs VALUES ('Alba');")


def another_programs_with_its_log(path: Path) -> None:
    """As it stands after a crash: what was written last is in the log alone."""
    elsewhere = path.with_name("elsewhere.db")
    with closing(sqlite3.connect(elsewhere, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE songs (title)")
        connection.execute("INSERT INTO songs VALUES ('Alba')")
        shutil.copy(elsewhere, path)
        shutil.copy(f"{elsewhere}-wal", f"{path}-wal")


def another_programs_with_our_table_names(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE clients (id)")
        connection.execute("PRAGMA user_version = 1")


def of_a_newer_schema(path: Path) -> None:
    make_with_key(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.db"))


def a_log_without_its_database(path: Path) -> None:
    """SQLite would play it into the new file: someone else's pages between ours."""
    make_with_key(path)
    with closing(Database(path)) as database:
        KeyStore(database).create("last@example.com", {})
        log = Path(f"{path}-wal").read_bytes()
    path.unlink()
    Path(f"{path}-wal").write_bytes(log)


def a_log_with_a_file_of_no_bytes(path: Path) -> None:
    a_log_without_its_database(path)
    path.touch()


REFUSED = [
    (not_sqlite, "not an SQLite database"),
    (a_few_bytes, "not an SQLite database"),
    (another_programs, "a database of another program"),
    (another_programs_with_its_log, "a database of another program"),
    (another_programs_with_our_table_names, "a database of another program"),
    (of_a_newer_schema, "created by a newer version of acare"),
    (a_folder, "Is a directory"),
    (a_link_to_nowhere, "No such file or directory"),
    (a_log_without_its_database, "wal"),
    (a_log_with_a_file_of_no_bytes, "wal"),
]


@pytest.mark.parametrize(("make", "reason"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_refusal_is_one_line(path: Path, make: Callable[[Path], None], reason: str) -> None:
    make(path)
    with pytest.raises(DatabaseRefused, match=rf"(?s)\A[^\n]*acare\.db[^\n]*{reason}[^\n]*\Z"):
        Database(path).close()


@pytest.mark.parametrize("make", [make for make, _ in REFUSED], ids=lambda make: make.__name__)
def test_a_refused_file_is_not_changed(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = contents(path.parent)
    with pytest.raises(DatabaseRefused):
        Database(path).close()
    assert contents(path.parent) == before


def test_a_damaged_database_is_called_damaged(path: Path) -> None:
    Database(path).close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 4)
    with pytest.raises(DatabaseRefused, match="damaged; it was not changed"):
        Database(path)


def test_a_missing_folder_is_refused(path: Path) -> None:
    with pytest.raises(
        DatabaseRefused, match=r"\A[^\n]*acare\.db: the folder [^\n]*missing does not exist\Z"
    ):
        Database(path.parent / "missing" / path.name)


def test_a_missing_folder_is_not_created(path: Path) -> None:
    with pytest.raises(DatabaseRefused):
        Database(path.parent / "missing" / path.name)
    assert os.listdir(path.parent) == []


def test_a_read_only_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_with_key(path)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may write whatever the mode says
    with pytest.raises(
        DatabaseRefused, match=r"\A[^\n]*acare\.db: Permission denied; the file belongs to \w+:\w+[^\n]*\Z"
    ):
        Database(path)


def test_a_read_only_file_is_not_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_with_key(path)
    before = contents(path.parent)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(DatabaseRefused):
        Database(path)
    assert contents(path.parent) == before


def test_an_sqlite_that_is_too_old_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 4))
    with pytest.raises(DatabaseRefused, match=r"\ASQLite \S+ is too old: acare needs 3\.40\.0 or newer\Z"):
        Database(path)


def test_an_sqlite_that_is_too_old_creates_no_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 39, 4))
    with pytest.raises(DatabaseRefused):
        Database(path)
    assert os.listdir(path.parent) == []


def test_the_oldest_supported_sqlite_is_accepted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 0))
    open_and_close(path)
