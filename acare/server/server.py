"""The server: accepts connections, runs the event loop, and stops cleanly."""

from __future__ import annotations

import logging
import os
import queue
import resource
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.trigger import trigger

from acare.api.access_log import Access
from acare.app import App
from acare.config import Settings
from acare.errors import UserError
from acare.server.channel import Channel
from acare.server.parser import MAX_BODY_READ, MAX_HEADER

log = logging.getLogger("acare.server")

#: Open connections. An idle one costs a file descriptor and no thread.
CONNECTIONS = 4096

#: Threads for reads that take long.
READERS = 4

#: Bytes of answers that their callers have not read yet, in all connections together.
MAX_UNREAD = 128 * 1024 * 1024

#: Maximum number of answers that are sent together, so that the first one does not wait for long.
MAX_TOGETHER = 8

_FIRST_PASSED = 3  # descriptor, see sd_listen_fds(3)
_MAX_ACCEPTED = 16  # connections that one turn of the loop accepts
_SWEEP_SECONDS = 1.0
_TURN_SECONDS = 0.02  # after which a turn of the loop starts no further request
_ACCEPT_AGAIN_SECONDS = 0.2
_OTHER_FILES = 256  # descriptors for the database (three for each thread) and everything else
_NEVER = 10**9  # seconds or bytes: disables a mechanism of waitress that this server replaces
_ADJUSTMENTS = {
    "max_request_body_size": MAX_BODY_READ + 1,
    "max_request_header_size": MAX_HEADER,
    "channel_timeout": _NEVER,
    "outbuf_overflow": _NEVER,  # no temporary files for answers
    "outbuf_high_watermark": _NEVER,  # no thread waits for a caller; a connection has one answer at most
    "ident": None,  # no Server header
}


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
        return socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the rest repeats the address
        raise UserError(f"cannot listen on {address}: {reason}") from None


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


class _Trigger(trigger):  # type: ignore[misc]  # waitress has no types
    """Wakes the loop. An error in it ends the loop, since the answers of threads could no longer be sent."""

    def handle_error(self) -> None:
        raise


class _Listener(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """The listening socket. An error in ``accept`` costs one connection and never closes the socket."""

    def __init__(self, server: Server, listener: socket.socket, sockets: dict[int, object]) -> None:
        super().__init__(listener, sockets)
        self._server = server
        self._paused_until = 0.0
        self.accepting = True

    def readable(self) -> bool:
        return time.monotonic() >= self._paused_until

    def writable(self) -> bool:
        return False

    def handle_accept(self) -> None:
        """Accept several connections in one turn, so that new callers do not wait for many turns."""
        for _ in range(_MAX_ACCEPTED):
            accepted = self.accept()
            if accepted is None:
                return
            self._server.connect(*accepted)

    def handle_error(self) -> None:
        log.exception("a connection could not be accepted")
        self._paused_until = time.monotonic() + _ACCEPT_AGAIN_SECONDS


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
        access_log: Callable[[Access], None],
    ) -> None:
        self.application = app
        self.access_log = access_log
        self.draining = False
        self.adj = Adjustments(**_ADJUSTMENTS)
        self.active_channels: dict[int, Channel] = {}
        self.answers: deque[Channel] = deque()  # connections, once for each part that is to be sent
        self.unparsed: set[Channel] = set()  # connections that have received more than one request
        host, self.effective_port = listener.getsockname()[:2]
        self.server_name = host
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        self.url = f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{self.effective_port}"
        self._sockets: dict[int, object] = {}
        self._trigger = _Trigger(self._sockets)
        self._listener = _Listener(self, listener, self._sockets)
        self._max_connections = _allow_connections(CONNECTIONS)
        self._drain_delay, self._drain_seconds = settings.drain_delay, settings.drain_seconds
        self._stopping = self._woken = False
        self._swept_at = time.monotonic()
        self._turn_ends = 0.0
        self._loop = threading.get_ident()
        # Each kind has its own threads, so that slow requests of one kind do not delay those of another.
        self._writes: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        self._checks: queue.SimpleQueue[Channel] = queue.SimpleQueue()
        # The first write starts the store's writer thread. Started here, it does not inherit SCHED_BATCH.
        for name, state in app.run_checks().items():
            if state != "ok":
                log.warning("not ready: %s: %s", name, state)
        for tasks, threads in ((self._writes, settings.threads), (self._reads, READERS), (self._checks, 1)):
            for _ in range(threads):
                threading.Thread(target=self._work, args=(tasks,), daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(
                number, self._stop
            )  # before the address is printed, so that a stop is clean from then on

    # --- called by connections

    def connect(self, sock: socket.socket, addr: tuple[str, int]) -> None:
        """Add a connection. At the limit, the one that has been idle longest is closed for it."""
        if len(self.active_channels) >= self._max_connections:
            waiting = [channel for channel in self.active_channels.values() if channel.may_give_way()]
            if not waiting:
                sock.close()
                return
            # Closed in the next turn. In this one, an event for its descriptor may be due, and the new
            # connection would get that number.
            min(waiting, key=lambda channel: channel.active_at).will_close = True
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.fileno()
        try:
            Channel(self, sock, addr, self.adj, self._sockets)
        except BaseException:  # such as MemoryError: leave no half-made connection in the loop
            self._sockets.pop(number, None)
            self.active_channels.pop(number, None)
            sock.close()
            raise

    def add_task(self, channel: Channel) -> None:
        """Answer the request of ``channel`` now if that is quick; otherwise queue it for a thread."""
        request = channel.requests[0]
        if request.error or self.application.is_quick(request.command, request.path, request.query):
            channel.service()
            if len(self.answers) >= MAX_TOGETHER:
                self._send_answers()
        else:
            reads = self._checks if request.path.strip("/") == "readyz" else self._reads
            (reads if request.command in ("GET", "HEAD") else self._writes).put(channel)

    def pull_trigger(self) -> None:
        """Wake the loop. One wake-up serves all threads that call this before the loop runs."""
        if not self._woken and not self.in_loop():
            self._woken = True
            self._trigger.pull_trigger()

    def is_turn_over(self, now: float) -> bool:
        """Whether this turn of the loop has used up its time, so that data received now has to wait."""
        self._turn_ends = self._turn_ends or now + _TURN_SECONDS
        return now > self._turn_ends

    def in_loop(self) -> bool:
        """Whether this runs in the thread of the event loop."""
        return threading.get_ident() == self._loop

    # --- the loop

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT, then finish the open requests. Returns the exit code."""
        self._loop = threading.get_ident()
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
        sockets = self._sockets
        # select is faster with few connections, but cannot handle descriptors above 1023.
        poll = wasyncore.poll if max(sockets) < 1024 else wasyncore.poll2
        poll(0 if any(map(Channel.is_free, self.unparsed)) else seconds, sockets)
        self._turn_ends = 0.0
        self._woken = False  # before taking the answers of the threads
        self._send_answers()  # before the next requests of their connections are parsed
        ready = [channel for channel in self.unparsed if channel.is_free() or not channel.connected]
        for channel in sorted(ready, key=lambda channel: channel.loop_seconds):
            if self.is_turn_over(time.monotonic()):
                break
            self.unparsed.discard(channel)
            if channel.connected:
                try:
                    channel.received(channel.unparsed)
                except Exception:
                    channel.handle_error()  # as waitress does on an error in reading
        self._turn_ends = 0.0
        self._send_answers()
        now = time.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self._close_where(Channel.is_overdue, now)
            self._limit_unread()
            for channel in self.active_channels.values():
                channel.loop_seconds /= 2

    def _send_answers(self) -> None:
        """Send all answers in a row, as Redis does: a receiver on this machine, such as a proxy, wakes up
        once for all of them, and its next requests arrive together."""
        while self.answers:
            channel = self.answers.popleft()
            try:
                channel.send_held()
            except Exception:
                channel.handle_error()

    def _close_where(self, condition: Callable[[Channel, float], bool], now: float) -> None:
        for channel in list(self.active_channels.values()):
            if condition(channel, now):
                channel.handle_close()

    def _limit_unread(self) -> None:
        """Bound the memory of answers that their callers do not read: close those without progress."""
        unread = [channel for channel in self.active_channels.values() if channel.total_outbufs_len]
        total = sum(channel.total_outbufs_len for channel in unread)
        for channel in sorted(unread, key=lambda channel: channel.active_at):
            if total <= MAX_UNREAD:
                return
            total -= channel.total_outbufs_len
            channel.will_close = True

    def _work(self, tasks: queue.SimpleQueue[Channel]) -> None:
        """Answer queued requests, at a lower priority than the loop: otherwise the two threads exchange
        Python's global lock at each call into SQLite, which releases it."""
        if hasattr(os, "SCHED_BATCH"):
            with suppress(OSError):  # a sandbox may forbid it
                if os.sched_getscheduler(0) == os.SCHED_OTHER:  # otherwise keep the operator's choice
                    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        while True:
            channel = tasks.get()
            try:
                channel.service()
            except Exception:
                log.exception("a request could not be answered")
                channel.cancel()
                self.pull_trigger()

    # --- shutdown

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            os._exit(128 + number)  # the second signal: at once
        self._stopping = True
        self._trigger.pull_trigger()  # the handler runs in the thread of the loop, between two instructions

    def _drain(self) -> None:
        """Accept no new connections, answer every request that has begun to arrive, and close.

        Before that, during the drain delay, the server continues and ``/readyz`` reports that it is stopping.
        """
        self.application.draining = self.draining = True
        self._wait_for_proxies()
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        self._turn(0)  # accepts callers that have already connected
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
        """Answer as before for the drain delay, except that no connection stays open after an answer."""
        deadline = time.monotonic() + self._drain_delay
        if self._drain_delay:
            log.info("stopping in %d s; /readyz is 503 from now on", self._drain_delay)
        while time.monotonic() < deadline:
            self._turn(0.05)


def _allow_connections(wanted: int) -> int:
    """Raise the limit on open files as far as needed and allowed. Returns the number of connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = wanted + _OTHER_FILES
    if soft < room:
        soft = room if hard == resource.RLIM_INFINITY else min(room, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(16, min(wanted, soft - _OTHER_FILES))
