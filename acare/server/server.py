"""The server: runs the event loop, hands requests to threads, and stops cleanly."""

import logging
import os
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.trigger import trigger

from acare.api.services import Cost
from acare.app import App
from acare.server.channel import TIMEOUT, Channel, Connections
from acare.server.fair_queue import FairQueue

log = logging.getLogger("acare.server")

#: Seconds without a byte after which a stopping server no longer waits for a request or the rest of it, and
#: seconds after the signal within which a request must arrive.
PATIENCE = 1.0
ARRIVAL_SECONDS = 5.0

#: Seconds that the loop spends on costly parsing, and again on answering requests, before it sends the
#: responses and reads what has arrived; and after which it lets the threads run, if all share a core.
LOOP_SLICE_SECONDS = 0.004

#: Threads for each cost but "quick", which the loop answers.
THREADS: dict[Cost, int] = {"slow": 4, "long": 2, "write": 16, "check": 1}

#: Bytes of one caller's writes in progress: small writes share a commit, large ones leave room for others'.
MAX_OVERLAPPING = 64 * 1024

#: Connections that are accepted before the requests of others are read. Fewer than MAX_CONNECTIONS, so that a
#: request that arrives with its connection is complete before the connection could be closed for another one.
MAX_ACCEPTED = 100

_SWEEP_SECONDS = 1.0


class Server(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """Serves ``app`` on a listening socket until SIGTERM, SIGINT or SIGHUP, then finishes the open requests.

    One thread, the event loop, receives and parses requests, answers the quick ones, sends all responses and
    closes overdue connections. Other threads answer writes and slow reads.
    """

    def __init__(self, app: App, listener: socket.socket, drain_seconds: int) -> None:
        self.connections = Connections()
        self.sockets: dict[int, Any] = {}  # all that the loop polls
        self.received: deque[Channel] = deque()  # the loop is to parse their input
        self.address = str(listener.getsockname()[0]), str(listener.getsockname()[1])
        self._app = app
        self._drain_seconds = drain_seconds
        self._stopping = False
        self._trigger = trigger(self.sockets)
        self._has_callers = self._is_woken = self._is_paused = False
        self._swept_at = self._yielded_at = time.monotonic()
        self._costly: deque[Channel] = deque()  # from ``received``, to be parsed after the others
        self._min_seconds = 0.0  # ``parsing`` of the one whose costly input was parsed last
        self._quick = FairQueue()
        self._queues: dict[Cost, FairQueue] = {"quick": self._quick}
        self._answered: deque[Channel] = deque()  # by the loop or a thread; the loop sends the responses
        for cost, number in THREADS.items():
            queue = self._queues[cost] = FairQueue(MAX_OVERLAPPING if cost == "write" else 0)
            for _ in range(number):
                threading.Thread(target=self._answer_slow, args=(queue,), daemon=True).start()
        super().__init__(listener, self.sockets)
        self.accepting = True
        # Before the address is printed, so that a stop is clean from then on.
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # nohup ignores SIGHUP, so that the server outlives the terminal.
            if signal_number != signal.SIGHUP or signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
                signal.signal(signal_number, self._stop)

    # --- the listening socket

    def readable(self) -> bool:
        return not self._is_paused

    def handle_accept(self) -> None:
        self._has_callers = True

    def _accept(self) -> None:
        """Accept connections, or refuse one if none can be closed for it. After the other events: a new
        connection may get the descriptor of one that is closed for it. An error costs one connection and
        never closes the listening socket."""
        try:
            for _ in range(MAX_ACCEPTED):
                accepted = self.accept()
                self._has_callers = accepted is not None
                if accepted is None:
                    return
                if not self.connections.make_room():
                    accepted[0].close()
                    return
                Channel(self, *accepted)
        except Exception:
            log.exception("a connection could not be accepted")
            self._has_callers = False
            self._is_paused = True  # until the next sweep: there may be too many open files

    # --- the loop

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP, then finish the open requests."""
        while not self._stopping:
            self._iterate(_SWEEP_SECONDS)
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        began = time.monotonic()
        self._iterate(0)
        while self._has_callers and time.monotonic() - began < PATIENCE:  # they connected before
            self._iterate(0)
        self.close()  # the listening socket
        while self.connections and (elapsed := time.monotonic() - began) < self._drain_seconds:
            self._iterate(0.05)  # first, so that no connection with an unread request is closed
            self.connections.close_overdue(PATIENCE if elapsed < ARRIVAL_SECONDS else 0)
        if self.connections:
            log.warning("stopped with %d connection(s) unfinished", len(self.connections))
        if any(channel.is_answering for channel in self.connections):
            return  # their threads may be writing. A write without an answer has not been acknowledged
        self._app.close()
        log.info("stopped")

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping and number != signal.SIGHUP:  # a closed terminal sends several
            log.warning("a second signal: the server ends at once; open requests are not finished")
            logging.shutdown()
            os._exit(128 + number)
        self._stopping = True  # from now on, no connection stays open after a response
        self._trigger.pull_trigger()  # the handler runs in the thread of the loop, between two instructions

    def _iterate(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, then take the requests from their bytes to their responses."""
        is_busy = self.received or self._costly or not self._quick.is_empty()
        wasyncore.loop(0 if is_busy else seconds, use_poll=True, map=self.sockets, count=1)
        self._is_woken = False
        self._parse_received()
        if self.connections.needs_memory_check:
            self.connections.limit_memory()
        until = time.monotonic() + LOOP_SLICE_SECONDS
        while not self._quick.is_empty() and time.monotonic() < until:
            self._answer(self._quick)
        while self._answered:
            self._attempt(Channel.send_response, self._answered.popleft())
        if self._has_callers:
            self._accept()
        now = time.monotonic()
        if now - self._yielded_at > LOOP_SLICE_SECONDS:
            os.sched_yield()
            self._yielded_at = time.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at, self._is_paused = now, False
            self.connections.close_overdue(TIMEOUT)

    def _parse_received(self) -> None:
        """Parse usual input; then costly input, for a while, of the connections that have used least."""
        while self.received:
            channel = self.received.popleft()
            if channel.is_costly():
                # Time in which a connection was idle gives it no advantage over the others.
                channel.parsing = max(channel.parsing, self._min_seconds)
                self._costly.append(channel)
            else:
                self._attempt(self._parse, channel)
        if not self._costly:
            return
        self._costly = deque(sorted(self._costly, key=lambda channel: (channel.parsing, len(channel.input))))
        until = time.monotonic() + LOOP_SLICE_SECONDS
        while self._costly and time.monotonic() < until:
            channel = self._costly.popleft()
            self._min_seconds = channel.parsing
            began = time.thread_time()
            self._attempt(self._parse, channel)
            channel.parsing += time.thread_time() - began

    def _parse(self, channel: Channel) -> None:
        """Parse. A complete request is queued for the loop if answering it is quick, or else for a thread."""
        if channel.parse():
            channel.turn = self._app.turn(channel.env)
            self._queues[channel.turn.cost].put(channel)
        elif channel.input:
            self.received.append(channel)
        else:
            self.connections.needs_memory_check = True

    @staticmethod
    def _attempt(step: Callable[[Channel], None], channel: Channel) -> None:
        """Take a step for an open connection. An error closes it."""
        try:
            if channel.connected:
                step(channel)
        except Exception:
            channel.handle_error()

    def _answer(self, waiting: FairQueue) -> None:
        """Answer a request that waits, in the loop or in a thread. The loop sends the response."""
        channel = waiting.take()
        try:
            if channel.connected:
                channel.answer(self._app, self._stopping)
        except Exception:
            log.exception("a request could not be answered")
            channel.is_last = True
        waiting.done(channel)
        self._answered.append(channel)

    def _answer_slow(self, waiting: FairQueue) -> None:
        """Answer requests in a thread."""
        with suppress(AttributeError, OSError):  # not Linux, or a sandbox
            if os.sched_getscheduler(0) == os.SCHED_OTHER:  # otherwise the operator has chosen
                # The event loop runs first: a thread would take Python's lock from it at each call of SQLite.
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # of this thread alone
        while True:
            self._answer(waiting)
            if not self._is_woken:
                self._is_woken = True
                self._trigger.pull_trigger()
