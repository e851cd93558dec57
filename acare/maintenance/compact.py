"""Compacting: rewriting the complete file without free space and deleted content."""

import sqlite3
from contextlib import closing

from acare.database.connection import as_domain_error, open_file
from acare.database.copying import Progress, interruptible, silent
from acare.database.database import Database
from acare.errors import Refused, StoreUnavailable
from acare.store import search


def compact(database: Database, progress: Progress = silent) -> None:
    """Rewrite the file. Other writers wait meanwhile, and fail after their busy timeout.

    Refused if the disk has too little space, or if other processes keep the file busy for too long. If
    compacting is interrupted, the file is unchanged.
    """
    try:
        database.write(search.rebuild)
        # A separate connection keeps its temporary data, a complete copy of the content, in a file.
        with (
            closing(open_file(database.path)) as connection,
            interruptible(connection, lambda: progress("Rewriting", 0, 0, "")),
        ):
            connection.execute("VACUUM")
    except (StoreUnavailable, sqlite3.Error) as error:
        reason = as_domain_error(error)
        raise Refused(f"{database.path}: not compacted: {reason} No content was changed.") from None
