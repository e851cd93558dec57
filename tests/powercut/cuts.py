"""Power cuts at random instants of a recording."""

from __future__ import annotations

import copy
import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from powercut.aftermath import examine
from powercut.events import SYNC, TRUNCATE, WRITE
from powercut.recording import Recording
from support.crash import Findings

UNDER_WAY = 50  # operations that can be in progress at once: more than there are threads


def cut_power(recording: Recording, count: int, place: Path, seed: int = 1) -> Iterator[tuple[str, Findings]]:
    """For each cut, a description of its time and remainders, and the findings of the check."""
    rng = random.Random(seed)
    disk = copy.deepcopy(recording.disk)
    events = recording.events
    happened = 0
    for number, instant in enumerate(choose_instants(recording, count, rng)):
        while happened < len(events) and events[happened].ended <= instant:
            disk.replay(events[happened])
            happened += 1
        next_ones = itertools.islice(events, happened, happened + UNDER_WAY)
        under_way = [event for event in next_ones if event.begun < instant]
        folder = place / f"cut-{number}"
        chosen = disk.cut(folder, under_way, rng)
        where = f"cut {number}, {instant - recording.begun} ns after the start ({chosen})"
        yield where, examine(recording, folder, instant)
        shutil.rmtree(folder)


def choose_instants(recording: Recording, count: int, rng: random.Random) -> list[int]:
    """Instants just before, in and just after events.

    All kinds of events are equally frequent, although there are a thousand writes for each rename.
    """
    kinds: dict[object, list[int]] = {"acknowledgements": recording.instants()}
    for event in recording.events:
        kind = event.kind if event.kind in (WRITE, TRUNCATE, SYNC) else "names"
        kinds.setdefault(kind, []).extend((event.begun, event.ended))
    near = [rng.choice(rng.choice(list(kinds.values()))) for _ in range(count)]
    return sorted(max(recording.begun, instant + rng.choice((-1, 0, 0, 1))) for instant in near)
