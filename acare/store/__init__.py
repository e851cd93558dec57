"""The statements on clients, users and keys. ``acare.database`` runs them."""

import sqlite3
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from acare.database.database import Database, ReadableDatabase
from acare.fields import FIELDS
from acare.json_text import to_json

T = TypeVar("T")

#: What a store runs its statements on. Its methods that write need a ``Database``, which mypy checks.
D = TypeVar("D", bound=ReadableDatabase, covariant=True)

_TIMESTAMP = "%Y-%m-%dT%H:%M:%fZ"

#: SQL for the current time in the API's format: UTC, milliseconds, "Z".
NOW = f"strftime('{_TIMESTAMP}', 'now')"


def at_offset(modifier: str) -> str:
    """SQL for the current time plus ``modifier``, a parameter or literal such as ``'-24 hours'``."""
    return f"strftime('{_TIMESTAMP}', 'now', {modifier})"


_DEFAULTS = ", ".join(f"'$.{field.name}', json('{to_json(field.default)}')" for field in FIELDS)

#: SQL for the JSON of a version in the history. Fields that were added to clients later are unset in it.
STORED_JSON = f"json_insert(json, {_DEFAULTS})"

#: SQL for the floor of versions (schema.sql), and for the next version of an existing client.
FLOOR = "(SELECT version FROM version_floor)"
NEXT_VERSION = f"max(version, {FLOOR}) + 1"

MAX_SQLITE_INTEGER = 2**63 - 1


class Listing(NamedTuple, Generic[T]):
    """The number of rows on all pages, and the rows on one page."""

    total: int
    rows: list[T]


class Store(Generic[D]):
    """Runs statements on a database. A public method is one transaction, unless it says otherwise."""

    def __init__(self, database: D, written: Callable[[], None] = lambda: None) -> None:
        """``written`` is called after each ``_write``."""
        self._database, self._written = database, written

    def _write(self: "Store[Database]", work: Callable[[sqlite3.Connection], T]) -> T:
        result = self._database.write(work)
        self._written()
        return result
