"""Idempotency keys in a database: how long they hold, whose they are, and requests at the same time."""

import json

import pytest
from support.clients import new
from support.threads import in_threads

from acare import ids, timestamps
from acare.store import creation


@pytest.mark.parametrize(("days", "replayed"), [(0.9, True), (1, False)])
def test_a_key_can_be_used_again_after_a_day(store, user, sql, days, replayed):
    client = store.create(user, new(), idempotency_key="one")
    sql("UPDATE idempotency_keys SET created_at = ? WHERE client_id = ?", timestamps.after(-days), client.id)
    assert store.create(user, new(), idempotency_key="one").replayed is replayed


def test_a_key_is_deleted_once_it_has_expired(store, user, sql):
    store.create(user, new(), idempotency_key="one")
    sql("UPDATE idempotency_keys SET created_at = ?", timestamps.after(-1))
    store.create(user, new(), idempotency_key="two")
    assert sql("SELECT key FROM idempotency_keys") == [("two",)]


def test_the_idempotency_keys_of_two_users_are_independent(store, user, other_user):
    first, second = (store.create(caller, new(), idempotency_key="one") for caller in (user, other_user))
    assert (second.replayed, second.id == first.id) == (False, False)


def test_many_requests_with_one_key_create_one_client(store, user):
    made = in_threads(8, lambda _: store.create(user, new(), idempotency_key="one"))
    assert len({created.id for created in made}) == 1
    assert sorted(created.replayed for created in made) == [False] + [True] * 7


def day(number):
    return f"2026-01-0{number}T00:00:00.000Z"


def insert(database, user, **values):
    values = {**new(), "id": ids.new(), "user_id": user.user_id, **values}
    return json.loads(database.write(lambda connection: creation.insert(connection, values)).json)


def test_a_client_is_listed_by_the_time_of_its_creation(database, client_lists, user):
    for number in (1, 3, 2):
        insert(database, user, created_at=day(number))
    rows = client_lists.page(user, page=1, limit=3).rows
    assert [json.loads(text)["created_at"] for text in rows] == [day(3), day(2), day(1)]


def test_a_client_is_not_older_than_its_creation(database, user):
    assert insert(database, user, created_at=day(2), updated_at=day(1))["updated_at"] == day(2)
