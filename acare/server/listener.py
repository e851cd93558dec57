"""The listening socket: how it is opened or taken over, and how connections are accepted."""

from __future__ import annotations

import logging
import resource
import socket
from collections.abc import Callable
from contextlib import suppress

from waitress import wasyncore

from acare.config import Settings
from acare.errors import UserError
from acare.server.sockets import Sockets

log = logging.getLogger("acare.server")

#: Open connections. An idle one costs a file descriptor and no thread.
CONNECTIONS = 4096

_FIRST_PASSED = 3  # descriptor, see sd_listen_fds(3)
_BACKLOG = 1024  # connections that wait to be accepted
_MAX_ACCEPTED = 64  # connections that one iteration of the loop accepts
_OTHER_FILES = 256  # descriptors for the database (three for each thread) and everything else


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


def allow_connections(wanted: int) -> int:
    """Raise the limit on open files as far as needed and allowed. Returns the number of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = wanted + _OTHER_FILES
    if soft < room:
        soft = room if hard == resource.RLIM_INFINITY else min(room, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(wanted, soft - _OTHER_FILES))


class Listener(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """The listening socket. An error in ``accept`` costs one connection and never closes the socket."""

    accepting = True

    def __init__(
        self,
        listener: socket.socket,
        sockets: Sockets,
        connect: Callable[[socket.socket, tuple[str, int]], None],
    ) -> None:
        """``sockets`` is what the loop polls; ``connect`` takes each new connection."""
        super().__init__(listener, sockets)
        self.number = listener.fileno()
        self.is_paused = False  # after an error, until the server's next sweep
        self._connect = connect

    def readable(self) -> bool:
        return not self.is_paused

    def writable(self) -> bool:
        return False

    def handle_accept(self) -> None:
        """Accept several connections at once, so that new callers do not wait for many iterations."""
        for _ in range(_MAX_ACCEPTED):
            accepted = self.accept()
            if accepted is None:
                return
            self._connect(*accepted)

    def accept_all(self) -> None:
        """Accept all connections that are waiting, before the socket is closed."""
        for _ in range(_BACKLOG // _MAX_ACCEPTED):
            wasyncore.read(self)

    def handle_error(self) -> None:
        log.exception("a connection could not be accepted")
        self.is_paused = True
