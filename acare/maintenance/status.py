"""Checks of a database, its backups and its server, for a monitor.

They change no content: the file is not even migrated.
"""

import json
import shutil
import socket
import urllib.request
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit

from acare.database import file
from acare.database.connection import open_to_read
from acare.database.disk import is_read_only
from acare.database.schema import SCHEMA_VERSION
from acare.errors import DatabaseRefused
from acare.maintenance import folders
from acare.maintenance.backup import check_sha256
from acare.store import identity
from acare.store.lists import count, not_text

#: Of the newest backup.
MAX_AGE_HOURS = 48

#: The disk needs attention below this number of free bytes.
LOW_DISK = 256 * 1024 * 1024

_SERVER_SECONDS = 10  # in which the server must answer


class Check(NamedTuple):
    """The result of a check: its problems and its figures. Sizes are in bytes.

    The text of a problem has no figure that changes while the problem lasts: alarms compare it.
    """

    name: str
    problems: list[str]
    figures: dict[str, object]


def read_status(path: Path, folder: Path | None = None, url: str | None = None) -> list[Check]:
    """The checks of a database, of the newest backup in ``folder``, and of the server at ``url``.

    DatabaseRefused if it is not a database that acare can open.
    """
    database, own = _check_database(path)
    path, stem = path.resolve(), path.stem
    no_answer, refused = ([], []) if url is None else _ask(url)
    checks = [database, _check_disk(path, folder)]
    if is_read_only(path):
        refused = ["the disk is mounted read-only"]
    checks.append(Check("writes", refused, {}))
    if folder is not None:
        checks.append(_check_backup(own, stem, folder))
    if url is not None:
        if not no_answer and not file.processes_using(path) and _is_here(url):
            no_answer = [
                f"no process has the database open: {url} is another program, or uses another database"
            ]
        checks.append(Check("server", no_answer, {"url": url}))
    return checks


def _check_database(path: Path) -> tuple[Check, str | None]:
    """The check of the database, and its identity."""
    version, processes = file.check(path), file.processes_using(path)
    with file.refusing(path), closing(open_to_read(path)) as connection:
        clients, own = count(connection), identity.read(connection)
        wrong = not_text(connection)
    old = f"the schema is {version}; it is migrated to {SCHEMA_VERSION} by a server or a command that writes"
    problems = [] if version == SCHEMA_VERSION or processes else [old]
    problems += [
        f"the client {client_id} has text that is not UTF-8, or tags or places that are not text: fix them"
        for client_id in wrong
    ]
    size = path.stat().st_size
    figures = {"schema": version, "size": size, "clients": clients, "processes": processes}
    return Check("database", problems, figures), own


def _check_disk(path: Path, folder: Path | None) -> Check:
    free, problems, has_backups = shutil.disk_usage(path.parent).free, [], None
    if free < LOW_DISK:
        problems.append(f"less than {size_text(LOW_DISK)} is free")
    with suppress(OSError):  # reported by the check of the backup
        if folder is not None:
            has_backups = folder.stat().st_dev == path.stat().st_dev
        if folder is not None and shutil.disk_usage(folder).free < path.stat().st_size:
            problems.append(f"there is no room for another backup on the disk of {folder}")
    return Check("disk", problems, {"free": free, "has_backups": has_backups})


def _check_backup(own: str | None, stem: str, folder: Path) -> Check:
    try:
        folder.stat()
        made = folders.backups(stem, folder)
    except OSError as error:
        return Check("backup", [f"{folder}: {error.strerror}"], {})
    if not made:
        return Check("backup", [f"there is no backup in {folder}"], {})
    newest, problems = made[-1], []
    if (other := folders.of_another(own, made)) is not None:
        problems.append(f"{other} {folders.OTHER}")
    # The time in the name: a copy of the file can have a later modification time.
    age = (datetime.now(UTC) - datetime.fromisoformat(newest.name[-23:-3])).total_seconds() / 3600
    if age > MAX_AGE_HOURS:
        problems.append(f"the newest backup is older than {MAX_AGE_HOURS} hours")
    if folders.later_than_now(stem, made) is not None:
        problems.append(f"{newest.name} {folders.LATER}")
    try:
        check_sha256(newest)
    except DatabaseRefused as error:
        problems.append(str(error))
    return Check("backup", problems, {"file": str(newest), "age_hours": round(age, 1)})


def _ask(url: str) -> tuple[list[str], list[str]]:
    """The problems of ``/readyz``: why the request failed, and why writes are refused."""
    ready = f"{url.rstrip('/')}/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        try:
            response = opener.open(ready, timeout=_SERVER_SECONDS)
        except HTTPError as error:  # such as 503, with the reason
            response = error
        with response:
            if response.status not in (200, 503):  # from a proxy, or from another path
                raise ValueError(f"{response.status} {response.reason}")
            answer = json.load(response)
        return [], [] if answer["success"] else [str(answer["error"]["message"])]
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError) as error:
        return [f"GET {ready} failed: {getattr(error, 'reason', error)}"], []


def _is_here(url: str) -> bool:
    """Whether the host of a URL is this machine, whose processes can be seen: its address can be bound."""
    with suppress(OSError):
        family, *_, address = socket.getaddrinfo(urlsplit(url).hostname, 0)[0]
        with socket.socket(family) as probe:
            probe.bind(address)
            return True
    return False


def size_text(count: int) -> str:
    """Bytes as text: ``1.5 MiB``, ``71.5 GiB``."""
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"
