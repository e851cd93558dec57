"""Files and the disk: temporary files and syncing, the owner of a file, and access errors."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: The prefix of temporary folders.
PREFIX = ".acare-tmp-"


def beside(path: Path, suffix: str) -> Path:
    """A file next to a database, such as ``-wal``: next to the target of a symbolic link, as in SQLite."""
    return Path(f"{path.resolve()}{suffix}")


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """An empty file, mode 0600, in a folder of its own next to ``target``, which is deleted at the end.

    First removes the folders that killed processes left. An OSError in the body that names no file, as on a
    full disk, names ``target`` afterwards.
    """
    parent = target.absolute().parent
    remove_temporary_files(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        error.filename = str(parent)  # the folder that is missing or cannot be written
        raise
    lock = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # without locks, as on some network disks, none are removed
            fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / target.name
        path.touch(0o600)
        yield path
    except OSError as error:
        if error.filename is None:
            error.filename = str(target)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the next command tries again
        os.close(lock)


def remove_temporary_files(parent: Path) -> None:
    """Remove the temporary folders that killed processes left in a folder. Failures are ignored."""
    for path in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # An empty one may be new, and not locked yet.
                if any(path.iterdir()) or abs(time.time() - path.stat().st_mtime) > 1:
                    shutil.rmtree(path)
            finally:
                os.close(lock)


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
    # Hardened services, and some file systems, allow no chown at all.
    if (current.st_uid, current.st_gid) != (source.st_uid, source.st_gid):
        # Never through a symbolic link, which the user of the folder could have made for root to follow.
        os.chown(target, source.st_uid, source.st_gid, follow_symlinks=False)


def is_read_only(path: Path) -> bool:
    """Whether the disk of a file or folder is mounted so that it cannot be written."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def describe_owner(path: Path) -> str:
    """``belongs to acare, mode 0600``, for an error; for another user's file, also what to do."""
    status = path.stat()
    try:
        name = path.owner()
    except KeyError:
        name = str(status.st_uid)
    text = f"belongs to {name}, mode {stat.S_IMODE(status.st_mode):04o}"
    if status.st_uid == os.geteuid():
        return text
    return f"{text}; change the owner, or run the command as this user (for a service: /usr/local/bin/acare)"


def explain_access(path: Path) -> str:
    """A clause for the error that a database cannot be used; empty if there is nothing to explain.

    It names the owner of the file or folder that this process may not use, or a full disk. (A WAL has the
    owner of its file.)
    """
    folder = Path(os.path.realpath(path)).parent  # unlike resolve(), it accepts a loop of links
    with suppress(OSError):
        if is_read_only(folder):
            return "; the disk is mounted read-only"
        for target, needed in ((path, os.R_OK | os.W_OK), (folder, os.W_OK | os.X_OK)):
            if os.path.exists(target) and not os.access(target, needed):
                return f"; {target} {describe_owner(target)}"
        if shutil.disk_usage(folder).free < 32 * 1024:  # SQLite needs these bytes for the index of the WAL
            return "; the disk is full: free some space, but never delete a file ending in -wal or -shm"
    return ""
