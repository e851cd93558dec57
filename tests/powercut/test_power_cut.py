"""The power fails at any instant: nothing that was acknowledged is lost, and the file is intact.

``ACARE_TEST_POWER_CUTS`` is the number of cuts.
"""

import copy
import itertools
import os
import random
import shutil

import pytest
from powercut.aftermath import examine
from powercut.recording import build_recorder, record
from support.crash import ALWAYS_CHECKPOINT

CUTS = int(os.environ.get("ACARE_TEST_POWER_CUTS", "30"))
CUTS_TO_FIND = 100  # within which a defect must be found; the first that finds it is the last

CHECKPOINT_OFTEN = "import acare.database.wal as wal; wal.CHECKPOINT_AFTER = 4"
UNDER_WAY = 50  # operations that can be in progress at once: more than there are threads


def cut_power(recording, count, place):
    """For each cut, a description of its time and remainders, and what is lost or damaged."""
    rng = random.Random(1)
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


def choose_instants(recording, count, rng):
    """Instants just before, in and just after events.

    All kinds of events are equally frequent, although there are many more writes than truncations.
    """
    kinds = {"acknowledgements": recording.instants()}
    for event in recording.events:
        kinds.setdefault(event.kind, []).extend((event.begun, event.ended))
    near = [rng.choice(rng.choice(list(kinds.values()))) for _ in range(count)]
    return sorted(max(recording.begun, instant + rng.choice((-1, 0, 0, 1))) for instant in near)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    return build_recorder(tmp_path_factory.mktemp("recorder"))


#: What is recorded.
SERVED = {
    "one server, whose log is copied once": {"writes": 120},
    "two servers, whose checkpoints meet commits": {"servers": 2, "before": CHECKPOINT_OFTEN},
    "a checkpoint after each write": {"before": ALWAYS_CHECKPOINT},
}


@pytest.mark.parametrize("options", SERVED.values(), ids=SERVED)
def test_nothing_acknowledged_is_lost(recorder, tmp_path, options):
    recording = record(tmp_path, recorder, **options)
    assert [wrong for writer in recording.writers for wrong in writer.wrong] == []
    cuts = max(1, CUTS // len(SERVED))
    found = {where: lost for where, lost in cut_power(recording, cuts, tmp_path) if lost}
    print(f"\n{cuts} cuts, {recording.acknowledged()} writes acknowledged, {len(found)} cuts with losses")
    assert found == {}


# --- defects are found

# A connection that stops syncing before the statement {when}.
CARELESS = """
import sqlite3
class Careless(sqlite3.Connection):
    def execute(self, sql, *arguments):
        if sql.startswith({when!r}) and not self.in_transaction:
            super().execute("PRAGMA synchronous = OFF")
        return super().execute(sql, *arguments)
connect = sqlite3.connect
sqlite3.connect = lambda *arguments, **options: connect(*arguments, factory=Careless, **options)
"""
CARELESS_WRITER = CARELESS.format(when="BEGIN IMMEDIATE")
CARELESS_CHECKPOINT = ALWAYS_CHECKPOINT + CARELESS.format(when="PRAGMA wal_checkpoint")


@pytest.mark.parametrize(
    "wrong", [CARELESS_WRITER, CARELESS_CHECKPOINT], ids=["writer without syncs", "checkpoint without syncs"]
)
def test_a_defect_that_loses_writes_is_found(wrong, recorder, tmp_path):
    recording = record(tmp_path, recorder, wrong)
    assert any(lost for _, lost in cut_power(recording, CUTS_TO_FIND, tmp_path))
