"""Compacting: rewriting the complete file without free space and deleted content."""

from __future__ import annotations

import shutil

from acare.database.access import MIN_FREE, size_text
from acare.database.copying import Progress, silent
from acare.database.database import Database
from acare.errors import StoreUnavailable, UserError
from acare.store import search

CONTENT = """
SELECT page_size * (page_count - freelist_count)
FROM pragma_page_size, pragma_page_count, pragma_freelist_count
"""


def compact(database: Database, progress: Progress = silent) -> None:
    """Rewrite the file and its log. Other writers wait meanwhile, and fail after their busy timeout.

    UserError if there is not enough room on the disk, or if other processes prevent it for too long. If it is
    interrupted, the file is unchanged.
    """
    needed, free = _needed(database), shutil.disk_usage(database.path.resolve().parent).free
    if needed > free:
        raise UserError(
            f"{database.path}: compacting needs {size_text(needed)} on its disk, of which {size_text(free)} "
            "are free; it was not changed"
        )
    try:
        database.write(search.erase_deleted_words)
        done = database.rewrite(lambda: progress("Rewriting", 0, 0, ""))
    except StoreUnavailable as error:
        raise UserError(f"{database.path}: not compacted: {error} No content was changed.") from None
    if not done:
        raise UserError(
            f"{database.path}: not compacted completely: other processes keep reading or writing; "
            "run the command again"
        )


def _needed(database: Database) -> int:
    """The bytes on the disk: SQLite copies the content to a temporary file, and then into the log."""
    with database.read() as connection:
        (content,) = connection.execute(CONTENT).fetchone()
    return int(2 * content + content // 100 + MIN_FREE)
