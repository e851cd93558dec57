"""Files and the disk: temporary files and syncing, the owner of a file, and access errors."""

import fcntl
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Free bytes on the disk that SQLite needs to open a database: for the index of the log.
_OPENING_BYTES = 32 * 1024

#: Seconds for which a folder may be locked by a process that removes temporary files.
LOCK_SECONDS = 1.0

#: The prefix of temporary files.
PREFIX = ".acare-tmp-"


def beside(path: Path, suffix: str) -> Path:
    """A file next to a database, such as ``-wal``: next to the target of a symbolic link, as in SQLite."""
    path = path.resolve()
    return path.with_name(f"{path.name}{suffix}")


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file next to ``target``, mode 0600, that is deleted at the end unless it was renamed.

    First removes the files that killed processes left in this folder. An OSError in the body that names no
    file, such as the error of a full disk, names ``target`` afterwards.
    """
    folder = target.absolute().parent
    remove_temporary_files(folder)
    lock = os.open(folder, os.O_RDONLY)
    try:
        _lock(lock)
        handle, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            _remove(folder, name.rpartition("/")[2])
    except OSError as error:
        if error.filename is None:
            error.filename = str(target)
        raise
    finally:
        os.close(lock)


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder. Failures are ignored.

    Removes none while a process uses one in this folder: it has the folder locked.
    """
    with suppress(OSError):
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(folder, PREFIX)
        finally:
            os.close(lock)


def _lock(folder: int) -> None:
    """Keep others from removing temporary files. Goes on without a lock if the folder has none, as on some
    network file systems, or if another program keeps it locked.
    """
    give_up = time.monotonic() + LOCK_SECONDS
    with suppress(OSError):
        while time.monotonic() < give_up:
            with suppress(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            time.sleep(0.01)


def _remove(folder: Path, prefix: str) -> None:
    """Remove temporary files, and SQLite's files next to them."""
    for path in folder.glob(f"{prefix}*"):
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def copy_owner(source: os.stat_result, target: Path) -> None:
    """Give ``target`` the owner and group of ``source``; PermissionError if this process may not do that."""
    current = target.lstat()
    if (current.st_uid, current.st_gid) != (source.st_uid, source.st_gid):
        # Never through a symbolic link: the user of the folder could have put one there for root to follow.
        os.chown(target, source.st_uid, source.st_gid, follow_symlinks=False)


def describe_owner(path: Path) -> str:
    """``belongs to acare, mode 0600``, for an error message; for another user's file, also what to do."""
    status = path.stat()
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        name = str(status.st_uid)
    text = f"belongs to {name}, mode {stat.S_IMODE(status.st_mode):04o}"
    if status.st_uid == os.geteuid():
        return text
    return f"{text}; run the command as this user (for a service: /usr/local/bin/acare)"


def explain_access(path: Path) -> str:
    """A clause for the error that a database cannot be used; empty if there is nothing to explain.

    It names the owner of the file or folder that this process may not use, or a full disk. (A log has the
    owner of its file.)
    """
    folder = Path(os.path.realpath(path)).parent  # unlike resolve(), it accepts a loop of links
    with suppress(OSError):
        for target, needed in ((path, os.R_OK | os.W_OK), (folder, os.W_OK | os.X_OK)):
            if os.path.exists(target) and not os.access(target, needed):
                return f"; {target} {describe_owner(target)}"
        if shutil.disk_usage(folder).free < _OPENING_BYTES:
            return "; the disk is full"
    return ""
