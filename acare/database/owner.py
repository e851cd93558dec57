"""The owner of a file: copying it to a file that replaces another one, and explaining access errors."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from acare.database.space import explain_space
from acare.errors import DatabaseRefused


def copy_owner(source: os.stat_result, target: Path, *, mode: bool) -> None:
    """Give ``target`` the owner and group of ``source`` and, if ``mode``, its permissions.

    PermissionError if this process may not do that.
    """
    current = target.stat()
    if (current.st_uid, current.st_gid) != (source.st_uid, source.st_gid):
        os.chown(target, source.st_uid, source.st_gid)
    if mode:
        target.chmod(stat.S_IMODE(source.st_mode))


def copy_owner_and_mode(existing: Path, target: Path) -> None:
    """Give ``target`` the owner, group and mode of the file that it replaces.

    If it replaces none, it gets the owner and group of the folder, if this process may do that.
    DatabaseRefused if the existing file belongs to another user, whose programs could not open the new one.
    """
    if not existing.exists():
        with suppress(PermissionError):
            copy_owner(existing.parent.stat(), target, mode=False)
        return
    try:
        copy_owner(existing.stat(), target, mode=True)
    except PermissionError:
        raise DatabaseRefused(
            f"{existing}: {describe(existing)}; run the command as that user or as root"
        ) from None


def describe(path: Path) -> str:
    """``belongs to acare:acare, mode 0600``, for an error message."""
    status = path.stat()
    return (
        f"belongs to {_user(status.st_uid)}:{_group(status.st_gid)}, mode {stat.S_IMODE(status.st_mode):04o}"
    )


def explain_access(path: Path) -> str:
    """A clause for the error that a database cannot be opened; empty if there is nothing to explain.

    It names the file or folder that this process may not use, or says that the disk is full: SQLite needs to
    create files in the folder.
    """
    with suppress(OSError):
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return f"; the file {describe(path)}, and this process runs as {_user(os.geteuid())}"
        for suffix in ("-wal", "-shm"):
            side = path.with_name(path.name + suffix)
            if side.exists() and not os.access(side, os.R_OK | os.W_OK):
                return f"; {side.name} {describe(side)}, and this process runs as {_user(os.geteuid())}"
        if not os.access(path.parent, os.W_OK | os.X_OK):
            return f"; the folder {describe(path.parent)}, and this process runs as {_user(os.geteuid())}"
    return explain_space(path)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
