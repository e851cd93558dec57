"""The power fails at any instant: nothing that was acknowledged is lost, and the file is intact.

``ACARE_TEST_POWER_CUTS`` is the number of cuts.
"""

import copy
import itertools
import json
import os
import random
import shutil
import sqlite3

import pytest
from powercut.recording import build_recorder, record
from support.client import Api
from support.crash import ALWAYS_CHECKPOINT, check, damage
from webtest import AppError

import acare
from acare.errors import AcareError

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


# --- the check of what is left

FAILURES = (
    AcareError,  # it does not open
    AppError,  # it does not answer
    AssertionError,
    sqlite3.Error,
    UnicodeDecodeError,
    json.JSONDecodeError,
)


def examine(recording, folder, instant):
    """Open what is left with acare: what is damaged, or lost of what was acknowledged by this instant."""
    database = folder / recording.database.name
    try:
        with acare.create_app(database=database, rate_limit="off") as app:
            findings = check(database, [as_of(writer, instant) for writer in recording.writers])
            Api(app, recording.key).create()
        return findings + damage(database)  # closed, with the writes of these checks
    except FAILURES as error:
        return [f"{type(error).__name__}: {error}"]


def as_of(writer, instant):
    """The writer as it was at an instant."""
    past = copy.copy(writer)
    past.known = {name: known for at, name, known in writer.journal if at <= instant}
    return past


# --- the cuts


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


# --- a defect is found

# A connection that stops syncing before a write.
CARELESS = """
import sqlite3
class Careless(sqlite3.Connection):
    def execute(self, sql, *arguments):
        if sql.startswith("BEGIN IMMEDIATE") and not self.in_transaction:
            super().execute("PRAGMA synchronous = OFF")
        return super().execute(sql, *arguments)
connect = sqlite3.connect
sqlite3.connect = lambda *arguments, **options: connect(*arguments, factory=Careless, **options)
"""


def test_a_writer_that_does_not_sync_is_found(recorder, tmp_path):
    recording = record(tmp_path, recorder, CARELESS)
    assert any(lost for _, lost in cut_power(recording, CUTS_TO_FIND, tmp_path))
