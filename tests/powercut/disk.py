"""A disk whose power can be cut: it replays what recorder.c has recorded, and produces possible remainders.

What was synced is preserved. Of the writes to a file after its last sync, any part may survive. Names are on
the disk at once: database/test_file and the tests of maintenance have the syncs of folders.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

SECTOR = 512

# Kinds of events, as recorder.c writes them.
WRITE, TRUNCATE, SYNC, CREATE, REMOVE = map(ord, "wtscu")

#: Which of the writes to a file after its last sync survive.
REMAINDERS = ("none", "all", "prefix", "suffix", "single", "sectors")

#: The file that keeps everything while all others keep nothing; None: each file has a remainder of its own.
FAVOURITES = (None, None, None, ".db", ".db-wal")


@dataclass(frozen=True, slots=True)
class Event:
    """One operation: when it began and ended, on which inode or path, and with what content.

    ``offset`` is that of a write, or the length after a truncate.
    """

    begun: int
    ended: int
    inode: int
    offset: int
    kind: int
    path: str
    content: bytes


@dataclass(eq=False)
class File:
    """A file: its content as of the last sync, and the writes since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def sync(self, sync: Event) -> None:
        """Make the writes before the sync durable."""
        _apply(self.durable, [event for event in self.pending if event.ended <= sync.begun])
        self.pending = [event for event in self.pending if event.ended > sync.begun]

    def content(self, remainder: str, rng: random.Random) -> bytes:
        """The content after a cut."""
        content = bytearray(self.durable)
        _apply(content, survivors(self.pending, remainder, rng))
        return bytes(content)


class Disk:
    """The files of a folder, in their state before the recording; ``replay`` advances it."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, File] = {}
        self._inodes: dict[int, File] = {}
        for path in folder.iterdir():
            file = self._files[path.name] = File(bytearray(path.read_bytes()))
            self._inodes[path.stat().st_ino] = file

    def replay(self, event: Event) -> None:
        """Apply an event, after all events that ended before it. Unknown files are ignored."""
        file = self._inodes.get(event.inode)
        if event.kind == REMOVE:
            self._files.pop(event.path, None)
        elif event.kind == CREATE:
            if file is None or self._files.get(event.path) is not file:  # else another process was first
                self._files[event.path] = self._inodes[event.inode] = File()
        elif file is not None and event.kind == SYNC:
            file.sync(event)
        elif file is not None:
            file.pending.append(event)

    def cut(self, target: Path, under_way: Iterable[Event], rng: random.Random) -> str:
        """Write a possible remainder of a power cut at this time, with operations ``under_way``.

        Returns a description of the remainder.
        """
        writes = [event for event in under_way if event.kind in (WRITE, TRUNCATE)]
        favourite = rng.choice(FAVOURITES)
        chosen: dict[str, str] = {}
        target.mkdir()
        for name, file in self._files.items():
            if name.endswith("-shm"):
                (target / name).write_bytes(rng.randbytes(32768))  # never synced, and SQLite rebuilds it
                continue
            ours = [event for event in writes if self._inodes.get(event.inode) is file]
            chosen[name] = _choose(name, favourite, rng)
            there = File(file.durable, [*file.pending, *ours])
            (target / name).write_bytes(there.content(chosen[name], rng))
        return ", ".join(f"{name}: {remainder}" for name, remainder in chosen.items())


def _choose(name: str, favourite: str | None, rng: random.Random) -> str:
    if favourite is None:
        return rng.choice(REMAINDERS)
    return "all" if name.endswith(favourite) else "none"


def survivors(events: list[Event], remainder: str, rng: random.Random) -> list[Event]:
    """The writes that survive nevertheless."""
    if remainder == "sectors":
        return [part for event in events for part in _sectors(event) if rng.random() < 0.5]
    if remainder == "single":
        return [event for event in events if rng.random() < 0.5]
    some = rng.randint(0, len(events))
    return {"none": [], "all": events, "prefix": events[:some], "suffix": events[some:]}[remainder]


def _sectors(event: Event) -> Iterator[Event]:
    """A write, divided into the sectors that the disk writes atomically."""
    if event.kind != WRITE:
        yield event
        return
    end = event.offset + len(event.content)
    begin = event.offset
    while begin < end:
        next_one = min(end, (begin // SECTOR + 1) * SECTOR)
        part = event.content[begin - event.offset : next_one - event.offset]
        yield replace(event, offset=begin, content=part)
        begin = next_one


def _apply(content: bytearray, events: Iterable[Event]) -> None:
    for event in events:
        if len(content) < event.offset:
            content.extend(bytes(event.offset - len(content)))
        if event.kind == WRITE:
            content[event.offset : event.offset + len(event.content)] = event.content
        else:
            del content[event.offset :]
