"""Databases of older schemas, as the last commit of each left them (4: 3b46be3c, 5: 870b0939); their answers.

The first one began as a database of schema 2, so it has been migrated before; the second one is the first,
migrated again. Each file is SQL, with the rows of the full-text index. Both have the answers that ``answers``
describes, which are those of the API with schema 4.
"""

import json
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent

VERSIONS = sorted(int(path.stem.removeprefix("schema-")) for path in HERE.glob("schema-*.sql"))

# Each key of its users is one digit, repeated 64 times. TABLET was made with BROKER.
BROKER, ANA, ANA_READS, REVOKED, EXPIRED, BEN, DISABLED, TABLET = (digit * 64 for digit in "12345678")

#: The request for which Ana used the idempotency keys "ana-1" and "ana-4".
SENT = {"first_name": "Zoë", "last_name": "Lee", "client_type": "seller"}

# Idempotency keys expire after a day: all but one are made recent again.
RENEW = """
UPDATE idempotency_keys
SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE created_at > '2021'
"""


def write_to(path: Path, version: int = 4) -> None:
    """Create a database at ``path``, in the state in which acare left it: closed, in WAL mode."""
    path.write_bytes(_content(version))


@cache
def _content(version: int) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acare.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript((HERE / f"schema-{version}.sql").read_text(encoding="utf-8"))
            connection.execute(RENEW)
            connection.execute("PRAGMA journal_mode = WAL")
        return path.read_bytes()


@cache
def answers() -> dict[str, Any]:
    """``lists``: the list of clients of each key's first digit; ``deleted``: the list of deleted clients;
    ``history``: the versions of each client by id; ``cursor`` of the feed and the ``changes`` after it.
    """
    text = (HERE / "schema-4-answers.json").read_text(encoding="utf-8")
    answers: dict[str, Any] = json.loads(text)
    return answers
