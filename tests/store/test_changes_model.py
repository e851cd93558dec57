"""A copy that follows the feed equals the list of its caller, whatever happens to the clients meanwhile.

Eight threads do ACARE_TEST_CHANGES operations of every kind, while a broker and two agents follow the feed.
At pauses, the copies are compared with the lists, and the file and its search index are verified.
"""

import io
import json
import os
import random
import threading
import uuid
from contextlib import suppress

import pytest
from support.keys import new_key
from support.threads import Call, in_threads

from acare import timestamps
from acare.auth import caller_without_key
from acare.errors import AcareError, Refused
from acare.fields import ValidFields, validate_create
from acare.importing.importer import import_rows
from acare.importing.json_lines import JsonReader
from acare.importing.rows import Options
from acare.maintenance.verification import verify_file
from acare.store import purging
from acare.store.changes import ChangeFeed
from acare.store.clients import ClientStore
from acare.store.deleted import DeletedClients
from acare.store.lists import ClientLists

OPERATIONS = int(os.environ.get("ACARE_TEST_CHANGES", "1200"))
PER_PAUSE = max(400, OPERATIONS // 100)
SEED = int(os.environ.get("ACARE_TEST_SEED", random.randrange(10**9)))
THREADS = 8
MAX_CLIENTS = 300  # so that most operations find a client, and a comparison is quick

#: How often each operation is done, compared with the others.
WEIGHTS = {
    "create": 30,
    "update": 60,
    "delete": 30,
    "restore": 40,
    "hand_over": 25,
    "handover": 1,
    "erase": 3,
    "purge": 0.3,
    "import_file": 3,
}


class Operations:
    """The operations, by name; each does one thing to a random client, or is refused.

    The threads share the list of ids.
    """

    def __init__(self, database, callers, ids, seed):
        self.database, self.callers, self.ids = database, callers, ids
        self.random = random.Random(seed)
        self.clients, self.deleted = ClientStore(database), DeletedClients(database)

    def any_caller(self):
        return self.random.choice(list(self.callers.values()))

    def any_owner(self):
        return self.callers[self.random.choice(["ana", "ben"])].user_id

    def any_id(self):
        return self.random.choice(self.ids[:MAX_CLIENTS] or [str(uuid.UUID(int=0))])

    def fields(self):
        name = self.random.choice(["Jordan", "Zoë", "O'Brien", "王小明", "Mu\u0308ller"])
        status = self.random.choice(["active", "inactive", "closed"])
        notes = "x" * self.random.choice([1, 100, 3000])
        person = {"first_name": name, "last_name": str(self.random.random()), "client_type": "buyer"}
        return {**person, "status": status, "notes": notes}

    def create(self):
        made = self.clients.create(self.any_caller(), validate_create(self.fields()))
        self.ids.append(made.id)

    def update(self):
        self.clients.update(self.any_caller(), self.any_id(), ValidFields(notes=str(self.random.random())))

    def delete(self):
        self.clients.delete(self.any_caller(), self.any_id())

    def restore(self):
        self.deleted.restore(self.any_caller(), self.any_id())

    def hand_over(self):
        self.clients.update(self.callers["broker"], self.any_id(), ValidFields(user_id=self.any_owner()))

    def handover(self):
        one, other = self.random.sample(["ana", "ben"], 2)
        self.clients.handover(self.callers["broker"], self.callers[one].user_id, self.callers[other].user_id)

    def erase(self):
        self.deleted.erase(self.any_id())

    def purge(self):
        purging.purge(self.database, 0)

    def import_file(self):
        new = [str(uuid.UUID(int=self.random.getrandbits(128), version=4)) for _ in range(3)]
        owners = ["ana@example.com", "ben@example.com"]
        rows = [
            {**self.fields(), "id": client_id, "owner": self.random.choice(owners)}
            for client_id in [self.any_id(), *new]
        ]
        lines = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
        options = Options(timestamps.now(), {"owner": owners[0]}, on_duplicate="skip")
        import_rows(self.database, JsonReader(lines, {}, ()), options)
        self.ids += new

    def do_some(self, count):
        for name in self.random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count):
            with suppress(AcareError):
                getattr(self, name)()
            if len(self.ids) > MAX_CLIENTS:
                self.deleted.erase(self.ids.pop(self.random.randrange(MAX_CLIENTS // 2)))


class Follower:
    """A caller with a copy, which a thread brings up to date again and again."""

    def __init__(self, database, caller, seed):
        self.caller, self.copy, self.cursor = caller, {}, None
        self.feed, self.lists = ChangeFeed(database), ClientLists(database)
        self.random = random.Random(seed)
        self.told = []

    def follow(self, until):
        while not until.is_set():
            self.read_page()

    def read_page(self):
        """Read a page. Returns whether there is more."""
        if self.random.random() < 0.002:
            self.copy, self.cursor, self.told = {}, None, []  # a new copy
        try:
            limit = self.random.choice([1, 10, 500])
            page = self.feed.page(self.caller, after=self.cursor, limit=limit)
        except Refused:
            self.copy, self.cursor, self.told = {}, None, []
            return True
        for change in map(json.loads, page.rows):
            self.told.append(change["id"])
            if change["client"] is None:
                self.copy.pop(change["id"], None)
            else:
                self.copy[change["id"]] = change["client"]
        self.cursor = page.cursor
        return page.has_more

    def differences(self):
        """The ids of clients that differ between the copy, read to the end, and the list.

        On the way to the end, which nothing delays now, no client may be told of twice.
        """
        self.told = []
        while self.read_page():
            pass
        assert len(self.told) == len(set(self.told))
        clients = [json.loads(text) for text, _ in self.lists.all(self.caller, 10**6)]
        listed = {client["id"]: client for client in clients}
        return [name for name in listed.keys() | self.copy if listed.get(name) != self.copy.get(name)]


@pytest.fixture
def callers(keys, monkeypatch):
    """A broker and two agents, by name. A purge is made in short steps."""
    monkeypatch.setattr(purging, "ROWS", 10)
    monkeypatch.setattr(purging, "PAUSE", 0.001)
    roles = {"broker": "broker", "ana": "agent", "ben": "agent"}
    users = {name: new_key(keys, f"{name}@example.com", {}, role=roles[name]).user_id for name in roles}
    return {name: caller_without_key(user, roles[name]) for name, user in users.items()}


def test_copies_equal_the_lists_at_every_pause(path, database, callers):
    ids, followers = [], [Follower(database, caller, name) for name, caller in callers.items()]
    for pause in range(-(-OPERATIONS // PER_PAUSE)):
        over = threading.Event()
        following = [Call(follower.follow, over) for follower in followers]
        workers = [Operations(database, callers, ids, f"{SEED} {pause} {n}") for n in range(THREADS)]
        in_threads(THREADS, lambda n, workers=workers: workers[n].do_some(PER_PAUSE // THREADS))
        over.set()
        for call in following:
            call.result()
        assert [follower.differences() for follower in followers] == [[], [], []], f"ACARE_TEST_SEED={SEED}"
        assert database.empty_wal()
        assert verify_file(path) == len(followers[0].copy)
