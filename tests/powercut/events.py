"""The events that recorder.c has recorded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WRITE, TRUNCATE, SYNC, CREATE, FOLDER, LINK, RENAME, REMOVE = map(ord, "wtscdlru")

_HEADER = struct.Struct("=QQQQIIII")  # struct record


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


def read_events(folder: Path) -> list[Event]:
    """All recorded events in the order of their ends, except writes to -shm files."""
    events = [event for path in folder.iterdir() for event in _read_records(path.read_bytes())]
    shared_memory = {event.inode for event in events if event.path.endswith("-shm")} - {0}
    events = [event for event in events if event.path or event.inode not in shared_memory]
    return sorted(events, key=lambda event: event.ended)


def _read_records(content: bytes) -> Iterator[Event]:
    at = 0
    while at + _HEADER.size <= len(content):
        *numbers, path_length, content_length = _HEADER.unpack_from(content, at)
        path_at = at + _HEADER.size
        content_at = path_at + path_length
        at = content_at + content_length
        if at <= len(content):  # else the process was killed
            yield Event(*numbers, content[path_at:content_at].decode(), content[content_at:at])
