"""A large database, and how the commands of the operator behave on it.

python -m tests.benchmarks.large make FILE [--clients N]   # 1,000,000 clients with 3 old versions each
python -m tests.benchmarks.large measure FILE              # changes the file
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from acare.database.database import Database
from acare.store.keys import KeyStore
from tests.support.server import command, serving

CLIENTS = 1_000_000
OLD_VERSIONS = 3
_BATCH = 50_000

USERS = """
INSERT INTO users (id, email, role)
SELECT printf('00000000-0000-4000-8000-%012d', value), 'user-' || value || '@example.com', 'agent'
FROM generate_numbers
WHERE value <= 20
"""

NUMBERS = """
CREATE TEMP TABLE generate_numbers AS
WITH RECURSIVE counted (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counted WHERE value < :last)
SELECT value FROM counted
"""

# Ids are random: clients that are neighbours in time are not neighbours in the index.
CLIENTS_SQL = """
INSERT INTO clients (
    seq, id, user_id, first_name, last_name, email, phone, client_type, status, preferred_locations,
    property_preferences, pre_approved, notes, tags, version, created_at, updated_at
)
SELECT
    1704067200000000000 + :base + value,
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8'
          || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    printf('00000000-0000-4000-8000-%012d', 1 + abs(random() % 20)),
    'First' || (:base + value), 'Last' || abs(random() % 100000),
    'client-' || (:base + value) || '@example.com', printf('(661) 555-%04d', abs(random() % 10000)),
    iif(random() % 2, 'buyer', 'seller'), iif(random() % 4, 'active', 'closed'),
    '["Bakersfield", "Tehachapi"]', '{"bedrooms_min": 3, "property_types": ["house"]}', 0,
    hex(randomblob(120)), '["first-time"]', :version, '2024-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'
FROM generate_numbers
"""

HISTORY = """
INSERT INTO client_history (client_id, version, seq, json, ended_at, deleted)
SELECT id, :version, seq, json_set(json, '$.version', :version),
       strftime('%Y-%m-%dT%H:%M:%fZ', '2024-01-01', printf('+%d seconds', abs(random() % 30000000))), 0
FROM clients
WHERE seq > 1704067200000000000 + :base AND seq <= 1704067200000000000 + :base + :count
"""


def make(path: Path, clients: int = CLIENTS) -> None:
    """Create the file, with bulk SQL: over the API it would take hours."""
    Database(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        batch = min(_BATCH, clients)
        connection.execute(NUMBERS, {"last": batch})
        connection.execute(USERS)
        for base in range(0, clients, batch):
            connection.execute("BEGIN")
            connection.execute(CLIENTS_SQL, {"base": base, "version": OLD_VERSIONS + 1})
            for version in range(1, OLD_VERSIONS + 1):
                connection.execute(HISTORY, {"base": base, "count": batch, "version": version})
            connection.execute("COMMIT")
            print(f"\r{base + batch} clients", end="", file=sys.stderr, flush=True)
    print(f", {path.stat().st_size / 2**30:.1f} GiB", file=sys.stderr)


class Load:
    """Creates clients at a steady rate over HTTP while a ``with`` lasts; the seconds that each one took."""

    def __init__(self, address: str, key: str, rate: int = 400, threads: int = 8) -> None:
        self.waits: list[float] = []
        self.failed = 0
        self._address, self._rate, self._threads = address, rate / threads, threads
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self._over = threading.Event()

    def __enter__(self) -> Load:
        self._running = [threading.Thread(target=self._write) for _ in range(self._threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._running:
            thread.join()

    def _write(self) -> None:
        body = json.dumps({"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"})
        with closing(http.client.HTTPConnection(self._address, timeout=30)) as connection:
            due = time.monotonic() + random.random() / self._rate
            while not self._over.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / self._rate, time.monotonic() - 1)
                began = time.monotonic()
                connection.request("POST", "/v1/clients", body, self._headers)
                answer = connection.getresponse()
                answer.read()
                self.waits.append(time.monotonic() - began)
                self.failed += answer.status != 201

    def __str__(self) -> str:
        waits = sorted(self.waits)
        p99 = waits[int(len(waits) * 0.99)] * 1000
        return f"{len(waits)} writes, p99 {p99:.1f} ms, worst {waits[-1] * 1000:.0f} ms, {self.failed} failed"


def run(*arguments: object) -> str:
    """Run a command; its exit code, its seconds and its maximum memory."""
    began = time.monotonic()
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    return f"exit code {process.returncode}, {seconds:.2f} s, {used.ru_maxrss // 1024} MB"


def beside(address: str, key: str, name: str, work: Callable[[], object]) -> None:
    """Run a command while other writers write, and print what it is to both."""
    with Load(address, key) as load:
        done = work()
        time.sleep(1)
    print(f"{name}: {done or ''}\n    beside it: {load}", flush=True)


def measure(path: Path) -> None:
    """Print what each command costs beside a server that writes, and then alone."""
    where, backups = ("--database", path), path.parent / "backups"
    with closing(Database(path)) as database:
        with database.read() as connection:
            rows = connection.execute("SELECT id FROM clients LIMIT 7 OFFSET 1000").fetchall()
        key = KeyStore(database).create("broker@example.com", {"all": ["read", "write"]}, role="broker").key
    with serving(path) as (_, address):
        beside(address, key, "nothing", lambda: time.sleep(10))
        for (client_id,) in rows:
            beside(address, key, "erase", lambda client_id=client_id: run("erase", client_id, *where))
        for command in (("purge", "--older-than", 900), ("backup", backups)):
            beside(address, key, str(command[0]), lambda command=command: run(*command, *where))
    for command in (("status",), ("find", "first4711 last", "--deleted"), ("compact",)):
        print(f"{command[0]}: {run(*command, *where)}", flush=True)
    backup = max(backups.glob("*.db"))
    print(f"verify: {run('verify', backup)}")
    print(f"restore: {run('restore', backup, *where)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("make", "measure"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    args = parser.parse_args()
    began = time.monotonic()
    if args.action == "make":
        make(args.file, args.clients)
    else:
        measure(args.file)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
