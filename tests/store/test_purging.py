"""A purge beside other writes."""

from types import SimpleNamespace

from support.clients import new

from acare.auth import OPERATOR
from acare.store import purging


def test_a_purge_beside_writes_ends(store, user, database, sql, monkeypatch):
    """Others write between its steps, and each commit adds rows to the feed of changes."""
    for _ in range(8):
        store.delete(OPERATOR, store.create(user, new()).id)
    sql("UPDATE client_history SET ended_at = '2020-01-01T00:00:00.000Z'")
    pauses = iter(range(20))

    def write(seconds):
        next(pauses)
        for _ in range(5):
            store.delete(OPERATOR, store.create(user, new()).id)

    monkeypatch.setattr(purging, "ROWS", 3)
    monkeypatch.setattr(purging, "time", SimpleNamespace(sleep=write))
    assert purging.purge(database, 1) == 8
    assert next(pauses) > 2
