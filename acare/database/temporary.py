"""Temporary files next to databases and backups, and syncing.

A temporary file has a fixed prefix. A killed process leaves it; once it is a day old, the next command or
start that works in the folder removes it.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".acare-tmp-"

#: Seconds without a change after which no process uses a temporary file any more.
MAX_AGE = 24 * 60 * 60


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file next to ``target``, mode 0600, that is deleted at the end unless it was renamed.

    An OSError in the body that names no file, such as the error of a full disk, names ``target`` afterwards.
    """
    handle, name = tempfile.mkstemp(prefix=PREFIX, dir=target.absolute().parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    except OSError as error:
        if error.filename is None:
            error.filename = str(target)
        raise
    finally:
        for suffix in ("-journal", "-wal", "-shm", ""):  # a database can have the first three next to it
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder. Failures are ignored."""
    with suppress(OSError):
        for path in folder.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > MAX_AGE:
                    path.unlink()


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
