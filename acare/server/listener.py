"""The listening socket: how it is opened or taken over, and how connections are accepted."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from waitress import wasyncore

from acare.config import Settings
from acare.errors import UserError

log = logging.getLogger("acare.server")

#: Seconds without accepting connections after an error, such as too many open files.
PAUSE_SECONDS = 1.0

_FIRST_PASSED = 3  # descriptor, see sd_listen_fds(3)
_BACKLOG = 1024  # connections that wait to be accepted


def listen(settings: Settings, passed: int = 0) -> socket.socket:
    """A listening socket, or UserError with the reason in one line.

    If the service manager has ``passed`` one as descriptor 3 (socket activation), it is used instead of the
    address in the settings; connections that arrive during a restart wait in it.
    """
    if passed:
        return _take_passed(passed)
    address = settings.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the rest repeats the address
        raise UserError(
            f"cannot listen on {address}: {reason}; --listen or ACARE_LISTEN sets another address"
        ) from None


def _take_passed(passed: int) -> socket.socket:
    """The socket in descriptor 3; UserError if there are several, or it is not a listening TCP socket."""
    with suppress(OSError):
        listener = socket.socket(fileno=_FIRST_PASSED)
        is_tcp = listener.family in (socket.AF_INET, socket.AF_INET6)
        if passed == 1 and is_tcp and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return listener
        listener.detach()
    raise UserError(
        f"LISTEN_FDS={passed}: descriptor 3 must be a listening TCP socket, and the only one passed"
    )


def url(host: str, port: int) -> str:
    """The URL at which this machine reaches a server on ``host``, which may stand for all addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


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
            for _ in range(_BACKLOG):
                accepted = self.accept()
                if accepted is None:
                    return
                self._connect(*accepted)
        except Exception:
            log.exception("a connection could not be accepted")
            self._paused_until = time.monotonic() + PAUSE_SECONDS
