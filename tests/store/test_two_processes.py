"""Two servers on one file: what one answers the other knows, and no update is lost between them."""

import http.client
import json
import threading
from contextlib import ExitStack, closing

import pytest
from support.crash import damage
from support.data import JORDAN
from support.server import make_key, serving

THREADS = 4  # in front of each server
UPDATES = 15  # that each thread has to bring in

# Both checkpoint all the time, so that checkpoints of one meet commits of the other.
CHECKPOINT_OFTEN = "import acare.store.wal as wal; wal.CHECKPOINT_AFTER = 2"


class Caller:
    """One thread's connection to one server."""

    def __init__(self, address, key):
        self.connection = http.client.HTTPConnection(address, timeout=30)
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def close(self):
        self.connection.close()

    def ask(self, method, path, body=None):
        """The status, and the data or the error."""
        self.connection.request(method, path, body and json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        content = json.loads(answer.read())
        return answer.status, content.get("data", content.get("error"))

    def create(self, **fields):
        status, client = self.ask("POST", "/v1/clients", {**JORDAN, **fields})
        assert status == 201
        return client

    def get(self, client):
        status, found = self.ask("GET", f"/v1/clients/{client['id']}")
        assert status == 200
        return found

    def put(self, client, changes):
        return self.ask("PUT", f"/v1/clients/{client['id']}", changes)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return tmp_path_factory.mktemp("shared") / "shared.db"


@pytest.fixture(scope="module")
def callers(database):
    """As many to each of the two servers, in turn."""
    key = make_key(database)
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(database, before=CHECKPOINT_OFTEN))[1] for _ in range(2)]
        yield [
            stack.enter_context(closing(Caller(address, key)))
            for _ in range(THREADS)
            for address in addresses
        ]


def all_at_once(callers, act):
    """``act`` of each caller in a thread of its own; what it returned or raised."""
    outcomes = {}

    def run(number, caller):
        try:
            outcomes[number] = act(caller)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(outcomes.values())


def test_whoever_reads_changes_and_tries_again_loses_nothing(database, callers):
    client = callers[0].create(budget_max=0)

    def add_one(caller):
        now = caller.get(client)
        status, answer = caller.put(client, {"budget_max": now["budget_max"] + 1, "version": now["version"]})
        assert status in (200, 409), answer
        return status == 200

    def add(caller):
        added = 0
        while added < UPDATES:
            added += add_one(caller)
        return added

    assert all_at_once(callers, add) == [UPDATES] * len(callers)
    found = callers[1].get(client)
    updates = UPDATES * len(callers)
    assert (found["budget_max"], found["version"]) == (updates, 1 + updates)
    assert damage(database) == []


# One for each caller, and what it holds after its update of a number.
FIELDS = {
    "first_name": str,
    "last_name": str,
    "phone": str,
    "source": str,
    "notes": str,
    "budget_min": int,
    "pre_approval_amount": int,
    "tags": lambda number: [str(number)],
}


def test_without_a_version_every_update_counts_and_none_undoes_another(database, callers):
    client = callers[0].create()
    fields = dict(zip(callers, FIELDS, strict=True))

    def update(caller):
        field = fields[caller]
        changes = [{field: FIELDS[field](number)} for number in range(1, UPDATES + 1)]
        return [caller.put(client, change)[0] for change in changes]

    assert all_at_once(callers, update) == [[200] * UPDATES] * len(callers)
    found = callers[1].get(client)
    assert found["version"] == 1 + UPDATES * len(callers)
    assert {field: found[field] for field in FIELDS} == {field: FIELDS[field](UPDATES) for field in FIELDS}
    assert damage(database) == []


def test_of_all_who_update_one_version_one_wins(callers):
    client = callers[0].create()
    for version in range(1, 11):
        changes = {"notes": f"was {version}", "version": version}
        outcomes = all_at_once(callers, lambda caller, changes=changes: caller.put(client, changes)[0])
        assert sorted(outcomes) == [200] + [409] * (len(callers) - 1)


def test_what_one_server_has_answered_the_other_knows(callers):
    one, other = callers[:2]
    before = count(other)
    for number in range(1, 11):
        client = one.create()
        assert other.get(client) == client
        _, updated = other.put(client, {"notes": "from the other"})
        assert one.get(client) == updated
        assert count(other) == before + number


def count(caller):
    return caller.ask("GET", "/v1/clients?limit=1")[1]["meta"]["total"]
