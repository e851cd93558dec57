"""Idempotency keys: replays, and which expired keys a write deletes."""

import pytest
from support.clients import new
from support.threads import in_threads

from acare import timestamps
from acare.store.purging import purge

INSERT_OLD = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at)
SELECT ?, 'old ' || n, zeroblob(32), 'client', '{}', '2020-01-01T00:00:00.000Z' FROM numbers
"""


@pytest.fixture
def add_old(sql, user):
    return lambda: sql(INSERT_OLD, user.user_id)


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


@pytest.mark.parametrize(("days", "replayed"), [(0.9, True), (1, False)])
def test_a_key_can_be_used_again_after_a_day(store, user, add_old, sql, days, replayed):
    """Its row is replaced, whether it is among those that the write deletes or not."""
    add_old()
    client = store.create(user, new(), idempotency_key="one")
    sql("UPDATE idempotency_keys SET created_at = ? WHERE client_id = ?", timestamps.after(-days), client.id)
    assert store.create(user, new(), idempotency_key="one").replayed is replayed


def test_purging_deletes_all_expired_keys(database, add_old, count_old):
    add_old()
    purge(database, 30)
    assert count_old() == 0


# --- replays


def test_the_idempotency_keys_of_two_users_are_independent(store, user, other_user):
    first, second = (store.create(caller, new(), idempotency_key="one") for caller in (user, other_user))
    assert (second.replayed, second.id == first.id) == (False, False)


def test_many_requests_with_one_key_create_one_client(store, user):
    made = in_threads(8, lambda _: store.create(user, new(), idempotency_key="one"))
    assert len({created.id for created in made}) == 1
    assert sorted(created.replayed for created in made) == [False] + [True] * 7
