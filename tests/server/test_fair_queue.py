"""The queue: whose request is next, and how many of one caller are in progress."""

from types import SimpleNamespace

import pytest

from acare.server.fair_queue import FairQueue
from acare.server.server import MAX_OVERLAPPING

LARGE = MAX_OVERLAPPING // 2 + 1


@pytest.fixture
def waiting():
    return FairQueue(MAX_OVERLAPPING)


def send(waiting, caller, *sizes):
    """Queue a request with a body of each size."""
    for size in sizes:
        waiting.put(SimpleNamespace(turn=SimpleNamespace(caller=caller), body_size=size))


def take_all(waiting):
    """The requests that can be taken now."""
    taken = []
    while not waiting.is_empty():
        taken.append(waiting.take())
    return taken


def test_writes_in_progress_have_at_most_64_kib(waiting):
    send(waiting, "ana", *[16 * 1024 - 1] * 16)
    assert len(take_all(waiting)) == 4


def test_large_writes_of_a_caller_leave_room_for_others(waiting):
    send(waiting, "ana", *[LARGE] * 16)
    send(waiting, "ben", LARGE, LARGE)
    assert [channel.turn.caller for channel in take_all(waiting)] == ["ana", "ben"]
