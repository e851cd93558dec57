"""A server around the app: waitress, its loop and its stop."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from acare.api.access_log import Access
from acare.app import App
from acare.config import Settings
from acare.errors import UserError
from acare.server.channel import Channel
from acare.server.dispatcher import Dispatcher
from acare.server.logs import AccessWriter

log = logging.getLogger("acare.server")

#: Connections at a time. One that sends nothing costs a file descriptor and no thread; waitress's 100
#: would let a hundred of them shut everybody else out.
CONNECTIONS = 4096

_FLUSH_SECONDS = 0.05
_SWEEP_SECONDS = 1.0
_OTHER_FILES = 256  # descriptors for the database and whatever else the process has open
_KIB = 1024
_LIMITS = {
    # A body over the API's limit is still read, so that its sender gets the answer and not a reset;
    # beyond this one the answer comes at once and the connection is closed.
    "max_request_body_size": 1024 * _KIB,
    # A key, a request id and what proxies add fit many times over.
    "max_request_header_size": 32 * _KIB,
    # A connection without a request in it is closed after this many seconds.
    "channel_timeout": 60,
    "cleanup_interval": 5,
    "backlog": 1024,
    "clear_untrusted_proxy_headers": False,  # the app does that, embedded or not
    "ident": None,  # no Server header: it helps nobody but those who look for old versions
}


def listen(settings: Settings) -> socket.socket:
    """A socket bound to the address, or UserError with the reason in one line."""
    address = settings.listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the address again
        raise UserError(f"cannot listen on {address}: {reason}") from None


class _TcpServer(TcpWSGIServer):  # type: ignore[misc]
    """waitress's server, whose loop is woken hardly more than once a turn and never for its own answers.

    It takes all who have come by then: with one a turn, as in waitress, newcomers wait for long turns.
    """

    channel_class = Channel
    loop: int | None = None
    woken = False
    write_access: Callable[[Access], None]

    def pull_trigger(self) -> None:
        if not self.woken and threading.get_ident() != self.loop:
            self.woken = True
            super().pull_trigger()

    def handle_accept(self) -> None:
        taken = -1
        while taken < len(self._map) and self.readable():
            taken = len(self._map)
            super().handle_accept()


class Server:
    """waitress around the app, with a stop that finishes what was begun."""

    def __init__(self, app: App, listener: socket.socket, settings: Settings, access: AccessWriter) -> None:
        self._app = app
        self._access = access
        self._drain_seconds = settings.drain_seconds
        self._stopping = False
        self._flushed = 0.0
        self._sockets: dict[int, object] = {}
        self._dispatcher = Dispatcher(settings.threads)
        self._server = _TcpServer(
            app,
            self._sockets,
            _sock=listener,
            bind_socket=False,  # it is
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            dispatcher=self._dispatcher,
            adj=Adjustments(connection_limit=_allow_connections(CONNECTIONS), **_LIMITS),
        )
        self._server.write_access = access
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)  # from here on: whoever reads the address may stop it
        host, port = listener.getsockname()[:2]
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self.url = f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"

    def run(self) -> int:
        """Answer until SIGTERM or SIGINT, then finish what was begun; returns the exit code."""
        self._server.loop = threading.get_ident()
        swept = time.monotonic()
        while not self._stopping:
            self._turn(_SWEEP_SECONDS)
            if time.monotonic() - swept >= _SWEEP_SECONDS:
                swept = time.monotonic()
                self._close_where(Channel.is_slow)
        self._drain()
        return 0

    def _turn(self, seconds: float) -> None:
        """One turn of waitress's loop, and of the access log's, which is written some 20 times a second."""
        # select is the quicker one while there are few connections, and knows no descriptor beyond 1023.
        poll = wasyncore.poll if max(self._sockets) < 1024 else wasyncore.poll2
        poll(min(seconds, _FLUSH_SECONDS) if self._access else seconds, self._sockets)
        self._server.woken = False  # before it looks for what a thread may have left for it
        self._dispatcher.answer()
        if self._access and time.monotonic() - self._flushed >= _FLUSH_SECONDS:
            self._access.flush()
            self._flushed = time.monotonic()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(128 + number)  # the second signal: at once
        self._stopping = True
        self._server.trigger.pull_trigger()  # this runs in the loop's own thread, between two steps

    def _drain(self) -> None:
        """Take no new connection, let every request that was begun have its answer, and close.

        waitress itself would give its threads 5 seconds and cut off what is not sent by then. So its loop
        goes on here, and a connection is closed once it has no request and nothing left to send.
        """
        log.info("stopping: finishing what was begun, for at most %d s", self._drain_seconds)
        self._app.draining = True
        wasyncore.dispatcher.close(self._server)  # the listening socket alone
        deadline = time.monotonic() + self._drain_seconds
        connections = self._server.active_channels
        while connections and time.monotonic() < deadline:
            self._close_where(Channel.is_idle)
            self._turn(0.05)
        self._dispatcher.shutdown(timeout=max(0.1, deadline - time.monotonic()))
        self._dispatcher.answer()  # what a thread finished at last
        self._close_where(Channel.is_idle)
        self._access.flush()
        if connections:
            # Their threads may be writing; what they have not answered, they have not promised.
            log.warning("stopped with %d connection(s) unfinished", len(connections))
            return
        self._app.close()
        log.info("stopped")

    def _close_where(self, condition: Callable[[Channel], bool]) -> None:
        for connection in list(self._server.active_channels.values()):
            if condition(connection):
                connection.handle_close()


def _allow_connections(wanted: int) -> int:
    """Raise the process's limit of open files as far as it goes; how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = wanted + _OTHER_FILES
    if soft < room:
        soft = room if hard == resource.RLIM_INFINITY else min(room, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(wanted, soft - _OTHER_FILES))
