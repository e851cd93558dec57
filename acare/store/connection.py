"""Which of SQLite's errors mean "not now" rather than "wrong": the machine's fault, not the program's."""

from __future__ import annotations

import sqlite3

from acare.errors import StoreUnavailable

_NOT_NOW = {
    sqlite3.SQLITE_BUSY: "another process is writing to the database",
    sqlite3.SQLITE_LOCKED: "the database is locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_READONLY: "the database file cannot be written",
    sqlite3.SQLITE_PERM: "the database file cannot be used",
    sqlite3.SQLITE_CORRUPT: "the database is damaged",
    sqlite3.SQLITE_NOTADB: "the database is damaged",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}


def translated(error: BaseException) -> BaseException:
    """StoreUnavailable for an error that says "not now", any other as it is; always fit to be raised."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None:
        return error
    reason = _NOT_NOW.get(code & 0xFF)  # the low byte is the kind, the rest its details
    if reason is None:
        return error
    unavailable = StoreUnavailable(f"{reason[0].upper()}{reason[1:]}.")
    unavailable.__cause__ = error
    return unavailable
