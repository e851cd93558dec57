"""Ctrl-C ends every command within 2 seconds, and the database stays valid."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from benchmarks import large
from support import warm
from support.server import command
from support.sockets import wait_for

from acare.database.temporary import PREFIX
from acare.maintenance.backup import back_up, verify

CLIENTS = 5000  # so that a command works for a while
FEW = 50  # for one that is stuck anyway

# What a large file takes long for. SQLite waits an hour for a lock, in a thread that Python cannot interrupt:
# it stands for the copying of a log, and for a disk that is slow to sync.
STUCK = """
import sqlite3
from acare.maintenance import backup, restore
from acare.database import connection, copying, file
from acare.store import history
def stuck(*arguments, **options):
    print("stuck", flush=True)
    locking, waiting = (sqlite3.connect("lock.db", timeout=3600) for _ in "12")
    for connection in (locking, waiting):
        connection.execute("BEGIN EXCLUSIVE")
"""

# Each is a command, and where it takes for ever; "" for one that is interrupted while it works.
PLACES = [
    (("backup", "backups"), "backup.sync = stuck"),
    (("backup", "backups"), "backup.check_content = stuck"),
    (("verify", "BACKUP"), "backup.check_content = stuck"),
    (("restore", "BACKUP"), "restore.sync = stuck"),
    (("restore", "BACKUP"), "restore.copy_file = stuck"),
    (("compact",), "from acare.database import database; database.Database.rewrite = stuck"),
    (("purge", "--older-than", "1"), "history._purge_some = stuck"),
    (("serve", "--listen", "127.0.0.1:0"), "from acare.database import database; database.migrate = stuck"),
    (("status",), "from acare.cli import status; status.read_status = stuck"),
]


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A database and its backup."""
    return made_in(tmp_path_factory.mktemp("large"), CLIENTS)


@pytest.fixture(scope="module")
def small_template(tmp_path_factory):
    return made_in(tmp_path_factory.mktemp("small"), FEW)


def made_in(folder, clients):
    large.make(folder / "acare.db", clients)
    return folder / "acare.db", back_up(folder / "acare.db", folder / "made")


@pytest.fixture
def path(tmp_path, template):
    path = tmp_path / "acare.db"
    path.write_bytes(template[0].read_bytes())
    return path


def interrupt(tmp_path, template, arguments, before="", after=0.0):
    """Run a command and interrupt it so many seconds after its first line.

    Its exit code, and the seconds from the signal to its end.
    """
    words = [str(template[1]) if word == "BACKUP" else word for word in arguments]
    where = [] if arguments[0] == "verify" else ["--database", "acare.db"]
    with warm.Popen(
        command(*words, *where, before=before), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            process.stdout.readline()
            time.sleep(after)
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            process.communicate(timeout=10)
            return process.returncode, time.monotonic() - began
        finally:
            process.kill()


def content(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM clients").fetchall()


@pytest.mark.parametrize(("arguments", "place"), PLACES, ids=lambda value: value if value == "" else None)
def test_a_command_that_is_stuck_ends_within_2_seconds(tmp_path, small_template, arguments, place):
    path = tmp_path / "acare.db"
    path.write_bytes(small_template[0].read_bytes())
    into_sqlite = 0.05
    code, seconds = interrupt(tmp_path, small_template, arguments, STUCK + place, into_sqlite)
    assert (code, seconds < 2) == (130, True)
    assert content(path) == [(FEW,)]


WORKING = [
    ("backup", "backups"),
    ("verify", "BACKUP"),
    ("restore", "BACKUP"),
    ("compact",),
    ("purge", "--older-than", "1"),
]
BEGUN = """
import acare.database.copying as copying, acare.store.history as history
from acare.database.database import Database
copying._TICK_STEPS = 500
from acare.cli import progress
report = progress.ProgressLine.__call__
def show(self, *arguments):
    if not hasattr(self, "begun"):
        self.begun = print("begun", flush=True) or True
    report(self, *arguments)
progress.ProgressLine.__call__ = show
history.PURGE_ROWS = 1
"""


@pytest.mark.parametrize("arguments", WORKING, ids=lambda arguments: arguments[0])
def test_a_command_that_works_ends_at_once_and_leaves_nothing(tmp_path, template, path, arguments):
    code, seconds = interrupt(tmp_path, template, arguments, BEGUN)
    assert (code, seconds < 1) == (130, True)
    assert content(path) == [(CLIENTS,)]
    left = [each.name for each in tmp_path.rglob("*") if each.is_file() and each.name != "acare.db"]
    assert [name for name in left if name.startswith(PREFIX) or ".db" in name] == []


def test_an_interrupted_purge_goes_on_the_next_time(tmp_path, template, path):
    interrupt(tmp_path, template, ("purge", "--older-than", "1"), BEGUN)
    line = command("purge", "--older-than", "1", "--database", "acare.db")
    ended = warm.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM client_history").fetchall() == [(0,)]


def test_a_verification_cannot_be_interrupted_into_success(template, tmp_path):
    """SQLite reports an interrupted check as an error, not as a file that is intact."""
    code, _ = interrupt(tmp_path, template, ("verify", "BACKUP"), BEGUN)
    assert code == 130
    assert verify(template[1]) == CLIENTS


# A large file that is deleted, but still open, as VACUUM's copy of the database.
HOLD = """
import os, sys, time
from acare.cli.interrupts import ended_in_time
fork = os.fork
os.fork = lambda: time.sleep(0.2) or fork()  # it is slow to make a child
with ended_in_time(60), open(sys.argv[1], "w") as file:
    os.unlink(sys.argv[1])
    try:
        print(os.fstat(file.fileno()).st_ino, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        file.close()
        print("closed", flush=True)
        sys.stdin.read()
"""


def holders(inode):
    """The descriptors of all processes that have a file open."""
    found = []
    for each in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if each.stat().st_ino == inode:
                found.append(each)
    return found


def test_a_large_file_is_freed_after_the_command_has_ended(tmp_path):
    """Freeing it takes a while, in which no process can be ended."""
    line = [sys.executable, "-c", HOLD, str(tmp_path / "large")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        inode = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "closed\n"
        (child,) = holders(inode)
        wait_for(lambda: not child.with_name("1").exists())  # a pipe must end with the command
        process.stdin.close()
        assert process.wait() == 0
    wait_for(lambda: not holders(inode))
