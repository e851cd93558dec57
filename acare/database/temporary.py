"""Temporary files next to databases and backups, and removing those of killed processes.

Each temporary file has a lock file next to it, which its process keeps locked while it runs. The lock is not
on the temporary file itself: on a network file system it could conflict with SQLite's own locks.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".acare-tmp-"

_LOCK = ".lock"

#: What is downloaded for an import has this prefix. It must survive a killed process, which continues it, and
#: is a leftover after a day.
DOWNLOAD_PREFIX = ".acare-import-"
_DOWNLOAD_SECONDS = 24 * 60 * 60

# A database can have the first three next to it. The file is removed after them, and its lock file last.
_ENDINGS = (".tmp-journal", ".tmp-wal", ".tmp-shm", ".tmp")


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file next to ``target``, mode 0600, that is deleted at the end unless it was renamed.

    An OSError in the body that names no file, such as that of a full disk, names ``target`` afterwards.
    """
    handle, lock = _create_lock(target.parent)
    path = lock.with_suffix(".tmp")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        yield path
    except OSError as error:
        if error.filename is None:
            error.filename = str(target)
        raise
    finally:
        try:
            _remove(lock)
        finally:
            os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that have ended. Failures are ignored."""
    with suppress(OSError):
        for lock in folder.glob(f"{PREFIX}*{_LOCK}"):
            with suppress(OSError):
                _remove_if_left(lock)
        remove_downloads(folder, _DOWNLOAD_SECONDS)


def remove_downloads(folder: Path, older_than: float = 0) -> None:
    """Remove what was downloaded for imports, if it did not change for so many seconds."""
    for path in folder.glob(f"{DOWNLOAD_PREFIX}*"):
        with suppress(FileNotFoundError):  # another process removed it
            if time.time() - path.stat().st_mtime >= older_than:
                path.unlink()


def make_folder(folder: Path) -> None:
    """Create a folder, mode 0700, and those above it that are missing; each name survives a power failure."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        sync(each.parent)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _create_lock(folder: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=_LOCK, dir=folder)
        try:
            if _try_to_lock(handle) and os.path.exists(name):
                return handle, Path(name)  # otherwise another process removed it before it was locked
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _try_to_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # if files cannot be locked here, temporary files are never removed
    return True


def _remove_if_left(lock: Path) -> None:
    handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its process is running
        _remove(lock)
    finally:
        os.close(handle)


def _remove(lock: Path) -> None:
    for ending in (*_ENDINGS, _LOCK):
        lock.with_suffix(ending).unlink(missing_ok=True)
