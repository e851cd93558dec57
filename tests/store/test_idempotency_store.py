"""Expired idempotency keys: how many one write deletes, and by which index it finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from acare.auth import operator_for
from acare.fields import clean_new
from acare.store import idempotency
from acare.store.clients import ClientStore
from acare.store.database import Database
from acare.store.history import HistoryStore
from acare.store.keys import KeyStore

JORDAN = clean_new({"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"})
OLD = 2000

INSERT_OLD = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
SELECT :user_id, 'old ' || n, zeroblob(32), 'client', '{}', :created_at FROM numbers
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "acare.db")) as database:
        yield database


@pytest.fixture
def user(database: Database) -> str:
    return KeyStore(database).create("ana@example.com", {}).user_id


@pytest.fixture
def add_old(database: Database, user: str) -> Callable[..., None]:
    def add(created_at: str = "2020-01-01T00:00:00.000Z", count: int = OLD) -> None:
        row = {"user_id": user, "created_at": created_at, "count": count}
        database.write(lambda connection: connection.execute(INSERT_OLD, row).rowcount)

    return add


def count_old(database: Database) -> int:
    with database.read() as connection:
        return connection.execute("SELECT count(*) FROM idempotency_keys WHERE key LIKE 'old %'").fetchone()[
            0
        ]


def test_a_write_deletes_at_most_500_expired_keys(
    database: Database, user: str, add_old: Callable[..., None]
) -> None:
    add_old()
    left = [count_old(database)]
    while left[-1]:
        ClientStore(database).create(operator_for(user), JORDAN, idempotency_key=f"new {len(left)}")
        left.append(count_old(database))
    assert left == [2000, 1500, 1000, 500, 0]


def test_a_key_that_is_not_expired_is_not_deleted(database: Database, add_old: Callable[..., None]) -> None:
    add_old("9999-01-01T00:00:00.000Z", count=10)
    assert database.write(idempotency.delete_expired) == 0
    assert count_old(database) == 10


def test_an_expired_key_that_is_not_deleted_yet_can_be_used_again(
    database: Database, user: str, add_old: Callable[..., None]
) -> None:
    """Its row is replaced, whether it is among those that the write deletes or not."""
    add_old()
    created = ClientStore(database).create(operator_for(user), JORDAN, idempotency_key=f"old {OLD}")
    assert created.replayed is False


def test_purging_deletes_all_expired_keys(database: Database, add_old: Callable[..., None]) -> None:
    add_old()
    HistoryStore(database).purge(30)
    assert count_old(database) == 0


def test_expired_keys_are_found_by_their_index(database: Database) -> None:
    with database.read() as connection:
        steps = connection.execute(f"EXPLAIN QUERY PLAN {idempotency.DELETE_EXPIRED}").fetchall()
    found = " ".join(step[3] for step in steps)
    assert "COVERING INDEX idempotency_keys_by_created (created_at<?)" in found
    assert "SCAN" not in found
