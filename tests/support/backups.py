"""Databases to back up and restore: closed ones, and what a killed server leaves."""

import hashlib
import os
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

from support.clients import new
from support.data import ALL_SCOPES
from support.files import query
from support.keys import new_key

import acare
from acare.auth import caller_without_key
from acare.database.file import checksum_file
from acare.maintenance import backup

#: User and group of a file. Only root can give it to another user.
OWNER = (12345, 23456) if os.geteuid() == 0 else (os.getuid(), os.getgid())


class Content(NamedTuple):
    closed: bytes  # a database that was closed
    killed: bytes  # one whose server was killed
    log: bytes  # which is in the log next to it


@cache
def content(*names):
    """The bytes of a database with a client of each first name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "acare.db"
        with acare.create_app(database=path, rate_limit="off") as app:
            add(app, *names)
            killed, log = path.read_bytes(), path.with_name("acare.db-wal").read_bytes()
        return Content(path.read_bytes(), killed, log)


def add(app, *names):
    user = new_key(app.keys, "ana@example.com", ALL_SCOPES).user_id
    for name in names:
        app.clients.create(caller_without_key(user), new(first_name=name))


def fill(path, *names):
    """Make a database with a client of each first name."""
    path.write_bytes(content(*names).closed)


def leave_log(path, *names):
    """What a killed server leaves: a database whose clients are still in its log."""
    path.write_bytes(content(*names).killed)
    path.with_name(f"{path.name}-wal").write_bytes(content(*names).log)


def names(path):
    """The first names of the clients in a file, in the order of their creation."""
    return [name for (name,) in query(path, "SELECT first_name FROM clients ORDER BY seq")]


def back_up(path, folder, **options):
    """Make a backup, and its folder if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return backup.back_up(path, folder, **options)


def sign(path):
    """Write the right checksum next to a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    checksum_file(path).write_text(f"{digest}  {path.name}\n")


def rename(backup, **ahead):
    """Give a backup the name of one that was made at another time, as while the clock was wrong."""
    name = backup.with_name(f"acare-{datetime.now(UTC) + timedelta(**ahead):%Y%m%dT%H%M%S}.000Z.db")
    checksum_file(backup).rename(checksum_file(name))
    return backup.rename(name)
