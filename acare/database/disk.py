"""Files and the disk: temporary files and syncing, the owner of a file, and access errors."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: The prefix of temporary files. A killed process leaves such a file; once it is a day old, the next command
#: or start that works in the folder removes it.
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


def copy_owner(source: os.stat_result, target: Path) -> None:
    """Give ``target`` the owner and group of ``source``; PermissionError if this process may not do that."""
    current = target.lstat()
    if (current.st_uid, current.st_gid) != (source.st_uid, source.st_gid):
        # Never through a symbolic link: the user of the folder could have put one there for root to follow.
        os.chown(target, source.st_uid, source.st_gid, follow_symlinks=False)


def describe_owner(path: Path) -> str:
    """``belongs to acare, mode 0600``, for an error message."""
    status = path.stat()
    try:
        name = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        name = str(status.st_uid)
    return f"belongs to {name}, mode {stat.S_IMODE(status.st_mode):04o}"


def explain_access(path: Path) -> str:
    """A clause for the error that a database cannot be used; empty if there is nothing to explain.

    It names the owner of the file or folder that this process may not use. (A log has the owner of its file.)
    """
    folder = Path(os.path.realpath(path)).parent  # unlike resolve(), it accepts a loop of links
    with suppress(OSError):
        for each, needed in ((path, os.R_OK | os.W_OK), (folder, os.W_OK | os.X_OK)):
            if each.exists() and not os.access(each, needed):
                return f"; {each} {describe_owner(each)}"
    return ""
