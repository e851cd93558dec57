"""A database of schema 1: made over the API by acare 0.1.0 (commit a184446), and what it answered then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent

# The keys of its users are 64 times the same digit.
BROKER, ANA, ANA_READS, REVOKED, EXPIRED, BEN, NO_SCOPE = (digit * 64 for digit in "1234567")

# Idempotency keys are kept for a day: the answers of all but one are made new again.
RENEW = "UPDATE retries SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE created_at > '2021'"


def write_to(path: Path) -> None:
    """Make the database at ``path``, as the acare that made it left it: closed, in WAL mode."""
    path.write_bytes(_content())


@cache
def _content() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "acare.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript((HERE / "schema-1.sql").read_text(encoding="utf-8"))
            connection.execute(RENEW)
            connection.execute("PRAGMA journal_mode = WAL")
        return path.read_bytes()


@cache
def answers() -> dict[str, Any]:
    """``lists``: the list of clients of each key's first digit; ``history``: the events of each client by id;
    ``keys``: what ``acare key list`` knows.
    """
    return json.loads((HERE / "schema-1-answers.json").read_text(encoding="utf-8"))
