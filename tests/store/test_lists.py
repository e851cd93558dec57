"""Clients in a database: the snapshot of a list, the positions of new clients, their timestamps."""

import json

from support.clients import BROKER, new

from acare.store.clients import next_position_at

FUTURE = "2999-12-31T23:59:59.999Z"


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


def test_a_client_created_now_is_the_newest_even_after_imports_of_the_same_time(store, user, sql):
    store.create(user, new())
    sql("UPDATE clients SET seq = seq + 999990")  # the millisecond is full
    made = [store.create(user, new()).id for _ in range(20)]
    assert ids(store.page(BROKER, page=1, limit=20).rows) == made[::-1]


def test_the_next_position_of_a_time_is_after_its_last_client(store, user, sql):
    for _ in range(20):
        store.create(user, new())
    at, last = sql("SELECT created_at, max(seq) FROM clients GROUP BY created_at")[0]
    ((position,),) = sql(f"SELECT {next_position_at('?1')}", at)
    ((before,),) = sql(f"SELECT {next_position_at('?1')}", "1969-12-31T23:59:59.999Z")
    assert (position, before) == (last + 1, -1_000_000)


def test_timestamps_do_not_go_back_with_the_clock(store, user, sql):
    client_id = store.create(user, new()).id
    sql("UPDATE clients SET created_at = ?, updated_at = ?", FUTURE, FUTURE)
    later = json.loads(store.create(user, new()).json)
    updated = json.loads(store.update(BROKER, client_id, {"phone": "2"}).json)
    assert (later["created_at"], later["updated_at"], updated["updated_at"]) == (FUTURE,) * 3
