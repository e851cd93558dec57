"""A disk whose power can be cut: it replays what recorder.c has recorded, and produces possible remainders.

What was synced is preserved. Of the operations after the last sync of a file or folder, any part may survive.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

SECTOR = 512

# Kinds of events, as recorder.c writes them.
WRITE, TRUNCATE, SYNC, CREATE, FOLDER, LINK, RENAME, REMOVE = map(ord, "wtscdlru")

#: Which of the writes to a file after its last sync survive.
REMAINDERS = ("none", "all", "prefix", "suffix", "single", "sectors")

#: Which of the changes to the names in a folder after its last sync survive.
NAMES_LEFT = ("none", "all", "prefix", "single")

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
    error: int
    path: str
    content: bytes


@dataclass(eq=False)
class File:
    """A file: its content as of the last sync, and the writes since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def sync(self, sync: Event, rng: random.Random) -> None:
        """Make the writes before the sync durable. If the sync failed, a part of them is lost: the system
        does not write them again with a later sync.
        """
        reached = [event for event in self.pending if event.ended <= sync.begun]
        later = [event for event in self.pending if event.ended > sync.begun]
        if sync.error:
            self.pending = [*survivors(reached, rng.choice(REMAINDERS), rng), *later]
        else:
            _apply(self.durable, reached)
            self.pending = later

    def content(self, remainder: str, rng: random.Random) -> bytes:
        """The content after a cut."""
        content = bytearray(self.durable)
        _apply(content, survivors(self.pending, remainder, rng))
        return bytes(content)


@dataclass(eq=False)
class Folder:
    """The names in a folder: those as of the last sync, the changes since, and those that programs see.

    A change maps each name to the file that has it afterwards. A change survives completely or not at all: a
    file that was renamed in its folder has one of its two names.
    """

    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[tuple[Event, dict[str, File | Folder | None]]] = field(default_factory=list)
    names: dict[str, File | Folder] = field(default_factory=dict)

    def change(self, event: Event, change: dict[str, File | Folder | None]) -> None:
        self.pending.append((event, change))
        _rename(self.names, [change])

    def sync(self, sync: Event, rng: random.Random) -> None:
        if not sync.error:
            _rename(self.durable, [change for event, change in self.pending if event.ended <= sync.begun])
            self.pending = [(event, change) for event, change in self.pending if event.ended > sync.begun]

    def content(self, rng: random.Random) -> dict[str, File | Folder]:
        """The names in it after a cut."""
        changes = [change for _, change in self.pending]
        names = dict(self.durable)
        _rename(names, _some(changes, rng.choice(NAMES_LEFT), rng))
        return names


class Disk:
    """The disk under a folder, in its state before the recording; ``replay`` advances it."""

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._rng = rng
        self._inodes: dict[int, File | Folder] = {}
        self.root = self._read(folder)

    def _read(self, folder: Path) -> Folder:
        names: dict[str, File | Folder] = {}
        for path in folder.iterdir():
            names[path.name] = self._read(path) if path.is_dir() else File(bytearray(path.read_bytes()))
            self._inodes[path.stat().st_ino] = names[path.name]
        found = Folder(names, names=dict(names))
        self._inodes[folder.stat().st_ino] = found
        return found

    def replay(self, event: Event) -> None:
        """Apply an event, after all events that ended before it. Unknown files are ignored."""
        node = self._inodes.get(event.inode)
        if event.kind in (WRITE, TRUNCATE) and isinstance(node, File):
            node.pending.append(event)
        elif event.kind == SYNC and node is not None:
            node.sync(event, self._rng)
        elif event.kind not in (WRITE, TRUNCATE, SYNC):
            self._change_names(event, node)

    def _change_names(self, event: Event, node: File | Folder | None) -> None:
        if event.kind == RENAME:
            old, new = event.path.split("\0")
            folder, name = self._find(old)
            other, new_name = self._find(new)
            node = folder.names[name]
            if folder is other:
                folder.change(event, {name: None, new_name: node})
            else:  # either change can survive without the other
                folder.change(event, {name: None})
                other.change(event, {new_name: node})
            return
        folder, name = self._find(event.path)
        if event.kind == REMOVE:
            folder.change(event, {name: None})
        elif event.kind == LINK:
            folder.change(event, {name: node})
        elif node is None or folder.names.get(name) is not node:  # else another process was first
            node = self._inodes[event.inode] = Folder() if event.kind == FOLDER else File()
            folder.change(event, {name: node})

    def _find(self, path: str) -> tuple[Folder, str]:
        *folders, name = path.split("/")
        found = self.root
        for each in folders:
            found = found.names[each]
        return found, name

    def cut(self, target: Path, under_way: Iterable[Event], rng: random.Random) -> str:
        """Write a possible remainder of a power cut at this time, with operations ``under_way``.

        Returns a description of the remainder.
        """
        writes = [event for event in under_way if event.kind in (WRITE, TRUNCATE)]
        favourite = rng.choice(FAVOURITES)
        chosen: dict[File, str] = {}
        places: dict[File, Path] = {}
        for path, node in _walk(target, self.root, rng):
            if isinstance(node, Folder):
                path.mkdir()
            elif node in places:
                os.link(places[node], path)
            elif path.name.endswith("-shm"):
                path.write_bytes(rng.randbytes(32768))  # it is never synced, and SQLite rebuilds it
            else:
                ours = [event for event in writes if self._inodes.get(event.inode) is node]
                chosen[node] = _choose(path.name, favourite, rng)
                there = File(node.durable, [*node.pending, *ours])
                path.write_bytes(there.content(chosen[node], rng))
                places[node] = path
        return ", ".join(f"{places[node].name}: {remainder}" for node, remainder in chosen.items())


def _walk(path: Path, node: File | Folder, rng: random.Random) -> Iterator[tuple[Path, File | Folder]]:
    yield path, node
    if isinstance(node, Folder):
        for name, inner in node.content(rng).items():
            yield from _walk(path / name, inner, rng)


def _choose(name: str, favourite: str | None, rng: random.Random) -> str:
    if favourite is None:
        return rng.choice(REMAINDERS)
    return "all" if name.endswith(favourite) else "none"


def survivors(events: list[Event], remainder: str, rng: random.Random) -> list[Event]:
    """The writes that survive nevertheless."""
    if remainder == "sectors":
        return [part for event in events for part in _sectors(event) if rng.random() < 0.5]
    return _some(events, remainder, rng)


def _some(things: list, remainder: str, rng: random.Random) -> list:
    if remainder == "single":
        return [thing for thing in things if rng.random() < 0.5]
    some = rng.randint(0, len(things))
    return {"none": [], "all": things, "prefix": things[:some], "suffix": things[some:]}[remainder]


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


def _rename(names: dict[str, File | Folder], changes: Iterable[dict[str, File | Folder | None]]) -> None:
    for change in changes:
        for name, node in change.items():
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
