"""Backups and other copies of a database, which commands search for clients."""

import re
from collections.abc import Iterable
from contextlib import closing, suppress
from glob import escape
from pathlib import Path

from acare.cli.output import print_error
from acare.database.disk import PREFIX
from acare.errors import AcareError, NotFound, Refused
from acare.store.history import HistoryStore
from acare.store.search import read_database

# Backups, and the copies that restores and migrations leave.
_COPY = re.compile(r".+(\.db|\.before-restore-[^-]+)", re.DOTALL)
_LEFT = f"{PREFIX}*/*"  # of a backup that is being made, or was killed


def in_folder(folder: Path) -> list[Path]:
    """The backups and other copies of databases in a folder. Refused if there are none."""
    copies = _copies((*folder.iterdir(), *folder.glob(_LEFT)))
    if not copies:
        raise Refused(f"{folder}: nothing was searched: no file is named *.db or *.before-restore-*")
    return copies


def beside(database: Path) -> list[Path]:
    """The copies that restores, migrations and killed processes have left next to a database."""
    path = database.resolve()
    return _copies((*path.parent.glob(f"{escape(path.name)}.*"), *path.parent.glob(_LEFT)))


def _copies(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if _COPY.fullmatch(path.name))


def with_client(copies: Iterable[Path], client_id: str) -> tuple[list[Path], list[Path]]:
    """The backups and copies that have a client, and those that cannot be read: an error is printed.

    The files are not changed.
    """
    found, failed = [], []
    for path in copies:
        try:
            with suppress(NotFound), closing(read_database(path)) as database:
                HistoryStore(database).stored(client_id)
                found.append(path)
        except AcareError as error:
            print_error(f"{path} was not searched: {str(error).removeprefix(f'{path}: ')}")
            failed.append(path)
    return found, failed
