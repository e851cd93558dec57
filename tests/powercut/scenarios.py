"""What servers, writers and commands do while they are recorded, to be cut off later at any instant.

Each scenario fills a ``Recording``; ``aftermath.py`` has the checks.
"""

import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from powercut.aftermath import HISTORY, client_rows
from powercut.recording import WRITES, Recording, Step
from support import old_schema
from support.crash import ALWAYS_CHECKPOINT, rows

CHECKPOINT_OFTEN = "import acare.database.wal as wal; wal.CHECKPOINT_AFTER = 4"
CHECKPOINT_NEVER = "import acare.database.wal as wal; wal.CHECKPOINT_AFTER = 10**9"


def plain(recording: Recording, before: str = "") -> None:
    """One server, with backups and an erasure beside the writers."""
    recording.make_key()
    recording.begin()
    with recording.serving(before) as address:
        victims = recording.create_victims(address, 4)
        with recording.writing([address], times=120):  # the log is copied, and they go on after the backup
            recording.run("backup", "backup", recording.folder / "backups", "--create-folder")
            recording.erase(victims[0])
            recording.erase(victims[1])


def served(recording: Recording, before: str = "", servers: int = 1) -> None:
    """Servers on one file, and nothing else."""
    recording.make_key()
    recording.begin()
    with ExitStack() as stack:
        addresses = [stack.enter_context(recording.serving(before)) for _ in range(servers)]
        with recording.writing(addresses):
            pass


def failing_syncs(recording: Recording) -> None:
    """One sync of the log in four fails. Writers ask again until they are answered."""
    recording.failing_syncs = 4
    served(recording, CHECKPOINT_NEVER)  # a checkpoint that fails stops all writing


def restarts_after_failed_syncs(recording: Recording) -> None:
    """A sync of the log fails, the server is killed at once, and another one goes on with what is left."""
    recording.make_key()
    recording.begin()
    for _ in range(3):
        recording.failing_syncs = 5
        with (
            may_not_start(),
            recording.serving(CHECKPOINT_NEVER, end=signal.SIGKILL) as address,
            recording.writing([address], writers=1, times=200, on_refusal="stop"),
        ):
            pass
        recording.failing_syncs = 0
        write_until_killed(recording, CHECKPOINT_NEVER, times=10)


@contextmanager
def may_not_start() -> Iterator[None]:
    """The syncs that make safe what a killed server left may fail too; a server then refuses to start."""
    try:
        yield
    except AssertionError as error:
        if "its log cannot be written" not in str(error):
            raise


def failing_checkpoints(recording: Recording, servers: int = 1, end: int = signal.SIGTERM) -> None:
    """Checkpoints are stopped half way by readers, then a sync of the database fails, then all is well."""
    recording.make_key()
    recording.begin()
    recording.fail_on = ".db"
    for _ in range(3):
        recording.failing_syncs = 4
        with may_not_start(), ExitStack() as stack:
            running = [recording.serving(CHECKPOINT_OFTEN, end=end) for _ in range(servers)]
            addresses = [stack.enter_context(server) for server in running]
            stack.enter_context(old_snapshots(recording.database))
            stack.enter_context(recording.writing(addresses, times=60, on_refusal="stop"))
        recording.failing_syncs = 0
        write_until_killed(recording, CHECKPOINT_OFTEN, times=10)


def failing_checkpoints_of_two(recording: Recording) -> None:
    """The same with two servers: when the sync of the one has failed, the other must not checkpoint."""
    failing_checkpoints(recording, servers=2, end=signal.SIGKILL)


def write_until_killed(recording: Recording, before: str = "", times: int = WRITES) -> None:
    """A server is killed after some writes."""
    with (
        recording.serving(before, end=signal.SIGKILL) as address,
        recording.writing([address], times=times),
    ):
        pass


@contextmanager
def old_snapshots(database: Path) -> Iterator[None]:
    """Readers, at all times, each of which keeps its snapshot for a while."""
    over = threading.Event()

    def read() -> None:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            while not over.is_set():
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM clients").fetchall()
                over.wait(0.02)
                connection.execute("ROLLBACK")
                over.wait(0.01)

    thread = threading.Thread(target=read)
    thread.start()
    yield
    over.set()
    thread.join()


def two_servers(recording: Recording) -> None:
    """Checkpoints of one meet commits of the other."""
    served(recording, CHECKPOINT_OFTEN, servers=2)


def checkpoints(recording: Recording) -> None:
    """A checkpoint after each write."""
    served(recording, ALWAYS_CHECKPOINT)


def first_start(recording: Recording) -> None:
    """There is no file yet."""
    recording.begin()
    with recording.serving() as address:
        step = recording.run("key", "key", "create", "--user", "broker@example.com", "--role", "broker",
                             "--scope", "all:read,write")  # fmt: skip
        recording.key = step.printed.split()[0]
        with recording.writing([address], times=5):
            pass


def restore(recording: Recording) -> None:
    """A backup takes the place of a database that a killed server left, with writes in its log."""
    recording.make_key()
    backups = recording.folder / "backups"
    backups.mkdir()
    write_until_killed(recording)
    recording.run("backup", "backup", backups)
    write_until_killed(recording)
    (backup,) = backups.glob("*.db")
    recording.before = {"old": client_rows(recording.database), "new": client_rows(backup)}
    recording.begin()
    recording.run("restore", "restore", backup)


def migration(recording: Recording) -> None:
    """A server opens a file that an earlier acare made, of schema 4."""
    old_schema.write_to(recording.database)
    recording.key = old_schema.BROKER
    recording.before = {"rows": (client_rows(recording.database), rows(recording.database, HISTORY))}
    recording.begin()
    with recording.serving():
        recording.steps["migration"] = Step(recording.begun, time.monotonic_ns(), "")


#: Each scenario, and its cuts for each 60 that are asked for.
SCENARIOS: dict[Callable[[Recording], None], int] = {
    plain: 12,
    failing_syncs: 8,
    restarts_after_failed_syncs: 6,
    failing_checkpoints: 6,
    failing_checkpoints_of_two: 4,
    two_servers: 8,
    checkpoints: 8,
    first_start: 6,
    restore: 6,
    migration: 6,
}
