"""Writers that know what was acknowledged, and the check of a file against what they know."""

import functools
import http.client
import json
import os
import random
import sqlite3
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace

KILLS = int(os.environ.get("ACARE_TEST_KILLS", "1"))
WRITERS = 8
MAX_CLIENTS = 12  # that a writer keeps, so that a check stays quick however many kills there were

ALWAYS_CHECKPOINT = "import acare.database.wal as wal; wal.CHECKPOINT_AFTER = 1"


# --- the model: what was answered, and so what may be there

GONE = 0  # the version of a client that is not there


def content(name, version):
    """The fields of a client with this name and version, so that each row shows whether it is intact."""
    drawn = random.Random(f"{name} {version}")
    return {
        "first_name": name,
        "last_name": f"at version {version}",
        "client_type": drawn.choice(["buyer", "seller", "both"]),
        "status": drawn.choice(["active", "inactive", "closed"]),
        "budget_min": version,
        "tags": [name, str(version)],
        "notes": f"{name} at version {version}\n" * drawn.randrange(1, 200),  # of up to two pages
    }


def is_intact(record, name, version):
    wanted = {**content(name, version), "version": version}
    return {key: record[key] for key in wanted} == wanted


@dataclass(frozen=True)
class Known:
    """What is known of one client: its record as last answered, and the versions that it may have now.

    One version, if every write was answered. Two while a write is under way, before or after it.
    """

    record: dict | None = None
    versions: frozenset[int] = frozenset({GONE})


class Killed(Exception):
    """The server did not answer, or not in full."""


class Writer:
    """Creates, updates and deletes clients of its own, one after another, so that their order is known."""

    def __init__(self, number, key):
        self.number = number
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self.known = {}  # by name
        self.journal = []  # (instant of CLOCK_MONOTONIC in nanoseconds, name, what is known from then on)
        self.made = 0
        self.unanswered = None  # the name of a client whose creation was not answered
        self.acknowledged = 0
        self.wrong = []  # answers that should not be
        self.over = threading.Event()  # from here on there may be no answer
        self._random = random.Random(number)

    def write_times(self, address, times=sys.maxsize):
        """Make ``times`` writes, or as many as the server answers until it is killed."""
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection, suppress(Killed):
            ask = functools.partial(self.ask, connection)
            if self.unanswered:
                self.create(ask, self.unanswered)  # again, and there must not be two
            for _ in range(times):
                self.write(ask)

    def write(self, ask):
        there = [name for name, known in self.known.items() if known.versions != {GONE}]
        kind = self._random.choice(["create", "update", "update", "update", "delete"])
        if not there or (kind == "create" and len(there) < MAX_CLIENTS):
            self.made += 1
            self.create(ask, f"writer-{self.number}-client-{self.made}")
        elif kind == "delete":
            self.delete(ask, self._random.choice(there))
        else:
            self.update(ask, self._random.choice(there))

    def create(self, ask, name):
        before = self.known.get(name)
        self.know(name, Known(versions=frozenset({GONE, 1})))
        self.unanswered = name
        record = ask("POST", "/v1/clients", content(name, 1), status=201, idempotency_key=name)
        self.unanswered = None
        self.know(name, Known(record, frozenset({1})))
        self.expect(record, name, 1)
        if before and before.record not in (None, record):
            self.wrong.append(f"{name}: is {before.record}, was answered again as {record}")

    def update(self, ask, name):
        known = self.known[name]
        (version,) = known.versions
        self.know(name, replace(known, versions=frozenset({version, version + 1})))
        changes = {**content(name, version + 1), "version": version}
        record = ask("PUT", f"/v1/clients/{known.record['id']}", changes)
        self.know(name, Known(record, frozenset({version + 1})))
        self.expect(record, name, version + 1)

    def delete(self, ask, name):
        known = self.known[name]
        self.know(name, replace(known, versions=known.versions | {GONE}))
        ask("DELETE", f"/v1/clients/{known.record['id']}")
        self.know(name, replace(known, versions=frozenset({GONE})))

    def know(self, name, known):
        self.known[name] = known
        self.journal.append((time.monotonic_ns(), name, known))

    def ask(self, connection, method, path, body=None, status=200, idempotency_key=None):
        """The data of the answer, which acknowledges the write. Killed if no complete answer arrives."""
        headers = self.headers | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        try:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            if not self.over.is_set():
                self.wrong.append(f"{method} {path}: no answer, and the server lives: {error!r}")
            raise Killed from error
        if answer.status != status:
            self.wrong.append(f"{method} {path}: {answer.status} {text}")
            raise Killed
        self.acknowledged += 1
        return json.loads(text)["data"]

    def expect(self, record, name, version):
        if not is_intact(record, name, version):
            self.wrong.append(f"{name}: answered {record} for version {version}")

    def learn(self, name, record):
        """Use the record that was found as the known state; a client that is gone must not come back."""
        if record is None:
            del self.known[name]
        else:
            self.known[name] = Known(record, frozenset({record["version"]}))


# --- the check: what is there


def check(database, writers):
    """The losses and the damage in the file. Gives the writers the result of their last write."""
    findings = damage(database) + gaps(database)
    found = read_clients(database)
    deleted = set(rows(database, "SELECT client_id, version FROM client_history WHERE deleted"))
    for writer in writers:
        findings += writer.wrong
        for name, known in list(writer.known.items()):
            record = found.pop(name, None)
            version = record["version"] if record else GONE
            if version not in known.versions:
                findings.append(f"{name}: is at {version} of {known.versions} ({GONE}: not there)")
            elif record and not is_intact(record, name, version):
                findings.append(f"{name}: is not intact: {record}")
            elif record and known.versions == {version} and record != known.record:
                findings.append(f"{name}: is {record}, was answered as {known.record}")
            elif known.record and known.versions == {GONE}:
                last = (known.record["id"], known.record["version"])
                if last not in deleted:
                    findings.append(f"{name}: was deleted as {last}")
            writer.learn(name, record)
    findings += [f"{name}: exists, but was deleted or never created" for name in found]
    return findings


@contextmanager
def reading(database):
    """A connection to one snapshot of a file that a server has open; it does not delay the server."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN")
        yield connection


def rows(database, statement):
    with reading(database) as connection:
        return connection.execute(statement).fetchall()


def read_clients(database):
    records = [json.loads(text) for (text,) in rows(database, "SELECT json FROM clients")]
    clients = {record["first_name"]: record for record in records}
    assert len(clients) == len(records), "two clients of one name"
    return clients


def damage(database):
    """The errors that SQLite finds in the file, and totals that differ from a count."""
    integrity = [text for (text,) in rows(database, "PRAGMA integrity_check") if text != "ok"]
    orphans = [f"orphan: {row}" for row in rows(database, "PRAGMA foreign_key_check")]
    counted = rows(database, f"SELECT {KINDS}, count(*) FROM clients GROUP BY {KINDS}")
    kept = rows(database, f"SELECT {KINDS}, total FROM client_totals WHERE total <> 0")
    return integrity + orphans + [f"total: {row}" for row in sorted({*counted} ^ {*kept})]


def gaps(database):
    """Clients whose versions are not 1, 2, 3 and so on, and versions that are not intact."""
    past = [json.loads(text) for (text,) in rows(database, "SELECT json FROM client_history")]
    broken = [record for record in past if not is_intact(record, record["first_name"], record["version"])]
    found = [f"not intact: {record}" for record in broken]
    return found + [f"gap: {row}" for row in rows(database, GAPS)]


KINDS = "user_id, client_type, status"
# The last version of a client is either the current one or deleted.
GAPS = """
SELECT client_id, group_concat(version), sum(is_last)
FROM (
    SELECT id AS client_id, version, 1 AS is_last FROM clients
    UNION ALL
    SELECT client_id, version, deleted FROM client_history
)
GROUP BY client_id
HAVING max(version) <> count(*) OR max(version) <> count(DISTINCT version) OR sum(is_last) <> 1
"""


def write_until(address, writers, seconds, end):
    """Let all writers write concurrently, and after ``seconds`` call ``end``, which ends the server."""
    over = threading.Event()
    threads = []
    for writer in writers:
        writer.over = over
        threads.append(threading.Thread(target=writer.write_times, args=(address,)))
        threads[-1].start()
    time.sleep(seconds)
    over.set()
    end()
    for thread in threads:
        thread.join()
