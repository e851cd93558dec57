"""Long operations on large files, made in pieces so that they can be interrupted and report progress."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: Called with the name of a step, the amount done, the total, and their unit: "B" for bytes, a plural such as
#: "rows", or "" if only the ratio is meaningful.
Report = Callable[[str, int, int, str], None]

#: Bytes after which a file that is being written is synced: each sync is short, so that other writers do not
#: wait for long.
SYNC_BYTES = 32 * 1024 * 1024

_PIECE = 1024 * 1024
_TICK_STEPS = 20_000  # of SQLite's virtual machine, between two calls: a millisecond or two

# The second is an estimate: a count of the history of a large file takes seconds.
ROWS = """
SELECT
    (SELECT count(*) FROM clients),
    (SELECT coalesce(max(rowid), 0) FROM client_history)
"""


def silent(step: str, done: int, total: int, unit: str) -> None:
    """Reports nothing."""


def copy_file(source: Path, target: Path, report: Report = silent) -> str:
    """Copy a file into an existing one and sync it. Returns the SHA-256 of the copied bytes, in hex."""
    digest = hashlib.sha256()
    with source.open("rb") as reading, target.open("r+b", buffering=0) as writing:
        total, done = os.fstat(reading.fileno()).st_size, 0
        while piece := reading.read(_PIECE):
            digest.update(piece)
            while piece:
                piece = piece[writing.write(piece) or 0 :]
            done += _PIECE
            if done % SYNC_BYTES == 0:
                os.fsync(writing.fileno())
            report("Copying", min(done, total), total, "B")
        os.fsync(writing.fileno())
    return digest.hexdigest()


def sha256(path: Path, report: Report = silent) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        total, done = os.fstat(content.fileno()).st_size, 0
        while piece := content.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            report("Computing the checksum", done, total, "B")
    return digest.hexdigest()


def estimate_steps(connection: sqlite3.Connection, client: int, old_version: int) -> int:
    """SQLite's steps for an operation: ``client`` for each client, ``old_version`` for each old version."""
    clients, old_versions = connection.execute(ROWS).fetchone()
    return int(clients * client + old_versions * old_version)


@contextmanager
def interruptible(connection: sqlite3.Connection, progress: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C interrupt the statements of a connection in the ``with``, if this is the main thread.

    ``progress`` is called every few milliseconds: Python runs its signal handlers only between two of its own
    instructions, and a statement runs some only there.
    """
    connection.set_progress_handler(progress, _TICK_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None  # the sqlite3 module has dropped it
        raise
    finally:
        connection.set_progress_handler(None, 0)


def in_background(work: Callable[[], T]) -> T:
    """The result of ``work``, which runs only when the processor is otherwise idle. Linux only.

    In a thread of its own, which ends: only root can raise the priority of a thread again.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        if hasattr(os, "SCHED_IDLE"):
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return outcome.result()
