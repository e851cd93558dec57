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
from concurrent.futures import ThreadPoolExecutor
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
    json_extract('["buyer", "seller", "both"]', printf('$[%d]', value % 3)),
    json_extract('["active", "inactive", "closed"]', printf('$[%d]', value / 3 % 3)),
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


def make(path: Path, clients: int = CLIENTS, old_versions: int = OLD_VERSIONS) -> None:
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
            connection.execute(CLIENTS_SQL, {"base": base, "version": old_versions + 1})
            for version in range(1, old_versions + 1):
                connection.execute(HISTORY, {"base": base, "count": batch, "version": version})
            connection.execute("COMMIT")
            print(f"\r{base + batch} clients", end="", file=sys.stderr, flush=True)
    print(f", {path.stat().st_size / 2**30:.1f} GiB", file=sys.stderr)


def create_until(over: threading.Event, address: str, key: str, rate: float) -> list[float]:
    """Create clients at a steady rate over one connection; the seconds that each one took."""
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    body = json.dumps({"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"})
    waits = []
    with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
        due = time.monotonic() + random.random() / rate
        while not over.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / rate, time.monotonic() - 1)
            began = time.monotonic()
            connection.request("POST", "/v1/clients", body, headers)
            answer = connection.getresponse()
            answer.read()
            waits.append(time.monotonic() - began if answer.status == 201 else float("inf"))
    return waits


def run(*arguments: object) -> str:
    """Run a command; its exit code, its seconds and its maximum memory."""
    began = time.monotonic()
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    return f"exit code {process.returncode}, {seconds:.2f} s, {used.ru_maxrss // 1024} MB"


def beside(address: str, key: str, name: str, work: Callable[[], object]) -> None:
    """Run a command while 8 writers create 400 clients a second, and print what it is to both."""
    over = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(create_until, over, address, key, 400 / 8) for _ in range(8)]
        try:
            done = work()
            time.sleep(1)
        finally:
            over.set()
    waits = sorted(wait for writer in writers for wait in writer.result())
    p99 = waits[int(len(waits) * 0.99)] * 1000
    print(
        f"{name}: {done or ''}\n    beside it: {len(waits)} writes, p99 {p99:.1f} ms, worst {waits[-1]:.3f} s"
    )


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
    if args.action == "make":
        make(args.file, args.clients)
    else:
        measure(args.file)


if __name__ == "__main__":
    main()
