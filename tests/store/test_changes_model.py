"""A copy that follows the feed equals the list of its caller, whatever happens to the clients meanwhile.

Another process does ACARE_TEST_CHANGES operations of every kind in eight threads, while a broker and two
agents follow the feed. The copies are compared with the lists at pauses, and ACARE_TEST_KILLS times when the
process has been killed.
"""

import json
import os
import random
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support import agency
from support.crash import KILLS
from support.keys import new_key

from acare.database.database import Database
from acare.errors import CursorExpired
from acare.store.changes import ChangeStore
from acare.store.clients import ClientStore
from acare.store.keys import KeyStore

OPERATIONS = int(os.environ.get("ACARE_TEST_CHANGES", "400"))
PER_PAUSE = max(400, OPERATIONS // 100)
SEED = int(os.environ.get("ACARE_TEST_SEED", random.randrange(10**9)))


class Follower:
    """A caller with a copy, which a thread brings up to date again and again."""

    def __init__(self, database, caller, seed):
        self.caller, self.copy, self.cursor = caller, {}, None
        self.changes, self.clients = ChangeStore(database), ClientStore(database)
        self.random = random.Random(seed)
        self.expired = 0
        self.paused = threading.Event()

    def follow(self):
        while not self.paused.is_set():
            self.read_page()

    def read_page(self):
        """Read a page. Returns whether there is more."""
        if self.random.random() < 0.002:
            self.copy, self.cursor = {}, None  # a new copy
        try:
            page = self.changes.page(self.caller, after=self.cursor, limit=self.random.choice([1, 10, 500]))
        except CursorExpired:
            self.expired += 1
            self.copy, self.cursor = {}, None
            return True
        for change in map(json.loads, page.rows):
            if change["client"] is None:
                self.copy.pop(change["id"], None)
            else:
                self.copy[change["id"]] = change["client"]
        self.cursor = page.cursor
        return page.has_more

    def differences(self):
        """The ids of clients that differ between the copy, read to the end, and the list."""
        while self.read_page():
            pass
        listed, number = {}, 1
        while rows := self.clients.page(self.caller, page=number, limit=100).rows:
            listed |= {client["id"]: client for client in map(json.loads, rows)}
            number += 1
        return [name for name in listed.keys() | self.copy if listed.get(name) != self.copy.get(name)]


@pytest.fixture
def followers(tmp_path):
    with closing(Database(tmp_path / "acare.db")) as database:
        for name in ("broker", "ana", "ben"):
            role = "broker" if name == "broker" else "agent"
            new_key(KeyStore(database), f"{name}@example.com", {}, role=role)
        yield [Follower(database, caller, name) for name, caller in agency.callers(database).items()]


def run(path, seed, followers, kill_after=None):
    """Run the operations until the end, or until the process is killed, while the followers follow."""
    code = f"from support.agency import run; run({str(path)!r}, {seed!r}, {PER_PAUSE})"
    line = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": str(Path(agency.__file__).parents[1])}
    with subprocess.Popen(line, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout.readline() == b"begins\n"
        threads = [threading.Thread(target=follower.follow) for follower in followers]
        for follower, thread in zip(followers, threads, strict=True):
            follower.paused.clear()
            thread.start()
        try:
            assert process.wait(kill_after) == 0
        except subprocess.TimeoutExpired:
            process.kill()
        for follower, thread in zip(followers, threads, strict=True):
            follower.paused.set()
            thread.join()


def test_copies_equal_the_lists_at_every_pause(tmp_path, followers):
    for number in range(-(-OPERATIONS // PER_PAUSE)):
        run(tmp_path / "acare.db", f"{SEED} {number}", followers)
        assert [follower.differences() for follower in followers] == [[], [], []], f"ACARE_TEST_SEED={SEED}"
    print(f"\n{OPERATIONS} operations, expired: {[follower.expired for follower in followers]}")


def test_copies_equal_the_lists_after_each_kill(tmp_path, followers):
    moments = random.Random(SEED)
    for number in range(KILLS):
        run(tmp_path / "acare.db", f"{SEED} killed {number}", followers, moments.uniform(0, 0.5))
        assert [follower.differences() for follower in followers] == [[], [], []], f"ACARE_TEST_SEED={SEED}"
