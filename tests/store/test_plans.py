"""How SQLite executes the statements of a request: by an index, without a sort."""

import itertools
import re

import pytest

from acare.fields import FIELDS
from acare.store import clients, idempotency, keys, lists

FILTERS = [
    frozenset(c) for n in range(4) for c in itertools.combinations(("owner_id", "client_type", "status"), n)
]
NAMES = [str(sorted(filters)) for filters in FILTERS]

STATEMENTS = {
    **{
        name: text
        for module in (clients, idempotency)
        for name, text in vars(module).items()
        if isinstance(text, str) and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", text) and "{" not in text
    },
    "AUTHENTICATE": keys.AUTHENTICATE,
    "TOUCH": keys.TOUCH,
    **{
        f"UPDATE {field.name}": clients.UPDATE.format(assignments=f"{field.name} = :{field.name}")
        for field in FIELDS
    },
    **{f"PAGE {sorted(filters)} {order}": text for (filters, order), text in lists.PAGE.items()},
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
    whole_table = "SCAN" in step and "COVERING INDEX" not in step and "VIRTUAL TABLE" not in step
    return whole_table or "TEMP B-TREE" in step


def test_no_statement_reads_a_whole_table_or_sorts(plan):
    found = {name: list(filter(reads_too_much, plan(text))) for name, text in STATEMENTS.items()}
    assert {name: steps for name, steps in found.items() if steps} == {}
    assert {"GET", "DELETE", "FIND"} < STATEMENTS.keys()


def test_each_filter_combination_has_its_statements():
    assert set(lists.TOTAL) == set(FILTERS)
    assert set(lists.PAGE) == set(itertools.product(FILTERS, ("ASC", "DESC")))


@pytest.mark.parametrize("filters", FILTERS, ids=NAMES)
def test_pages_and_totals_are_read_from_their_indexes(plan, filters):
    for order in ("ASC", "DESC"):
        *_, step = plan(lists.PAGE[filters, order])
        assert "COVERING INDEX" in step
        columns = {"user_id" if name == "owner_id" else name for name in filters}
        assert set(re.findall(r"(\w+)=\?", step)) == columns
    (step,) = plan(lists.TOTAL[filters])
    assert "client_totals" in step


def test_expired_keys_are_found_by_their_index(plan):
    steps = " ".join(plan(idempotency.DELETE_EXPIRED))
    assert "COVERING INDEX idempotency_keys_by_created (created_at<?)" in steps
