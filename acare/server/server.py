"""The server: runs the event loop, hands requests to threads, and stops cleanly."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

from waitress.adjustments import Adjustments

from acare.api.access_log import AccessRecord
from acare.api.cors import Cors
from acare.app import App, Workload
from acare.config import Settings
from acare.server.channel import REQUEST_SECONDS, Channel
from acare.server.connections import Connections
from acare.server.listener import CONNECTIONS, Listener, allow_connections, url
from acare.server.parser import MAX_BODY_READ, MAX_HEADER
from acare.server.sockets import Sockets
from acare.server.workers import FairQueue, Workers

log = logging.getLogger("acare.server")

#: Seconds after which an idle connection is closed; more than the 60 s of proxies, so that they close first.
IDLE_SECONDS = 75

#: Seconds without a byte after which a stopping server no longer waits for the rest of a request.
PAUSE_SECONDS = 2

#: The same if no request has begun: one may be on its way over a connection that is new or in use.
SETTLE_SECONDS = 0.25

#: Requests that the loop answers before it sends the responses and reads what has arrived meanwhile.
MAX_TOGETHER = 8

_SWEEP_SECONDS = 1.0
_NEVER = 10**9  # seconds or bytes: disables a mechanism of waitress that this server replaces
_ADJUSTMENTS = {
    "max_request_body_size": MAX_BODY_READ + 1,
    "max_request_header_size": MAX_HEADER,
    "channel_timeout": _NEVER,
    "outbuf_overflow": _NEVER,  # no temporary files for responses
    "outbuf_high_watermark": _NEVER,  # no thread waits for a caller; a connection has one response at most
    "ident": None,  # no Server header
}


class Server:
    """Serves ``app`` until SIGTERM or SIGINT, then finishes the open requests.

    One thread, the event loop, receives requests, answers the quick ones and closes overdue connections.
    Other threads answer writes (``threads``), reads that take long, and readiness checks. To a connection,
    this object is what waitress calls the server.
    """

    def __init__(
        self,
        app: App,
        listener: socket.socket,
        settings: Settings,
        access_log: Callable[[AccessRecord], None],
    ) -> None:
        self.application = app
        self.access_log = access_log
        self.cors = Cors(settings.cors_origin)
        self.stopping = False
        self.idle_seconds: float = IDLE_SECONDS
        self.pause_seconds: float = REQUEST_SECONDS
        self.adj = Adjustments(**_ADJUSTMENTS)
        self.active_channels: dict[int, Channel] = {}
        self.connections = Connections()
        self.server_name, self.effective_port = listener.getsockname()[:2]
        self.url = url(self.server_name, self.effective_port)
        self._quick = FairQueue()  # requests that the loop answers
        self._answered: deque[Channel] = deque()  # connections whose responses are to be sent
        self._large_lists: set[str] = set()  # callers to whom a large list was sent; each has a valid key
        self._sockets = Sockets()
        self._listener = Listener(listener, self._sockets, self.connect)
        self._max_connections = allow_connections(CONNECTIONS)
        self._stop_delay, self._drain_seconds = settings.stop_delay, settings.drain_seconds
        self._signalled = False
        self._swept_at = time.monotonic()
        self._workers = Workers(settings.threads, self._send_later)
        # Before the address is printed, so that a stop is clean from then on.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    # --- called by connections

    def connect(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        """Add a connection. At the limit, the one longest without progress is closed for it."""
        if len(self.active_channels) >= self._max_connections and not self.connections.close_one():
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.progressed(Channel(self, sock, addr, self.adj, self._sockets))

    def add_task(self, channel: Channel) -> None:
        """Queue the request of ``channel`` for the loop if answering it is quick, otherwise for a thread."""
        self.connections.count(channel)
        if not channel.connected:  # it has been closed, since too much is held; do not queue it as well
            return
        request = channel.requests[0]
        caller = request.caller() or channel.addr[0]
        workload: Workload = "quick"
        if not request.error:
            workload = self.application.workload(request.command, request.path, request.query)
        if workload == "quick" or (workload == "list" and caller not in self._large_lists):
            self._quick.put(caller, channel)
        else:
            self.connections.keep(channel)
            self._workers.put(workload, caller, channel)

    def pull_trigger(self) -> None:
        """Do nothing: a connection calls this just before its request is done, which is too early."""

    # --- the loop

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then finish the open requests. Returns the exit code."""
        try:
            while not self._signalled:
                self._iterate(_SWEEP_SECONDS)
            self._drain()
        except Exception:
            log.exception("the event loop failed; the server exits")
            return 1
        return 0

    def _iterate(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, answer a few requests and send the responses."""
        is_busy = self._answered or not self._quick.is_empty()
        self._sockets.wait(0 if is_busy else seconds)
        for _ in range(MAX_TOGETHER):
            if self._quick.is_empty():
                break
            self._answer(*self._quick.take())
        for _ in range(len(self._answered)):
            self._send(self._answered.popleft())
        now = time.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self.connections.close_overdue(now)
            self._listener.is_paused = False
            self._sockets.watch(self._listener.number)

    def _answer(self, caller: str, channel: Channel) -> None:
        channel.answered_large = False
        try:
            channel.service()
        except Exception:
            channel.handle_error()
        self._quick.done(caller)
        self._answered.append(channel)
        if channel.answered_large:
            self._large_lists.add(caller)

    def _send_later(self, channel: Channel) -> None:
        """Have the loop send the response of a thread."""
        self._answered.append(channel)
        self._sockets.wake()

    def _send(self, channel: Channel) -> None:
        try:
            channel.send_output()
            self._sockets.watch(channel.number)
        except Exception:
            channel.handle_error()

    # --- the stop

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            log.warning("a second signal: the server ends at once; open requests are not finished")
            logging.shutdown()
            os._exit(128 + number)
        self._signalled = True
        self._sockets.wake()  # the handler runs in the thread of the loop, between two instructions

    def _drain(self) -> None:
        """Accept no new connections, answer every request that has begun to arrive, and close.

        Before that, during the stop delay, the server continues and ``/readyz`` reports that it is stopping.
        """
        self.stopping = True  # from now on, no connection stays open after a response
        self._wait_for_proxies()
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        self._listener.accept_all()  # callers that have already connected
        self._listener.close()
        self.idle_seconds, self.pause_seconds = SETTLE_SECONDS, PAUSE_SECONDS
        deadline = time.monotonic() + self._drain_seconds
        while self.active_channels and time.monotonic() < deadline:
            self._iterate(0.05)  # first, so that no connection with an unread request is closed
            self.connections.close_overdue(time.monotonic())
        if self.active_channels:
            # Their threads may be writing. A write without an answer has not been acknowledged.
            log.warning("stopped with %d connection(s) unfinished", len(self.active_channels))
            return
        self.application.close()
        log.info("stopped")

    def _wait_for_proxies(self) -> None:
        deadline = time.monotonic() + self._stop_delay
        if self._stop_delay:
            log.info("stopping in %d s; /readyz is 503 from now on", self._stop_delay)
        while time.monotonic() < deadline:
            self._iterate(0.05)
