"""A large database, and how the commands of the operator behave on it.

python -m tests.benchmarks.large make FILE [--clients N]   # 1,000,000 clients with 3 old versions each
python -m tests.benchmarks.large measure FILE              # changes the file
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

from acare.store.database import Database

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

# Ids are random as those of real clients are: neighbours in time are not neighbours in an index.
CLIENTS_SQL = """
INSERT INTO clients (
    id, user_id, first_name, last_name, email, phone, client_type, status, preferred_locations,
    property_preferences, pre_approved, notes, tags, version, created_at, updated_at
)
SELECT
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
WHERE seq > :base AND seq <= :base + :count
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("make", "measure"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    args = parser.parse_args()
    began = time.monotonic()
    if args.action == "make":
        make(args.file, args.clients)
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
