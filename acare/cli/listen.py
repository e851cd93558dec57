"""The socket that a server listens on: opened here, or passed by the service manager."""

from __future__ import annotations

import socket
from contextlib import suppress

from acare.config import Settings
from acare.errors import UserError

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


def url(listener: socket.socket) -> str:
    """The URL at which this machine reaches the server, even if it listens on all addresses."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
