"""Transfers and purges in steps: an interrupted one is completed by the next."""

import time
from types import SimpleNamespace

import pytest
from support.clients import new

from acare.auth import OPERATOR
from acare.store import steps
from acare.store.history import HistoryStore


@pytest.fixture
def clients(store, user, monkeypatch):
    """The ids of eight clients; a step changes three."""
    monkeypatch.setattr(steps, "ROWS", 3)
    monkeypatch.setattr(steps, "PAUSE", 0)
    return [store.create(user, new()).id for _ in range(8)]


@pytest.fixture
def interrupted(monkeypatch):
    """Runs work that is interrupted at its first pause."""

    def pause(seconds):
        raise KeyboardInterrupt

    def run(work, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(steps, "time", SimpleNamespace(sleep=pause))
            with pytest.raises(KeyboardInterrupt):
                work(*arguments)

    return run


def test_an_interrupted_transfer_is_completed_by_the_next(clients, store, user, other_user, interrupted):
    users = user.user_id, other_user.user_id
    interrupted(store.transfer, OPERATOR, *users)
    assert [store.get(OPERATOR, each).version for each in clients] == [2, 2, 2, 1, 1, 1, 1, 1]
    assert store.transfer(OPERATOR, *users) == 5


def test_an_interrupted_purge_is_completed_by_the_next(clients, store, database, sql, interrupted):
    for each in clients:
        store.delete(OPERATOR, each)
    time.sleep(0.002)  # the deletions must be earlier than the purge
    interrupted(HistoryStore(database).purge, 0)
    assert sql("SELECT count(*) FROM client_history") == [(5,)]
    assert HistoryStore(database).purge(0) == 5
    assert sql("SELECT count(*) FROM client_changes") == [(1,)]  # never the last one
