"""Waiting for events: idle sockets cost nothing, and none is read or written when it does not want to be."""

import socket
import threading
import time

import pytest

from acare.server.sockets import Sockets


class Endpoint:
    """One end of a connection in ``sockets``, which counts what it is asked; ``peer`` is the other end."""

    def __init__(self, sockets):
        self.socket, self.peer = socket.socketpair()
        self.number = self.socket.fileno()
        self.may_read, self.may_write = True, False
        self.questions = 0
        self.received, self.written, self.closed = [], 0, False
        self._sockets = sockets
        sockets[self.number] = self

    def readable(self):
        self.questions += 1
        return self.may_read

    def writable(self):
        return self.may_write

    def handle_read_event(self):
        self.received.append(self.socket.recv(100))

    def handle_write_event(self):
        self.written += 1

    def handle_close(self):
        self.closed = True
        del self._sockets[self.number]
        self.socket.close()


@pytest.fixture
def sockets():
    made = Sockets()
    yield made
    made._trigger.close()


@pytest.fixture
def add(sockets):
    made = []

    def endpoint():
        made.append(Endpoint(sockets))
        return made[-1]

    yield endpoint
    for one in made:
        one.socket.close()
        one.peer.close()


def test_what_arrives_is_read(sockets, add):
    one = add()
    one.peer.sendall(b"data")
    sockets.wait(1)
    assert one.received == [b"data"]


def test_idle_sockets_are_not_asked(sockets, add):
    idle = [add() for _ in range(100)]
    busy = add()
    for _ in range(10):
        busy.peer.sendall(b"data")
        sockets.wait(1)
    assert len(busy.received) == 10
    assert sum(one.questions for one in idle) == 0


def test_another_thread_can_end_a_wait(sockets):
    thread = threading.Timer(0.05, sockets.wake)
    thread.start()
    began = time.monotonic()
    sockets.wait(5)
    assert time.monotonic() - began < 4
    thread.join()


def test_many_calls_end_one_wait(sockets, monkeypatch):
    pulls = []
    pull = sockets._trigger.pull_trigger
    monkeypatch.setattr(sockets._trigger, "pull_trigger", lambda: pulls.append(pull()))
    for _ in range(5):
        sockets.wake()
    sockets.wait(5)
    assert len(pulls) == 1
    began = time.monotonic()
    sockets.wait(0.05)
    assert time.monotonic() - began >= 0.04
    sockets.wake()
    sockets.wait(5)
    assert time.monotonic() - began < 4


def test_a_wait_ends_after_its_seconds(sockets, add):
    add()
    began = time.monotonic()
    sockets.wait(0.05)
    assert time.monotonic() - began >= 0.04


def test_data_waits_until_it_may_be_read(sockets, add):
    one = add()
    one.may_read = False
    one.peer.sendall(b"data")
    sockets.wait(1)
    began = time.monotonic()
    sockets.wait(0.05)
    assert time.monotonic() - began >= 0.04  # no busy loop
    assert one.received == []
    one.may_read = True
    sockets.wait(1)
    assert one.received == [b"data"]


def test_a_socket_is_written_while_it_wants_to_be(sockets, add):
    one = add()
    one.may_write = True
    sockets.wait(0)
    assert one.written == 0
    sockets.check(one.number)
    for _ in range(3):
        sockets.wait(0)
    assert one.written == 3
    one.may_write = False
    sockets.wait(0)
    assert one.written == 3


def test_what_an_event_leaves_to_write_is_written(sockets, add):
    one = add()
    one.peer.sendall(b"data")
    one.handle_read_event = lambda: (
        one.received.append(one.socket.recv(100)),
        setattr(one, "may_write", True),
    )
    sockets.wait(1)
    assert (len(one.received), one.written) == (1, 0)
    sockets.wait(0)
    assert one.written == 1


def test_a_socket_that_cannot_be_waited_for_is_not_kept(sockets):
    with pytest.raises(OSError, match="Bad file descriptor"):
        sockets[1_000_000] = None
    assert 1_000_000 not in sockets


def test_a_check_comes_to_an_end(sockets, add):
    one = add()
    sockets.check(one.number)
    sockets.wait(0)
    asked = one.questions
    sockets.wait(0)
    assert one.questions == asked


def test_a_broken_connection_is_closed_while_it_is_busy(sockets, add):
    one = add()
    one.may_read = False
    one.peer.close()
    sockets.wait(1)
    assert (one.closed, one.received) == (True, [])
    assert one.number not in sockets


def test_a_closed_socket_leaves_nothing_to_its_successor(sockets, add):
    first = add()
    first.may_read = False
    first.peer.sendall(b"data")
    sockets.wait(1)
    sockets.wait(0)
    first.handle_close()
    second = add()
    assert second.number == first.number
    second.may_read = False
    second.peer.sendall(b"more")
    sockets.wait(1)
    began = time.monotonic()
    sockets.wait(0.05)
    assert time.monotonic() - began >= 0.04
    second.may_read = True
    sockets.wait(1)
    assert second.received == [b"more"]


def test_a_socket_that_is_closed_in_the_same_wait_is_left_alone(sockets, add):
    first, second = add(), add()

    def close_both():
        for one in (first, second):
            if not one.closed:
                one.handle_close()

    first.handle_read_event = second.handle_read_event = close_both
    for one in (first, second):
        one.peer.sendall(b"data")
    sockets.wait(1)
    assert (first.closed, second.closed) == (True, True)


def test_an_event_does_not_reach_a_successor(sockets, add):
    first, second = add(), add()
    made = []

    def replace_the_other(one, other):
        one.received.append(one.socket.recv(100))
        if not made:
            other.handle_close()
            made.append(add())

    first.handle_read_event = lambda: replace_the_other(first, second)
    second.handle_read_event = lambda: replace_the_other(second, first)
    for one in (first, second):
        one.peer.sendall(b"data")
    sockets.wait(1)
    (successor,) = made
    assert successor.number in (first.number, second.number)
    assert successor.number in sockets
    successor.peer.sendall(b"more")
    sockets.wait(1)
    assert successor.received == [b"more"]
