"""Lists in a database: their snapshot, times that are wrong, and how SQLite finds the rows."""

import itertools
import json
import re

from support.clients import new

from acare import ids, timestamps
from acare.auth import OPERATOR
from acare.store import callers, changes, creation
from acare.store.list_statements import INDEXED, matching_statement, page_statement


def test_rows_and_total_are_of_one_snapshot(store, client_lists, database, user):
    made = [store.create(user, new()).json for _ in range(3)]

    def create_before_the_rows(statement):
        if statement.lstrip().startswith("SELECT json"):
            store.create(user, new())

    with database.read() as connection:  # the one that the page will borrow
        connection.set_trace_callback(create_before_the_rows)
    page = client_lists.page(OPERATOR, page=1, limit=2)
    connection.set_trace_callback(None)
    assert (page.total, page.rows) == (3, made[:0:-1])


def test_a_client_from_the_future_can_be_changed_and_deleted(store, database, user, other_user, sql):
    """It was created while the clock was wrong; no other time follows it."""
    future = "9999-12-31T23:59:59.999Z"
    values = {**new(), "id": ids.new(), "user_id": user.user_id, "created_at": future}
    poisoned = database.write(lambda connection: creation.insert(connection, values)).id
    other = json.loads(store.create(user, new()).json)
    store.handover(OPERATOR, user.user_id, other_user.user_id)
    store.delete(OPERATOR, poisoned)
    assert other["created_at"] <= timestamps.now()
    assert sql("SELECT count(*) FROM client_history WHERE ended_at > ?", timestamps.now()) == [(0,)]


# --- how SQLite executes the statements of a request: by an index, without a sort

COMBINATIONS = [names for n in range(5) for names in itertools.combinations(sorted(INDEXED), n)]

STATEMENTS = [
    callers.AUTHENTICATE,
    changes.PAGE,
    *(page_statement(frozenset(names)) for names in [*COMBINATIONS, ["q"]]),
    *(matching_statement((*found, *COMBINATIONS[-1])) for found in (["q"], ["email"], ["q", "email"])),
]


def reads_too_much(step):
    """Whether a step reads a whole table, or sorts. A covering index is read to the page and no further."""
    whole_table = "SCAN" in step and not re.search(r"COVERING|CONSTANT|VIRTUAL TABLE|subquery", step)
    return whole_table or "TEMP B-TREE" in step


def test_no_request_reads_a_whole_table_or_sorts(database):
    for statement in STATEMENTS:
        names = dict.fromkeys(re.findall(r":(\w+)", statement))
        with database.read() as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", names).fetchall()
        assert [step for *_, step in plan if reads_too_much(step)] == [], statement
