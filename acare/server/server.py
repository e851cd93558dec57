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
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.trigger import trigger

from acare.api.request import Workload
from acare.app import App
from acare.config import Settings
from acare.server.channel import TIMEOUT, Channel
from acare.server.connections import Connections
from acare.server.listener import Listener
from acare.server.parser import MAX_BODY_READ, MAX_HEADER
from acare.server.workers import FairQueue, start_threads

log = logging.getLogger("acare.server")

#: Open connections. An idle one costs a file descriptor and no thread.
MAX_CONNECTIONS = 1000

#: Seconds without a byte after which a stopping server no longer waits for a request or the rest of it.
PATIENCE = 1.0

#: Seconds that the loop spends on costly parsing, and again on answering requests, before it sends the
#: responses and reads what has arrived.
TOGETHER_SECONDS = 0.004

#: Seconds after which the loop lets the write threads run, if they have to share a core with it.
YIELD_SECONDS = 0.004

#: Bytes of a response from the loop above which later lists for the same caller are answered by threads.
LARGE_RESPONSE = 256 * 1024

#: Threads for each kind of request that the loop does not answer. A caller has one of each kind of read at a
#: time.
THREADS: dict[Workload, int] = {"write": 16, "check": 1, "list": 2, "slow": 4}

_SWEEP_SECONDS = 1.0
_ADJUSTMENTS = {
    "max_request_body_size": MAX_BODY_READ + 1,
    "max_request_header_size": MAX_HEADER,
    "outbuf_overflow": 2**30,  # bytes: no temporary files for responses
}


class Server:
    """Serves ``app`` until SIGTERM or SIGINT, then finishes the open requests.

    One thread, the event loop, receives requests, answers the quick ones and closes overdue connections.
    Other threads answer writes, slow reads and readiness checks. To a connection, this object acts as
    waitress's server.
    """

    def __init__(self, app: App, listener: socket.socket, settings: Settings) -> None:
        self.application = app
        self.stopping = False
        self.patience: float = TIMEOUT
        self.adj = Adjustments(**_ADJUSTMENTS)
        self.connections = self.active_channels = Connections()
        self.server_name, self.effective_port = listener.getsockname()[:2]
        self._sockets: dict[int, Any] = {}  # all that the loop polls
        self._trigger = trigger(self._sockets)
        self._listener = Listener(listener, self._sockets, self.connect)
        self._drain_seconds = settings.drain_seconds
        self._large_lists: set[str | None] = set()  # callers whose lists go to threads; each has a valid key
        self._signalled = False
        self._swept_at = self._yielded_at = time.monotonic()
        self._quick = FairQueue()
        self._queues = {"quick": self._quick} | {kind: FairQueue() for kind in THREADS}
        self.costly: deque[Channel] = deque()  # the loop is to parse their input
        self._answered: deque[Channel] = deque()  # by threads; the loop is to send the responses
        self._is_woken = False
        self._writes = 0  # writes that are queued or being answered
        for kind, number in THREADS.items():
            start_threads(number, self._queues[kind], self._send_later)
        # Before the address is printed, so that a stop is clean from then on.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    # --- called by connections

    def connect(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        """Add a connection. At the limit, the one longest without progress is closed first."""
        if len(self.connections) >= MAX_CONNECTIONS:
            self.connections.close_one()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Channel(self, sock, addr, self.adj, self._sockets)

    def add_task(self, channel: Channel) -> None:
        """Queue the request of ``channel`` for the loop if answering it is quick, otherwise for a thread."""
        request = channel.requests[0]
        channel.workload = "quick"
        if not request.error:
            channel.workload = self.application.workload(request.command, request.path, request.query)
        channel.is_writing = channel.workload == "write"
        self._writes += channel.is_writing
        # Writes, which are committed together, are taken in the order of their arrival.
        key = request.headers.get("HTTP_X_API_KEY") or request.headers.get("HTTP_API_KEY")  # valid or not
        self._queue(None if channel.is_writing else key or channel.addr[0], channel)

    def _queue(self, caller: str | None, channel: Channel) -> None:
        is_small_list = channel.workload == "list" and caller not in self._large_lists
        self._queues["quick" if is_small_list else channel.workload].put(caller, channel)

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
        is_busy = self.costly or not self._quick.is_empty()
        wasyncore.loop(0 if is_busy else seconds, use_poll=True, map=self._sockets, count=1)
        self._is_woken = False
        while self._answered:
            channel = self._answered.popleft()
            self._writes -= channel.is_writing
            self._attempt(Channel.send_output, channel)
        self._listener.accept_callers()
        until = time.monotonic() + TOGETHER_SECONDS
        while self.costly and time.monotonic() < until:
            self._attempt(Channel.parse_costly, self.costly.popleft())
        if self.connections.has_grown:
            self.connections.limit_memory()
        self._answer_quick()
        now = time.monotonic()
        if self._writes and now - self._yielded_at > YIELD_SECONDS:
            os.sched_yield()
            self._yielded_at = time.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self.connections.close_overdue(now)

    def _answer_quick(self) -> None:
        answered: list[Channel] = []
        until = time.monotonic() + TOGETHER_SECONDS
        while not self._quick.is_empty() and time.monotonic() < until:
            caller, channel = self._quick.take()
            if channel.workload == "list" and caller in self._large_lists:  # one was large meanwhile
                self._queue(caller, channel)
            else:
                self._attempt(Channel.service, channel)
                if len(channel.output) > LARGE_RESPONSE:
                    self._large_lists.add(caller)
                answered.append(channel)
            self._quick.done(caller)
        for channel in answered:
            self._attempt(Channel.send_output, channel)

    @staticmethod
    def _attempt(step: Callable[[Channel], None], channel: Channel) -> None:
        try:
            step(channel)
        except Exception:
            channel.handle_error()

    def _send_later(self, channel: Channel) -> None:
        """Have the loop send the response of a thread."""
        self._answered.append(channel)
        if not self._is_woken:
            self._is_woken = True
            self._trigger.pull_trigger()

    # --- the stop

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            log.warning("a second signal: the server ends at once; open requests are not finished")
            logging.shutdown()
            os._exit(128 + number)
        self._signalled = True
        self._trigger.pull_trigger()  # the handler runs in the thread of the loop, between two instructions

    def _drain(self) -> None:
        """Accept no new connections, answer every request that has begun to arrive, and close."""
        self.stopping = True  # from now on, no connection stays open after a response
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        self._iterate(0)  # accept callers that have already connected
        self._listener.close()
        self.patience = PATIENCE
        deadline = time.monotonic() + self._drain_seconds
        while self.connections and time.monotonic() < deadline:
            self._iterate(0.05)  # first, so that no connection with an unread request is closed
            self.connections.close_overdue(time.monotonic())
        if self.connections:
            # Their threads may be writing. A write without an answer has not been acknowledged.
            log.warning("stopped with %d connection(s) unfinished", len(self.connections))
            return
        self.application.close()
        log.info("stopped")
