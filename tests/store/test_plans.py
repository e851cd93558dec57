"""How SQLite executes the statements of a request: by an index, without a sort."""

import itertools
import re

import pytest

from acare.store import changes, clients, idempotency, keys, lists, targets, transfer, users

FILTERS = [
    names for n in range(4) for names in itertools.combinations(("owner_id", "client_type", "status"), n)
]

STATEMENTS = {
    **{
        name: text
        for module in (clients, idempotency, targets)
        for name, text in vars(module).items()
        if isinstance(text, str) and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", text) and "{" not in text
    },
    "AUTHENTICATE": keys.AUTHENTICATE,
    "changes.PAGE": changes.PAGE,
    "TRANSFER": transfer.TRANSFER,
    **{f"users.{name}": getattr(users, name) for name in ("FIND", "FIND_HOST_KEY", "CHANGE")},
    "UPDATE": clients.UPDATE.format(assignments="email = :email, client_type = :client_type"),
    **{
        f"list {names} {order}": lists.page_statement(names, order)
        for names in FILTERS
        for order in ("ASC", "DESC")
    },
    **{
        f"search {found}": lists.page_statement((*found, *FILTERS[-1]), "DESC")
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
    whole_table = "SCAN" in step and not re.search(r"COVERING INDEX|VIRTUAL TABLE|subquery", step)
    return whole_table or "TEMP B-TREE" in step


def test_no_statement_reads_a_whole_table_or_sorts(plan):
    found = {name: list(filter(reads_too_much, plan(text))) for name, text in STATEMENTS.items()}
    assert {name: steps for name, steps in found.items() if steps} == {}
    assert {"GET", "DELETE", "FIND"} < STATEMENTS.keys()
