"""Compacting: rewriting the complete file without free space and deleted content."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from acare.database.copying import SYNC_BYTES, Report, silent
from acare.database.database import Database
from acare.database.file import log_file
from acare.database.space import MIN_FREE, size_text
from acare.errors import StoreUnavailable, UserError
from acare.store import search

SIZE = """
SELECT page_size, page_count, freelist_count
FROM pragma_page_size, pragma_page_count, pragma_freelist_count
"""

_WATCH_SECONDS = 0.2


class Sizes(NamedTuple):
    """Sizes in bytes: the file, its content, the disk space that compacting needs, and the free space."""

    size: int
    content: int
    needed: int
    free: int


def measure(database: Database) -> Sizes:
    """What compacting needs: SQLite copies the content to a temporary file, and then into the log."""
    with database.read() as connection:
        page, pages, unused = connection.execute(SIZE).fetchone()
    content = page * (pages - unused)
    needed = 2 * content + content // 100 + MIN_FREE
    return Sizes(page * pages, content, needed, shutil.disk_usage(database.path.resolve().parent).free)


def compact(database: Database, report: Report = silent) -> None:
    """Rewrite the file and its log. Other writers wait meanwhile, and fail after their busy timeout.

    UserError if there is not enough room on the disk, or if other processes prevent it for too long. If it is
    interrupted, the file is unchanged.
    """
    sizes = measure(database)
    if sizes.needed > sizes.free:
        raise UserError(
            f"{database.path}: compacting needs {size_text(sizes.needed)} on its disk, of which "
            f"{size_text(sizes.free)} are free; it was not changed"
        )
    search.erase_deleted_words(database)
    with _watching_log(database.path, sizes.content, report):
        try:
            done = database.rewrite()
        except StoreUnavailable as error:
            raise UserError(f"{database.path}: not compacted: {error} No content was changed.") from None
    if not done:
        raise UserError(
            f"{database.path}: not compacted completely: other processes keep reading or writing; "
            "run the command again"
        )


@contextmanager
def _watching_log(path: Path, content: int, report: Report) -> Iterator[None]:
    """Report how much of the content is in the log, since SQLite does not while it writes it, and sync it.

    A sync of gigabytes at the end could not be interrupted for seconds. The log may be opened and closed
    here: nothing locks it.
    """
    log = log_file(path)
    before, over = log.stat().st_size, threading.Event()

    def watch() -> None:
        synced = before
        with log.open("rb", buffering=0) as file:
            while not over.wait(_WATCH_SECONDS):
                size = os.fstat(file.fileno()).st_size
                if size > before:
                    report("Writing the content", min(size, content), content, "B")
                if size >= synced + SYNC_BYTES:
                    with suppress(OSError):  # SQLite's own sync fails too
                        os.fsync(file.fileno())
                    synced = size

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
