"""Accepts connections."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore

log = logging.getLogger("acare.server")

#: Seconds without accepting connections after an error, such as too many open files.
PAUSE_SECONDS = 1.0

_ACCEPTED_TOGETHER = 1024  # connections, before the loop goes on


class Listener(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """The listening socket. An error in ``accept`` costs one connection and never closes the socket."""

    accepting = True

    def __init__(
        self,
        listener: socket.socket,
        sockets: dict[int, Any],
        connect: Callable[[socket.socket, tuple[str, int]], None],
    ) -> None:
        """``sockets`` is what the loop polls; ``connect`` takes each new connection."""
        super().__init__(listener, sockets)
        self._connect = connect
        self._has_callers = False
        self._paused_until = 0.0

    def readable(self) -> bool:
        return time.monotonic() >= self._paused_until

    def writable(self) -> bool:
        return False

    def handle_accept(self) -> None:
        """Accept after the other events of a wait, since a connection may get the descriptor of one that is
        closed meanwhile."""
        self._has_callers = True

    def accept_callers(self) -> None:
        """Accept the connections that are waiting."""
        if not self._has_callers:
            return
        self._has_callers = False
        try:
            for _ in range(_ACCEPTED_TOGETHER):
                accepted = self.accept()
                if accepted is None:
                    return
                self._connect(*accepted)
        except Exception:
            log.exception("a connection could not be accepted")
            self._paused_until = time.monotonic() + PAUSE_SECONDS
