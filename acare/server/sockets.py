"""The sockets of the event loop, and waiting for events on them.

waitress asks every connection what it is waiting for before each wait, so that with thousands of idle
connections each request takes milliseconds. Here the operating system keeps track of that
(epoll), and a wait takes time in proportion to its events.
"""

from __future__ import annotations

import select
from typing import Protocol

from waitress import wasyncore
from waitress.trigger import trigger


class Socket(Protocol):
    """The part of waitress's dispatcher that is needed here."""

    def readable(self) -> bool: ...

    def writable(self) -> bool: ...


#: Maximum number of events of one wait: answers are sent only after all of them have been handled.
_MAX_EVENTS = 32

_READ = select.POLLIN | select.POLLPRI


class _Trigger(trigger):  # type: ignore[misc]  # waitress has no types
    """Ends a wait. An error in it ends the loop, since the answers of threads could no longer be sent."""

    def handle_error(self) -> None:
        raise


class Sockets(dict[int, Socket]):
    """The sockets by file descriptor. waitress adds and removes them.

    By default, a wait is for something to read. ``check`` is for a socket that wants to write or to close;
    a socket that has something to read but is not ``readable`` yet is checked by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poller = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._checked: dict[int, int] = {}  # descriptors to check before the next wait, with their events
        self._trigger = _Trigger(self)
        self._woken = False

    def __setitem__(self, number: int, sock: Socket) -> None:
        self._poller.register(number, _READ)
        super().__setitem__(number, sock)

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        self._checked.pop(number, None)
        self._poller.unregister(number)

    def check(self, number: int) -> None:
        """Ask a socket before each wait what it is waiting for, until it waits only for something to read."""
        self._checked.setdefault(number, _READ)

    def wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, and have their sockets handle them."""
        for number in [*self._checked]:
            self._ask(number)
        found = [(number, events, self.get(number)) for number, events in self._poll(seconds)]
        for number, events, sock in found:
            if sock is None or self.get(number) is not sock:
                continue  # closed by an earlier event; the number may be that of a new connection
            if events & _READ and not sock.readable():
                self.check(number)
                events &= ~_READ
            wasyncore.readwrite(sock, events)
            if sock.writable():  # such as a "100 Continue" that could not be sent
                self.check(number)
        self._woken = False

    def _poll(self, seconds: float) -> list[tuple[int, int]]:
        """Events, as bits of ``select.poll``. If not all are returned, epoll returns the others next time."""
        if hasattr(select, "epoll"):
            return self._poller.poll(seconds, _MAX_EVENTS)  # type: ignore[call-arg]  # it is one of epoll
        return self._poller.poll(seconds * 1000)

    def wake(self) -> None:
        """End the wait; any thread may call this. Further calls do nothing until the wait has ended."""
        if not self._woken:
            self._woken = True
            self._trigger.pull_trigger()

    def _ask(self, number: int) -> None:
        sock = self.get(number)
        if sock is None:
            self._checked.pop(number, None)
            return
        events = (_READ if sock.readable() else 0) | (select.POLLOUT if sock.writable() else 0)
        if events != self._checked[number]:
            self._checked[number] = events
            self._poller.modify(number, events)
        if events == _READ:
            del self._checked[number]
