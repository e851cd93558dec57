"""Lists in a database: their snapshot, the positions of new clients, and how SQLite finds the rows."""

import itertools
import json
import re

import pytest
from support.clients import new

from acare import timestamps
from acare.auth import OPERATOR
from acare.store import callers, changes, clients, creation, history, lists, users

FUTURE = "2999-12-31T23:59:59.999Z"


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


def test_a_client_created_now_is_newer_than_imported_ones(store, client_lists, user, sql):
    store.create(user, new())
    sql("UPDATE clients SET seq = seq + 999990, version = version + 1")  # the millisecond is full
    made = [store.create(user, new()).id for _ in range(20)]
    rows = client_lists.page(OPERATOR, page=1, limit=20).rows
    assert [json.loads(row)["id"] for row in rows] == made[::-1]


TIMES = """
SELECT created_at FROM clients
UNION SELECT updated_at FROM clients
UNION SELECT ended_at FROM client_history
UNION SELECT removed_at FROM client_changes WHERE removed_at IS NOT NULL
UNION SELECT created_at FROM idempotency_keys
"""


def test_a_client_from_the_future_changes_no_other_time(store, user, other_user, sql):
    """It was created while the clock was wrong."""
    poisoned = store.create(user, new()).id
    sql(
        "UPDATE clients SET seq = 9e18, created_at = ?, updated_at = ?, version = version + 1", FUTURE, FUTURE
    )
    store.create(user, new(), idempotency_key="k")
    store.handover(user, user.user_id, other_user.user_id)
    store.delete(OPERATOR, poisoned)
    assert max(time for (time,) in sql(TIMES)) <= timestamps.now()


# --- how SQLite executes the statements of a request: by an index, without a sort

FILTERS = [names for n in range(5) for names in itertools.combinations(sorted(lists._INDEXED), n)]

STATEMENTS = {
    **{
        name: text
        for place in (clients, clients.ClientStore, creation, history)
        for name, text in vars(place).items()
        if isinstance(text, str) and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", text) and "{" not in text
    },
    "AUTHENTICATE": callers.AUTHENTICATE,
    "changes.PAGE": changes.PAGE,
    "users.FIND": users.FIND,
    "users.CHANGE": users.UserStore.CHANGE,
    "UPDATE": clients.UPDATE.format(assignments="email = :email, client_type = :client_type"),
    **{
        f"list {names} {order}": lists.page_statement(frozenset(names), order)
        for names in FILTERS
        for order in ("ASC", "DESC")
    },
    **{
        f"search {found}": lists.matching_statement((*found, *FILTERS[-1]))
        for found in (["q"], ["email"], ["q", "email"])
    },
}


@pytest.fixture
def plan(database):
    """The steps in which SQLite executes a statement."""

    def explain(statement):
        names = dict.fromkeys(re.findall(r":(\w+)", statement))
        with database.read() as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", names)]

    return explain


def reads_too_much(step):
    """Whether a step reads a whole table, or sorts. A covering index is read to the page and no further."""
    whole_table = "SCAN" in step and not re.search(r"COVERING|CONSTANT|VIRTUAL TABLE|subquery", step)
    return whole_table or "TEMP B-TREE" in step


def test_no_statement_reads_a_whole_table_or_sorts(plan):
    found = {name: list(filter(reads_too_much, plan(text))) for name, text in STATEMENTS.items()}
    assert {name: steps for name, steps in found.items() if steps} == {}
    assert {"GET", "DELETE", "FIND_RESPONSE"} < STATEMENTS.keys()
