"""The sockets of the event loop, and waiting for events on them.

waitress asks every connection what it is waiting for before each wait, so that with thousands of idle
connections each request takes milliseconds. Here the operating system keeps track of that (epoll).
"""

from __future__ import annotations

import select
from typing import Any

from waitress import wasyncore
from waitress.trigger import trigger

#: Maximum number of events of one wait: responses are sent only after all of them have been handled.
_MAX_EVENTS = 32

_READ = select.POLLIN | select.POLLPRI


class _Trigger(trigger):  # type: ignore[misc]  # waitress has no types
    """Ends a wait. An error in it ends the loop, since the responses of threads could no longer be sent."""

    def handle_error(self) -> None:
        raise


class Sockets(dict[int, Any]):
    """The sockets by file descriptor; waitress adds and removes them.

    A wait is for something to read, unless ``watch`` has found that a socket wants something else.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poller = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._events: dict[int, int] = {}  # what each socket is waiting for
        self._trigger = _Trigger(self)
        self._woken = False

    def __setitem__(self, number: int, sock: Any) -> None:
        self._poller.register(number, _READ)
        self._events[number] = _READ
        super().__setitem__(number, sock)

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        del self._events[number]
        self._poller.unregister(number)

    def watch(self, number: int) -> None:
        """Wait for what the socket wants now, if it is still open."""
        sock = self.get(number)
        if sock is None:
            return
        events = (_READ if sock.readable() else 0) | (select.POLLOUT if sock.writable() else 0)
        if events != self._events[number]:
            self._events[number] = events
            self._poller.modify(number, events)

    def wait(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, and have their sockets handle them."""
        found = [(number, events, self[number]) for number, events in self._poll(seconds)]
        for number, events, sock in found:
            if number not in self or self[number] is not sock:
                continue  # closed by an earlier event; the number may be that of a new connection
            if events & _READ and not sock.readable():
                events &= ~_READ  # a connection sends more than one request
            wasyncore.readwrite(sock, events)
            if events != select.POLLIN or sock.writable():
                self.watch(number)
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
