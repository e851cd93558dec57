"""Events of one wait: a socket may be closed by an earlier one, and its number used again."""

import socket

import pytest

from acare.server.sockets import Sockets


class Endpoint:
    """One end of a connection in ``sockets``, which records what it reads; ``peer`` is the other end."""

    def __init__(self, sockets):
        self.socket, self.peer = socket.socketpair()
        self.number = self.socket.fileno()
        self.received, self.closed, self.to_write = [], False, False
        self._sockets = sockets
        sockets[self.number] = self

    def readable(self):
        return True

    def writable(self):
        return self.to_write

    def handle_write_event(self):
        self.to_write = False

    def handle_read_event(self):
        self.received.append(self.socket.recv(100))

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


def test_what_an_event_leaves_to_write_is_written(sockets, add):
    """Such as a "100 Continue" that could not be sent."""
    one = add()
    one.peer.sendall(b"data")
    one.handle_read_event = lambda: setattr(one, "to_write", bool(one.socket.recv(100)))
    sockets.wait(1)
    assert one.to_write
    sockets.wait(0)
    assert not one.to_write


def test_a_socket_closed_in_the_same_wait_is_left_alone(sockets, add):
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

    def replace(one, other):
        one.socket.recv(100)
        other.handle_close()
        successors.append(add())

    first.handle_read_event = lambda: replace(first, second)
    second.handle_read_event = lambda: replace(second, first)
    for one in (first, second):
        one.peer.sendall(b"data")
    sockets.wait(1)
    (successor,) = successors
    assert successor.number in (first.number, second.number)
    successor.peer.sendall(b"more")
    sockets.wait(1)
    assert successor.received == [b"more"]
