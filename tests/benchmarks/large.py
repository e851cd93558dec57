"""Makes a large database."""

import sys
from contextlib import closing
from pathlib import Path

from acare.database.connection import open_writer
from acare.store.search import FUNCTIONS, index_changes, open_database

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
    hex(randomblob(120)), '["first-time"]', 1, '2024-01-01T00:00:00.000Z', '2025-01-01T00:00:00.000Z'
FROM generate_numbers
"""


def make(path: Path, clients: int) -> None:
    """Create the file, with bulk SQL: over the API it would take hours."""
    open_database(path).close()
    with closing(open_writer(path, FUNCTIONS)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        batch = min(_BATCH, clients)
        connection.execute(NUMBERS, {"last": batch})
        connection.execute(USERS)
        for base in range(0, clients, batch):
            connection.execute("BEGIN")
            connection.execute(CLIENTS_SQL, {"base": base})
            index_changes(connection)
            connection.execute("COMMIT")
            print(f"\r{base + batch} clients", end="", file=sys.stderr, flush=True)
    print(f", {path.stat().st_size / 2**30:.1f} GiB", file=sys.stderr)
