"""The power fails at any instant: nothing that was acknowledged is lost, and nothing is left half done.

ACARE_TEST_POWER_CUTS is their number, roughly: each scenario has its share of it.
"""

import functools
import math
import os

import pytest
from powercut import scenarios
from powercut.cuts import cut_power
from powercut.recording import Recording, build_recorder
from support.crash import ALWAYS_CHECKPOINT, Findings

CUTS = int(os.environ.get("ACARE_TEST_POWER_CUTS", "30"))
CUTS_TO_FIND = 100  # within which a defect must be found; the first that finds it is the last


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    return build_recorder(tmp_path_factory.mktemp("recorder"))


@pytest.fixture(scope="module")
def record(tmp_path_factory, recorder):
    """Plays a scenario once, in which no answer may be wrong and no command may fail."""

    @functools.cache
    def play(scenario, *arguments):
        recording = Recording(tmp_path_factory.mktemp("recording"), recorder)
        scenario(recording, *arguments)
        assert [wrong for writer in recording.writers for wrong in writer.wrong] == []
        assert [step.printed for step in recording.steps.values() if step.ended == math.inf] == []
        return recording

    return play


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nothing_acknowledged_is_lost(scenario, record, tmp_path):
    recording = record(scenario)
    cuts = max(1, CUTS * scenarios.SCENARIOS[scenario] // 60)
    found = {
        where: findings for where, findings in cut_power(recording, cuts, tmp_path) if findings != Findings()
    }
    refused = sum(writer.refused for writer in recording.writers)
    print(f"\n{scenario.__name__}: {cuts} cuts, {recording.acknowledged()} writes acknowledged, "
          f"{refused} refused, {len(found)} cuts with losses")  # fmt: skip
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

ANSWER_BEFORE_COMMIT = """
import threading, time
from concurrent.futures import Future
from acare.database.database import Database
commit = Database.write
def write(self, work):
    answer = Future()
    def work_and_answer(connection):
        result = work(connection)
        answer.set_result(result)
        time.sleep(0.005)  # on a busy machine, the answer would be sent after the commit all the same
        return result
    def run():
        try:
            commit(self, work_and_answer)
        except BaseException as error:
            answer.done() or answer.set_exception(error)
    threading.Thread(target=run).start()
    return answer.result()
Database.write = write
"""


@pytest.mark.parametrize(
    "wrong",
    [CARELESS_WRITER, CARELESS_CHECKPOINT, ANSWER_BEFORE_COMMIT],
    ids=["writer without syncs", "checkpoint without syncs", "answer before the commit"],
)
def test_a_defect_that_loses_writes_is_found(wrong, record, tmp_path):
    recording = record(scenarios.served, wrong)
    assert any(findings != Findings() for _, findings in cut_power(recording, CUTS_TO_FIND, tmp_path))
