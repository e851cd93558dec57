"""The sockets of the event loop, and waiting for events on them.

waitress asks every connection before each wait what it is waiting for. Here the operating system keeps track
of that, so that the time of a wait depends on its events and not on the number of open connections.
"""

from __future__ import annotations

import select
from typing import Any

from waitress import wasyncore

_READ = select.POLLIN | select.POLLPRI


class Sockets(dict[int, Any]):
    """The sockets by file descriptor; waitress adds and removes them.

    By default, a wait is for something to read. ``ask`` is for a socket that wants to write or to close; one
    that has something to read but is not ``readable`` yet is asked by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poller: Any = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._unit = 1 if hasattr(select, "epoll") else 1000  # of a second
        self._asked: dict[int, int] = {}  # descriptors, with the events for which they are registered

    def __setitem__(self, number: int, sock: Any) -> None:
        self._poller.register(number, _READ)
        super().__setitem__(number, sock)

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        self._asked.pop(number, None)
        self._poller.unregister(number)

    def ask(self, number: int) -> None:
        """Ask a socket before each wait what it is waiting for, until it is only something to read."""
        if number in self:
            self._asked.setdefault(number, _READ)

    def wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, and have their sockets handle them."""
        for number, registered in [*self._asked.items()]:
            events = _READ if self[number].readable() else 0
            if self[number].writable():
                events |= select.POLLOUT
            if events != registered:
                self._poller.modify(number, events)
            self._asked[number] = events
            if events == _READ:
                del self._asked[number]
        for number, events in self._poller.poll(seconds * self._unit):
            if number not in self:
                continue  # closed by an earlier event
            sock = self[number]
            if events & _READ and not sock.readable():
                self.ask(number)
                events &= ~_READ
            wasyncore.readwrite(sock, events)
            if sock.writable():
                self.ask(number)
