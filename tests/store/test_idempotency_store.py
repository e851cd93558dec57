"""Expired idempotency keys: how many one write deletes, and which."""

import pytest
from support.clients import new

from acare.store import idempotency
from acare.store.history import HistoryStore

COUNT = 2000
LONG_AGO = "2020-01-01T00:00:00.000Z"

INSERT_OLD = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
SELECT ?, 'old ' || n, zeroblob(32), 'client', '{}', ? FROM numbers
"""


@pytest.fixture
def add_old(sql, user):
    return lambda created_at=LONG_AGO, count=COUNT: sql(INSERT_OLD, count, user.user_id, created_at)


@pytest.fixture
def count_old(sql):
    return lambda: sql("SELECT count(*) FROM idempotency_keys WHERE key LIKE 'old %'")[0][0]


def test_a_write_deletes_at_most_500_expired_keys(store, user, add_old, count_old):
    add_old()
    left = [count_old()]
    while left[-1]:
        store.create(user, new(), idempotency_key=f"new {len(left)}")
        left.append(count_old())
    assert left == [2000, 1500, 1000, 500, 0]


def test_a_key_that_is_not_expired_is_not_deleted(database, add_old, count_old):
    add_old("9999-01-01T00:00:00.000Z", count=10)
    assert (database.write(idempotency.delete_expired), count_old()) == (0, 10)


def test_an_expired_key_that_is_still_there_can_be_used_again(store, user, add_old):
    """Its row is replaced, whether it is among those that the write deletes or not."""
    add_old()
    assert store.create(user, new(), idempotency_key=f"old {COUNT}").replayed is False


def test_purging_deletes_all_expired_keys(database, add_old, count_old):
    add_old()
    HistoryStore(database).purge(30)
    assert count_old() == 0
