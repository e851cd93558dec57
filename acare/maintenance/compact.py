"""Compacting: rewriting the complete file without free space and deleted content."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

from acare.database.access import MIN_FREE, size_text
from acare.database.connection import as_domain_error, open_file
from acare.database.copying import Progress, interruptible, silent
from acare.database.database import Database
from acare.errors import StoreUnavailable, UserError
from acare.store import search

CONTENT = """
SELECT page_size * (page_count - freelist_count)
FROM pragma_page_size, pragma_page_count, pragma_freelist_count
"""


def compact(database: Database, progress: Progress = silent) -> None:
    """Rewrite the file and its log. Other writers wait meanwhile, and fail after their busy timeout.

    UserError if the disk has too little space, or if other processes keep the file busy for too long. If
    compacting is interrupted, the file is unchanged.
    """
    needed, free = _needed(database), shutil.disk_usage(database.path.resolve().parent).free
    if needed > free:
        raise UserError(
            f"{database.path}: compacting needs {size_text(needed)} of free disk space, but only "
            f"{size_text(free)} are free; the file is unchanged"
        )
    try:
        database.write(search.erase_deleted_words)
        _vacuum(database, progress)
        done = database.empty_log()
    except (StoreUnavailable, sqlite3.Error) as error:
        reason = as_domain_error(error)
        raise UserError(f"{database.path}: not compacted: {reason} No content was changed.") from None
    if not done:
        raise UserError(
            f"{database.path}: not compacted completely: other processes keep reading or writing; "
            "run the command again"
        )


def _vacuum(database: Database, progress: Progress) -> None:
    # A separate connection keeps its temporary data, a complete copy of the content, in a file.
    with (
        closing(open_file(database.path)) as connection,
        interruptible(connection, lambda: progress("Rewriting", 0, 0, "")),
    ):
        connection.execute("VACUUM")


def _needed(database: Database) -> int:
    """The free bytes needed: SQLite copies the content to a temporary file, and then into the log."""
    with database.read() as connection:
        (content,) = connection.execute(CONTENT).fetchone()
    return int(2 * content + content // 100 + MIN_FREE)
