"""Recovery: what a killed process or a failed sync left is made safe before the database is used.

When a sync fails, Linux keeps the unwritten content in its cache and never writes it: programs read it until
a power cut removes it.
"""

import logging
import os
import struct
import time
from contextlib import closing, suppress
from glob import escape
from pathlib import Path

from acare.database import file
from acare.database.connection import open_locked
from acare.database.disk import beside, sync

log = logging.getLogger("acare.database")

#: The error for writes after a failed checkpoint: the cause and what to do.
FAILURE = (
    "A checkpoint failed: the disk has an error. Check the disk, stop every process that has the database "
    "open ('acare status' lists them), and restart the server."
)

# The log (sqlite.org/fileformat2.html, "The WAL File Format"): the salts in its header; the commit mark and
# the salts of each frame, before the content of a page. Frames from before the last restart have other salts.
HEADER = struct.Struct("> 16x 8s 8x")
FRAME = struct.Struct("> 4x I 8s 8x")


def failure_record(database: Path) -> Path:
    """The file that records a failed checkpoint. While it exists, no process may write or checkpoint.

    What was copied may be lost, and SQLite copies it again only when all processes have closed the database:
    until then, the ``-shm`` file counts it as copied.
    """
    return beside(database, "-checkpoint-failed")


def recover(path: Path) -> None:
    """Copy the log that a killed process left into the database, from its beginning, before it is used.

    The log may exist only in the cache, but SQLite would take it as committed: it is first written over
    itself and synced. If it is damaged, it is kept. Does nothing while a process has the database open, in
    any container: that process has done this, or has written the log itself. DatabaseRefused on failure.
    """
    record, left, journal = failure_record(path), beside(path, "-wal"), beside(path, "-journal")
    if not any(each.exists() for each in (record, left, journal)):
        return
    with file.refusing(path, "its log cannot be written: "):
        connection = open_locked(path)
        if connection is None:
            return
        with closing(connection):
            _write_again(left)
            _, in_log, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            (page_size,) = connection.execute("PRAGMA page_size").fetchone()
            lost = _lost_commits(left, page_size, in_log)
            if lost:
                now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
                damaged = left.with_name(f"{left.name}-damaged-{now}-{lost}-commits-lost")
                os.link(left, damaged)  # SQLite deletes the other name
                sync(damaged.parent)
                log.error("%s is damaged: %d commits cannot be read; it is kept as %s", left, lost, damaged)
            record.unlink(missing_ok=True)


def damaged_logs(path: Path) -> list[str]:
    """The damaged logs that ``recover`` has kept; their names tell how many commits were lost."""
    return sorted(log.name for log in path.parent.glob(f"{escape(beside(path, '-wal').name)}-damaged-*"))


def _write_again(path: Path) -> None:
    # Nothing locks the log itself, so closing this handle releases no lock of SQLite.
    with suppress(FileNotFoundError), path.open("r+b", buffering=0) as writing:
        offset = 0
        while content := os.pread(writing.fileno(), 1024 * 1024, offset):
            offset += os.pwrite(writing.fileno(), content, offset)
        os.fsync(writing.fileno())


def _lost_commits(path: Path, page_size: int, in_log: int) -> int:
    """The number of commits in a log after the first ``in_log`` frames; 0 if they can be a torn end.

    Each commit is on the disk before the next one is written, so a power cut damages only the last one.
    """
    size, lost = FRAME.size + page_size, 0
    with suppress(FileNotFoundError), path.open("rb") as content:
        (salts,) = HEADER.unpack(content.read(HEADER.size).ljust(HEADER.size))
        content.seek(in_log * size, os.SEEK_CUR)
        while len(frame := content.read(size)) == size:
            is_commit, frame_salts = FRAME.unpack_from(frame)
            lost += is_commit > 0 and frame_salts == salts
    return lost if lost > 1 else 0
