"""Lists of clients and their totals: order, filters, snapshots, and a model to compare them with."""

import itertools
import json
import random

import pytest
from support.clients import BROKER, FILL, new
from support.data import UNKNOWN_ID

from acare.auth import operator_for
from acare.fields import CLIENT_TYPES, STATUSES
from acare.store.clients import next_place_at


def ids(rows):
    return [json.loads(row)["id"] for row in rows]


def test_rows_and_total_are_of_one_snapshot(store, database, user):
    made = [store.create(user, new()).json for _ in range(3)]

    def create_before_the_rows(statement):
        if statement.lstrip().startswith("SELECT json"):
            store.create(user, new())

    with database.read() as connection:  # the one that the page will borrow
        connection.set_trace_callback(create_before_the_rows)
    page = store.page(BROKER, page=1, limit=2)
    connection.set_trace_callback(None)
    assert page == (3, made[:0:-1])


@pytest.mark.usefixtures("user")
def test_the_last_page_is_as_quick_as_the_first(store, database):
    database.write(lambda connection: connection.execute(FILL, {"count": 1000, "notes": None}).rowcount)
    steps = []
    with database.read() as connection:  # the one that the page will borrow
        connection.set_progress_handler(lambda: steps.append(page), 10)
    for page in (1, 1000):
        assert len(store.page(BROKER, page=page, limit=1).rows) == 1
    assert steps.count(1000) <= steps.count(1) + 5


class Model:
    """Clients as a plain list, newest last, with the same random changes made to it as to the store."""

    def __init__(self, store, users, sql, seed):
        self.store, self.users, self.sql, self.random = store, users, sql, random.Random(seed)
        self.clients = []

    def change(self):
        kind = self.random.random()
        client = self.random.choice(self.clients) if self.clients else None
        fields = {
            "client_type": self.random.choice(CLIENT_TYPES),
            "status": self.random.choice(STATUSES),
        }
        if client is None or kind < 0.55:
            row = self.store.create(self.random.choice(self.users), new(**fields))
            self.clients.append(json.loads(row.json))
        elif kind < 0.7:
            client |= json.loads(self.store.update(BROKER, client["id"], fields).json)
        elif kind < 0.8:
            client["user_id"] = self.random.choice(self.users).user_id
            values = client["user_id"], client["id"]
            self.sql("UPDATE clients SET user_id = ?, version = version + 1 WHERE id = ?", *values)
        else:
            self.store.delete(BROKER, client["id"])
            self.clients.remove(client)

    def newest_first(self, **wanted):
        return [
            client["id"]
            for client in reversed(self.clients)
            if all(value in (None, client[name]) for name, value in wanted.items())
        ]


@pytest.mark.parametrize("seed", [1, 2])
def test_pages_and_totals_of_all_filters_match_the_model(store, user, other_user, sql, seed):
    model = Model(store, [user, other_user], sql, seed)
    for _ in range(400):
        model.change()
    for caller, client_type, status in itertools.product(
        (BROKER, user, other_user, operator_for(UNKNOWN_ID)), (None, *CLIENT_TYPES), (None, *STATUSES)
    ):
        filters = {"client_type": client_type, "status": status}
        expected = model.newest_first(user_id=caller.owner_id, **filters)
        for limit in (1 + model.random.randrange(5), 25, 100):
            for page in range(1, len(expected) // limit + 3):
                found = store.page(caller, page=page, limit=limit, **filters)
                skipped = (page - 1) * limit
                assert (found.total, ids(found.rows)) == (len(expected), expected[skipped : skipped + limit])


def test_a_client_created_now_is_the_newest_even_after_imports_of_the_same_time(store, user, sql):
    store.create(user, new())
    sql("UPDATE clients SET seq = seq + 999990")  # the millisecond is full
    made = [store.create(user, new()).id for _ in range(20)]
    assert ids(store.page(BROKER, page=1, limit=20).rows) == made[::-1]


def test_the_next_place_of_a_time_is_after_its_last_client(store, user, sql):
    for _ in range(20):
        store.create(user, new())
    at, last = sql("SELECT created_at, max(seq) FROM clients GROUP BY created_at")[0]
    ((place,),) = sql(f"SELECT {next_place_at('?1')}", at)
    ((before,),) = sql(f"SELECT {next_place_at('?1')}", "1969-12-31T23:59:59.999Z")
    assert (place, before) == (last + 1, -1_000_000)
