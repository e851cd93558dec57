"""A folder in which everything that servers do to their files is recorded, while writers are at work."""

import os
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from powercut.disk import Disk, Event
from support.crash import Writer
from support.server import make_key, serving

WRITES = 40  # of each writer
SYNC_MICROSECONDS = 1000  # so that some instants fall into a sync

_HEADER = struct.Struct("QQQQIII0Q")  # struct record


def build_recorder(folder: Path) -> Path:
    """Build the library that is preloaded."""
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


class Recording(NamedTuple):
    """The disk at the beginning, what was done to it, and what was known at each instant."""

    database: Path
    key: str
    disk: Disk
    begun: int  # all instants are of CLOCK_MONOTONIC, in nanoseconds
    writers: list[Writer]
    events: list[Event]

    def acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self.writers)

    def instants(self) -> list[int]:
        """The instants of all acknowledgements."""
        return sorted(instant for writer in self.writers for instant, _, _ in writer.journal)


def record(
    place: Path, recorder: Path, before: str = "", servers: int = 1, writes: int = WRITES
) -> Recording:
    """Four writers make so many writes each, on these servers in turn, which have one file.

    The servers first run the Python in ``before``.
    """
    folder, records = place.resolve() / "disk", place / "records"
    folder.mkdir()
    records.mkdir()
    database = folder / "served.db"
    key = make_key(database)
    writers = [Writer(number, key) for number in range(4)]
    disk, begun = Disk(folder), time.monotonic_ns()
    env = {
        **os.environ,
        "LD_PRELOAD": str(recorder),
        "RECORD_FOLDER": str(folder),
        "RECORD_TO": str(records),
        "RECORD_DELAY": str(SYNC_MICROSECONDS),
    }
    with ExitStack() as stack:
        running = [stack.enter_context(serving(database, before=before, env=env)) for _ in range(servers)]
        threads = [
            threading.Thread(target=writer.write_times, args=(running[number % servers][1], writes))
            for number, writer in enumerate(writers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for process, _ in running:
            process.terminate()
            process.wait(timeout=30)
    return Recording(database, key, disk, begun, writers, read_events(records))


def read_events(folder: Path) -> list[Event]:
    """All recorded events in the order of their ends, except writes to -shm files."""
    events = [event for path in folder.iterdir() for event in _read_records(path.read_bytes())]
    shared_memory = {event.inode for event in events if event.path.endswith("-shm")} - {0}
    events = [event for event in events if event.path or event.inode not in shared_memory]
    return sorted(events, key=lambda event: event.ended)


def _read_records(content: bytes) -> Iterator[Event]:
    at = 0
    while at < len(content):
        *numbers, path_length, content_length = _HEADER.unpack_from(content, at)
        path_at = at + _HEADER.size
        content_at = path_at + path_length
        at = content_at + content_length
        yield Event(*numbers, content[path_at:content_at].decode(), content[content_at:at])
