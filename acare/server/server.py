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
from acare.app import App, Workload
from acare.config import Settings
from acare.server.channel import Channel
from acare.server.listener import CONNECTIONS, Listener, allow_connections, url
from acare.server.parser import MAX_BODY_READ, MAX_HEADER
from acare.server.sockets import Sockets
from acare.server.workers import Workers

log = logging.getLogger("acare.server")

#: Bytes of answers that their callers have not read yet, in all connections together.
MAX_UNREAD = 128 * 1024 * 1024

#: Maximum number of answers that are sent together, so that the first one does not wait for long.
MAX_TOGETHER = 8

_SWEEP_SECONDS = 1.0
_LIMIT_SECONDS = 0.1
_TURN_SECONDS = 0.02  # after which a turn of the loop starts no further request
_NEVER = 10**9  # seconds or bytes: disables a mechanism of waitress that this server replaces
_ADJUSTMENTS = {
    "max_request_body_size": MAX_BODY_READ + 1,
    "max_request_header_size": MAX_HEADER,
    "channel_timeout": _NEVER,
    "outbuf_overflow": _NEVER,  # no temporary files for answers
    "outbuf_high_watermark": _NEVER,  # no thread waits for a caller; a connection has one answer at most
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
        self.draining = False
        self.adj = Adjustments(**_ADJUSTMENTS)
        self.active_channels: dict[int, Channel] = {}
        self.answered: deque[Channel] = deque()  # connections whose answers are to be sent
        self.unparsed: set[Channel] = set()  # connections that have received more than one request
        self.server_name, self.effective_port = listener.getsockname()[:2]
        self.url = url(self.server_name, self.effective_port)
        self._sockets = Sockets()
        self._listener = Listener(listener, self._sockets, self.connect)
        self._max_connections = allow_connections(CONNECTIONS)
        self._stop_delay, self._drain_seconds = settings.stop_delay, settings.drain_seconds
        self._stopping = False
        self._swept_at = self._limited_at = time.monotonic()
        self._turn_ends = 0.0
        # The first write starts the store's writer thread. Started here, it does not inherit SCHED_BATCH.
        _warn_unless_ready(app)
        self._workers = Workers(settings.threads, self.done)
        # Before the address is printed, so that a stop is clean from then on.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    # --- called by connections

    def connect(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        """Add a connection. At the limit, the one that has been idle longest is closed for it."""
        if len(self.active_channels) >= self._max_connections:
            waiting = [channel for channel in self.active_channels.values() if channel.is_evictable()]
            if not waiting:
                sock.close()
                return
            min(waiting, key=lambda channel: channel.active_at).handle_close()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.fileno()
        try:
            Channel(self, sock, addr, self.adj, self._sockets)
        except BaseException:  # such as MemoryError: leave no half-made connection in the loop
            if number in self._sockets:
                del self._sockets[number]
            self.active_channels.pop(number, None)
            sock.close()
            raise

    def add_task(self, channel: Channel) -> None:
        """Answer the request of ``channel`` now if that is quick; otherwise queue it for a thread."""
        request = channel.requests[0]
        workload: Workload = "quick"
        if not request.error:
            workload = self.application.workload(request.command, request.path, request.query)
        if workload != "quick":
            self._workers.put(workload, channel)
            return
        channel.service()
        self.answered.append(channel)
        if len(self.answered) >= MAX_TOGETHER:
            self._send_answers()

    def pull_trigger(self) -> None:
        """Do nothing: a connection calls this just before its request is done, which is too early."""

    def done(self, channel: Channel) -> None:
        """Have the loop send the answer of a thread."""
        self.answered.append(channel)
        self._sockets.wake()

    def is_turn_over(self, now: float) -> bool:
        """Whether this turn of the loop has used up its time, so that data received now has to wait."""
        self._turn_ends = self._turn_ends or now + _TURN_SECONDS
        return now > self._turn_ends

    # --- the loop

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then finish the open requests. Returns the exit code."""
        try:
            while not self._stopping:
                self._turn(_SWEEP_SECONDS)
            self._drain()
        except Exception:
            log.exception("the event loop failed; the server exits")
            return 1
        return 0

    def _turn(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, then handle at most one request of each connection."""
        is_busy = self.answered or any(map(Channel.is_free, self.unparsed))
        self._sockets.wait(0 if is_busy else seconds)
        self._turn_ends = 0.0
        self._send_answers()  # before the next requests of their connections are parsed
        if self.unparsed:
            self._parse_waiting()
            self._turn_ends = 0.0
            self._send_answers()
        now = time.monotonic()
        if now - self._limited_at >= _LIMIT_SECONDS:
            self._limited_at = now
            self._limit_unread()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self._sweep(now)

    def _parse_waiting(self) -> None:
        """Parse what free connections have received after their last request, while the turn has time."""
        ready = [channel for channel in self.unparsed if channel.is_free() or not channel.connected]
        for channel in sorted(ready, key=lambda channel: channel.loop_seconds):
            if self.is_turn_over(time.monotonic()):
                break
            self.unparsed.discard(channel)
            if channel.connected:
                try:
                    channel.received(channel.unparsed)
                    if channel.writable():  # a "100 Continue" that could not be sent
                        self._sockets.check(channel.number)
                except Exception:
                    channel.handle_error()  # as waitress does on an error in reading

    def _sweep(self, now: float) -> None:
        """What is due once a second."""
        self._close_where(Channel.is_overdue, now)
        for channel in self.active_channels.values():
            channel.loop_seconds /= 2

    def _send_answers(self) -> None:
        """Send answers in a row, as Redis does: a receiver on this machine, such as a proxy, wakes up once
        for all of them, and its next requests arrive together. When the time is up, the next turn sends the
        rest."""
        ends = time.monotonic() + _TURN_SECONDS
        while self.answered and time.monotonic() < ends:
            channel = self.answered.popleft()
            try:
                channel.send_held()
                if channel.writable():  # a part is left, or the connection is to be closed
                    self._sockets.check(channel.number)
            except Exception:
                channel.handle_error()

    def _close_where(self, condition: Callable[[Channel, float], bool], now: float) -> None:
        for channel in list(self.active_channels.values()):
            if condition(channel, now):
                channel.handle_close()

    def _limit_unread(self) -> None:
        """Bound the memory of answers that their callers do not read: close those without progress."""
        unsent = [(channel, channel.unsent()) for channel in self.active_channels.values()]
        total = sum(count for _, count in unsent)
        if total <= MAX_UNREAD:
            return
        for channel, count in sorted(unsent, key=lambda each: each[0].active_at):
            if total > MAX_UNREAD and count:
                total -= count
                channel.handle_close()

    # --- the stop

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            log.warning("a second signal: the server ends at once; open requests are not finished")
            logging.shutdown()
            os._exit(128 + number)
        self._stopping = True
        self._sockets.wake()  # the handler runs in the thread of the loop, between two instructions

    def _drain(self) -> None:
        """Accept no new connections, answer every request that has begun to arrive, and close.

        Before that, during the stop delay, the server continues and ``/readyz`` reports that it is stopping.
        """
        self.application.draining = self.draining = True
        self._wait_for_proxies()
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        self._listener.accept_waiting()  # callers that have already connected
        self._listener.close()
        deadline = time.monotonic() + self._drain_seconds
        while self.active_channels and time.monotonic() < deadline:
            self._turn(0.05)  # first, so that no connection with an unread request is closed
            self._close_where(Channel.is_finished, time.monotonic())
        if self.active_channels:
            # Their threads may be writing. A write without an answer has not been acknowledged.
            log.warning("stopped with %d connection(s) unfinished", len(self.active_channels))
            return
        self.application.close()
        log.info("stopped")

    def _wait_for_proxies(self) -> None:
        """Answer as before for the stop delay, except that no connection stays open after an answer."""
        deadline = time.monotonic() + self._stop_delay
        if self._stop_delay:
            log.info("stopping in %d s; /readyz is 503 from now on", self._stop_delay)
        while time.monotonic() < deadline:
            self._turn(0.05)


def _warn_unless_ready(app: App) -> None:
    for name, state in app.run_checks().items():
        if state != "ok":
            log.warning("not ready: %s: %s", name, state)
