"""Waiting for events: which sockets are read and written, also if the number of one is used again."""

import socket
import time

import pytest

from acare.server.sockets import Sockets


class Endpoint:
    """One end of a connection in ``sockets``, which records its events; ``peer`` is the other end."""

    def __init__(self, sockets):
        self.socket, self.peer = socket.socketpair()
        self.number = self.socket.fileno()
        self.may_read, self.may_write = True, False
        self.received, self.written, self.closed = [], 0, False
        self._sockets = sockets
        sockets[self.number] = self

    def readable(self):
        return self.may_read

    def writable(self):
        return self.may_write

    def handle_read_event(self):
        self.received.append(self.socket.recv(100))

    def handle_write_event(self):
        self.written += 1

    def handle_close(self):
        if not self.closed:
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


def seconds_of(action, *arguments):
    began = time.monotonic()
    action(*arguments)
    return time.monotonic() - began


def test_data_waits_until_it_may_be_read(sockets, add):
    one = add()
    one.may_read = False
    one.peer.sendall(b"data")
    sockets.wait(1)
    assert seconds_of(sockets.wait, 0.05) >= 0.04  # no busy loop
    assert one.received == []
    one.may_read = True
    sockets.watch(one.number)
    sockets.wait(1)
    assert one.received == [b"data"]


def test_a_socket_is_written_while_it_wants_to_be(sockets, add):
    one = add()
    one.may_write = True
    sockets.watch(one.number)
    for _ in range(3):
        sockets.wait(0)
    one.may_write = False
    for _ in range(2):
        sockets.wait(0)
    assert one.written == 4


def test_a_broken_connection_is_closed_while_it_is_busy(sockets, add):
    one = add()
    one.may_read = False
    one.peer.close()
    sockets.wait(1)
    assert (one.closed, one.received) == (True, [])
    assert one.number not in sockets


def test_a_socket_that_is_closed_in_the_same_wait_is_left_alone(sockets, add):
    first, second = add(), add()
    first.handle_read_event = second.handle_close
    second.handle_read_event = first.handle_close
    for one in (first, second):
        one.peer.sendall(b"data")
    sockets.wait(1)
    assert [first.closed, second.closed].count(True) == 1


def test_an_event_does_not_reach_a_successor(sockets, add):
    first, second = add(), add()
    successors = []

    def replace(other):
        other.handle_close()
        successors.append(add())

    first.handle_read_event = lambda: replace(second)
    second.handle_read_event = lambda: replace(first)
    for one in (first, second):
        one.peer.sendall(b"data")
    sockets.wait(1)
    (successor,) = successors
    assert successor.number in (first.number, second.number)
    successor.peer.sendall(b"more")
    sockets.wait(1)
    assert successor.received == [b"more"]
