"""The record of a failed checkpoint, a file next to the database, which every process that uses it obeys.

What such a checkpoint copied may be lost, and SQLite does not copy it again while a process has the database
open: it counts what was copied in the ``-shm`` file. So no process may write or checkpoint until all have
closed it. The next one that opens it starts that count, and the copying, from the beginning of the log.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from acare.database import file
from acare.errors import DatabaseRefused

#: Why nothing is written, and what to do.
FAILURE = (
    "A checkpoint failed: the disk has an error. Check the disk, stop every process that has the database "
    "open ('acare status' lists them), and restart the server."
)


def record(database: str | Path) -> None:
    """Record that a checkpoint has failed. On a disk with an error this may fail too, which is ignored."""
    with suppress(OSError):
        os.close(os.open(_place(database), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def is_recorded(database: str | Path) -> bool:
    """Whether a checkpoint has failed, and a process may still have the database open since then."""
    return os.path.exists(_place(database))


def clear_if_over(database: Path) -> None:
    """Before the database is opened, remove the record if no process has it open.

    DatabaseRefused where the system cannot tell: on macOS, or where /proc/locks is hidden.
    """
    database = database.resolve()
    if not is_recorded(database):
        return
    processes = file.processes_using(database)
    if processes is None:
        raise DatabaseRefused(
            f"{database}: a checkpoint has failed: the disk has an error. Check the disk, stop every process "
            f"that has the database open, and delete {_place(database)}"
        )
    if not processes:
        with suppress(FileNotFoundError):
            os.unlink(_place(database))


def _place(database: str | Path) -> str:
    return f"{database}-checkpoint-failed"
