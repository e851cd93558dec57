"""A disk whose power can be cut: it replays what recorder.c recorded, and tells what may be left of it.

What was synced stays. Of what came after the last sync of a file or folder any part may be on the disk.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from powercut.events import FOLDER, LINK, REMOVE, RENAME, SYNC, TRUNCATE, WRITE, Event

SECTOR = 512

#: What is left of the writes to a file after its last sync.
REMAINDERS = ("none", "all", "prefix", "suffix", "single", "sectors")

#: What is left of the changes to the names in a folder after its last sync.
NAMES_LEFT = ("none", "all", "prefix", "single")

#: The file that keeps everything while all others keep nothing; None: each file has a remainder of its own.
FAVOURITES = (None, None, None, ".db", ".db-wal")


@dataclass(eq=False)
class File:
    """A file: what is on the disk for sure, and the writes since."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def sync(self, sync: Event, chance: random.Random) -> None:
        """Take what was written before the sync began. If it failed, the system has tried for the last time:
        what it did not get onto the disk then, a later sync does not either.
        """
        reached = [event for event in self.pending if event.ended <= sync.begun]
        later = [event for event in self.pending if event.ended > sync.begun]
        if sync.error:
            self.pending = [*survivors(reached, chance.choice(REMAINDERS), chance), *later]
        else:
            _apply(self.durable, reached)
            self.pending = later

    def content(self, remainder: str, chance: random.Random) -> bytes:
        """What is in it after a cut."""
        content = bytearray(self.durable)
        _apply(content, survivors(self.pending, remainder, chance))
        return bytes(content)


@dataclass(eq=False)
class Folder:
    """The names in a folder: those on the disk for sure, the changes since, and those that programs see.

    A change maps each name to what has it from then on. All of a change survives, or nothing: a file that
    is renamed has one of both names.
    """

    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[tuple[Event, dict[str, File | Folder | None]]] = field(default_factory=list)
    names: dict[str, File | Folder] = field(default_factory=dict)

    def change(self, event: Event, change: dict[str, File | Folder | None]) -> None:
        self.pending.append((event, change))
        _rename(self.names, [change])

    def sync(self, sync: Event, chance: random.Random) -> None:
        if not sync.error:
            _rename(self.durable, [change for event, change in self.pending if event.ended <= sync.begun])
            self.pending = [(event, change) for event, change in self.pending if event.ended > sync.begun]

    def content(self, chance: random.Random) -> dict[str, File | Folder]:
        """The names in it after a cut."""
        changes = [change for _, change in self.pending]
        names = dict(self.durable)
        _rename(names, _some(changes, chance.choice(NAMES_LEFT), chance))
        return names


class Disk:
    """The disk under a folder, as it was before anything was recorded; ``replay`` lets time go by."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._chance = chance
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
        """Let this happen, after all that ended before it. Files that are not known do not count."""
        node = self._inodes.get(event.inode)
        if event.kind in (WRITE, TRUNCATE) and isinstance(node, File):
            node.pending.append(event)
        elif event.kind == SYNC and node is not None:
            node.sync(event, self._chance)
        elif event.kind not in (WRITE, TRUNCATE, SYNC):
            self._change_names(event, node)

    def _change_names(self, event: Event, node: File | Folder | None) -> None:
        if event.kind == RENAME:
            old, new = event.path.split("\0")
            folder, name = self._find(old)
            other, new_name = self._find(new)
            if folder is not other:
                raise ValueError(f"{old} -> {new}: from one folder to another is no part of the model")
            folder.change(event, {name: None, new_name: folder.names[name]})
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
        found: File | Folder = self.root
        for each in folders:
            assert isinstance(found, Folder)
            found = found.names[each]
        assert isinstance(found, Folder)
        return found, name

    def cut(self, target: Path, under_way: Iterable[Event], chance: random.Random) -> str:
        """Write what may be left when the power fails now, while some operations are ``under_way``.

        Returns in words what was chosen.
        """
        writes = [event for event in under_way if event.kind in (WRITE, TRUNCATE)]
        favourite = chance.choice(FAVOURITES)
        chosen: dict[File, str] = {}
        places: dict[File, Path] = {}
        for path, node in _walk(target, self.root, chance):
            if isinstance(node, Folder):
                path.mkdir()
            elif node in places:
                os.link(places[node], path)
            elif path.name.endswith("-shm"):
                path.write_bytes(chance.randbytes(32768))  # it is never synced, and SQLite makes it anew
            else:
                ours = [event for event in writes if self._inodes.get(event.inode) is node]
                chosen[node] = _choose(path.name, favourite, chance)
                there = File(node.durable, [*node.pending, *ours])
                path.write_bytes(there.content(chosen[node], chance))
                places[node] = path
        return ", ".join(f"{places[node].name}: {remainder}" for node, remainder in chosen.items())

    def now(self) -> dict[str, bytes]:
        """Every file as programs see it, by its path; for holding the record against the real folder."""
        return {
            str(path): File(node.durable, node.pending).content("all", self._chance)
            for path, node in _walk_names(Path(), self.root)
            if isinstance(node, File)
        }


def _walk(path: Path, node: File | Folder, chance: random.Random) -> Iterator[tuple[Path, File | Folder]]:
    yield path, node
    if isinstance(node, Folder):
        for name, inner in node.content(chance).items():
            yield from _walk(path / name, inner, chance)


def _walk_names(path: Path, node: File | Folder) -> Iterator[tuple[Path, File | Folder]]:
    yield path, node
    if isinstance(node, Folder):
        for name, inner in node.names.items():
            yield from _walk_names(path / name, inner)


def _choose(name: str, favourite: str | None, chance: random.Random) -> str:
    if favourite is None:
        return chance.choice(REMAINDERS)
    return "all" if name.endswith(favourite) else "none"


def survivors(events: list[Event], remainder: str, chance: random.Random) -> list[Event]:
    """Those writes that are on the disk all the same."""
    if remainder == "sectors":
        return [part for event in events for part in _sectors(event) if chance.random() < 0.5]
    return _some(events, remainder, chance)


def _some(things: list, remainder: str, chance: random.Random) -> list:
    if remainder == "single":
        return [thing for thing in things if chance.random() < 0.5]
    some = chance.randint(0, len(things))
    return {"none": [], "all": things, "prefix": things[:some], "suffix": things[some:]}[remainder]


def _sectors(event: Event) -> Iterator[Event]:
    """A write in the pieces that the disk writes at once."""
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
