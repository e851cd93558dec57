"""The turns of the loop, in parts: what takes too long goes on in the next one."""

import time
from collections import deque
from types import SimpleNamespace

import pytest

from acare.server import server
from acare.server.server import Server


class Connection:
    """One whose answer takes a while to be sent."""

    number, connected, unparsed = -1, True, b"POST"

    def __init__(self, sent):
        self._sent = sent

    def send_held(self):
        time.sleep(server._TURN_SECONDS / 2)
        self._sent.append(self)

    def is_free(self):
        return True

    def received(self, data):
        """It could not send all of a "100 Continue"."""

    def writable(self):
        return self._sent is None


@pytest.fixture
def loop():
    """A server of which only the sending exists."""
    made = Server.__new__(Server)
    checked = []
    made._sockets = SimpleNamespace(check=checked.append, checked=checked)
    made.answered = deque()
    return made


def test_many_large_answers_are_sent_in_several_turns(loop):
    sent = []
    loop.answered.extend(Connection(sent) for _ in range(10))
    loop._send_answers()
    assert 0 < len(sent) < 10
    for _ in range(10):
        loop._send_answers()
    assert len(sent) == 10


def test_what_parsing_leaves_to_write_is_written(loop, monkeypatch):
    waiting = Connection(sent=None)
    waiting.loop_seconds, loop.unparsed, loop._turn_ends = 0.0, {waiting}, 0.0
    loop._parse_waiting()
    assert loop._sockets.checked == [waiting.number]


def test_those_who_read_least_recently_are_closed_above_the_limit(loop, monkeypatch):
    monkeypatch.setattr(server, "MAX_UNREAD", 25)
    closed = []

    def connection(active_at, unsent):
        name = f"since {active_at}"
        return SimpleNamespace(
            active_at=active_at, unsent=lambda: unsent, handle_close=lambda: closed.append(name)
        )

    loop.active_channels = dict(enumerate(map(connection, [3, 1, 2, 4], [10, 10, 0, 10])))
    loop._limit_unread()
    assert closed == ["since 1"]
