"""A purge beside other writes."""

from types import SimpleNamespace

import pytest
from support.clients import new

from acare.auth import OPERATOR
from acare.store import batches
from acare.store.purging import purge


@pytest.fixture
def clients(store, user, monkeypatch):
    """The ids of eight clients, of whom a step changes three."""
    monkeypatch.setattr(batches, "ROWS", 3)
    return [store.create(user, new()).id for _ in range(8)]


def test_a_purge_beside_writes_ends(clients, store, user, database, sql, monkeypatch):
    """Every commit adds rows to the feed of changes, and a segment to the index of words.

    FTS5 merges some itself, but not as many as four callers can make.
    """
    sql("INSERT INTO clients_search (clients_search, rank) VALUES ('automerge', 0)")
    writes = iter(range(100))

    def write(seconds):
        next(writes)
        for _ in range(40):
            store.create(user, new(notes="Zaphodina"))

    for each in clients:
        store.delete(OPERATOR, each)
    monkeypatch.setattr(batches, "time", SimpleNamespace(sleep=write))
    purge(database, 0)
