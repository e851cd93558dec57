"""A server around the app: the only code that knows waitress."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from types import FrameType

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import build_http_date

from acare.api import envelope
from acare.api.middleware import Access
from acare.app import App
from acare.cli.logs import AccessWriter
from acare.config import Settings
from acare.errors import UserError

log = logging.getLogger("acare.server")

#: Connections at a time. One that sends nothing costs a file descriptor and no thread; waitress's 100
#: would let a hundred of them shut everybody else out.
CONNECTIONS = 4096

#: Seconds in which a request must have arrived whole.
REQUEST_SECONDS = 60

#: Seconds after which a caller who takes nothing of an answer is given up; waitress would wait for ever.
ANSWER_SECONDS = 60

#: Seconds without a byte after which a stopping server takes the rest of a request for not coming.
PAUSE_SECONDS = 2

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
        raise UserError(f"cannot listen on {address}: {error.strerror or error}") from None


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """The answer to what waitress refuses before the app sees it, in the envelope."""

    def execute(self) -> None:
        error = self.request.error
        request_id = envelope.new_request_id()
        code, message = envelope.HTTP_FAILURES.get(error.code, envelope.OTHER_FAILURE)
        body = envelope.error_body(code, message, request_id).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("X-Request-ID", request_id),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
        self.channel.server.write_access(
            Access(self.channel.addr[0], "-", "-", error.code, 0.0, "-", request_id)
        )


class _Task(WSGITask):  # type: ignore[misc]
    """waitress's, but an answer's header and body leave in one packet, with one system call and not two."""

    wrote_header: bool

    def write(self, data: bytes) -> None:
        if self.wrote_header or not self.complete or self.content_length != len(data) or not self.has_body:
            super().write(data)
            return
        header = self.build_response_header()
        self.wrote_header = True
        self.content_bytes_written = len(data)
        self.channel.write_soon(header + data)

    def build_response_header(self) -> bytes:
        """waitress's rewrites and sorts each header, for what applications may leave out; this does not."""
        if self.version != "1.1" or self.content_length is None or "CONNECTION" in self.request.headers:
            return bytes(super().build_response_header())
        lines = [f"HTTP/1.1 {self.status}", *map("{0[0]}: {0[1]}".format, self.response_headers)]
        return "\r\n".join([*lines, f"date: {build_http_date(self.start_time)}", "\r\n"]).encode("latin-1")


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """waitress's, but for what is the caller's mistake: a URL like ``http://[`` would end the connection
    without an answer, and an unknown transfer encoding be a 501."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except (ValueError, TransferEncodingNotImplemented) as error:
            raise ParsingError(str(error)) from None


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it is waiting for the rest of a request."""

    task_class = _Task
    error_task_class = _ErrorTask
    parser_class = _Parser
    request_began = 0.0

    def received(self, data: bytes) -> bool:
        before = self.request
        taken = bool(super().received(data))
        if self.request is not before:
            self.request_began = time.monotonic()
        return taken

    def writable(self) -> bool:
        """Whether the loop has something to send.

        Not while a thread is sending, which tells the loop when it is done: the loop would find the lock
        taken, and ask again and again.
        """
        if not super().writable() or not self.outbuf_lock.acquire(blocking=False):
            return False
        self.outbuf_lock.release()
        return True

    def is_read(self) -> bool:
        """Whether the next request only reads."""
        command, path = self.requests[0].command, self.requests[0].path
        return command in ("GET", "HEAD") and path.strip("/") != "readyz"  # which begins a write

    def is_slow(self) -> bool:
        """Whether nothing of an answer is taken, or a request has been on its way for too long."""
        if self.total_outbufs_len:
            return bool(time.time() - self.last_activity > ANSWER_SECONDS)
        if self.requests or self.request is None:
            return False
        return time.monotonic() - self.request_began > REQUEST_SECONDS

    def is_idle(self) -> bool:
        """Whether there is nothing in it, or a request that its sender has stopped sending."""
        if self.requests or self.total_outbufs_len:
            return False
        return self.request is None or time.time() - self.last_activity > PAUSE_SECONDS


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Gives writes to threads, which wait for the disk together, and keeps reads for the loop itself.

    A read waits for nobody, but once a minute for the note that its key was used, and takes a fraction of
    a millisecond; to hand it to a thread, which then waits for Python's lock, would take as long again. A
    connection whose last answer is not sent yet waits for that first, so that no thread ever waits for a
    caller who does not read.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._reads: deque[_Channel] = deque()
        self._waiting: deque[_Channel] = deque()
        self.set_thread_count(threads)

    def add_task(self, task: _Channel) -> None:
        if task.total_outbufs_len:
            self._waiting.append(task)
        elif task.requests[0].error is None and task.is_read():
            self._reads.append(task)
        else:
            super().add_task(task)

    def answer_reads(self) -> None:
        """Answer the reads that have come; for the thread of the loop alone."""
        for _ in range(len(self._waiting)):
            task = self._waiting.popleft()
            if task.connected and task.requests:
                self.add_task(task)
        while self._reads:
            self._reads.popleft().service()


class _TcpServer(TcpWSGIServer):  # type: ignore[misc]
    """waitress's server, whose loop need not be woken by the loop itself."""

    channel_class = _Channel
    loop: int | None = None
    write_access: Callable[[Access], None]

    def pull_trigger(self) -> None:
        if threading.get_ident() != self.loop:
            super().pull_trigger()


class Server:
    """waitress around the app, with a stop that finishes what was begun."""

    def __init__(self, app: App, listener: socket.socket, settings: Settings, access: AccessWriter) -> None:
        self._app = app
        self._access = access
        self._drain_seconds = settings.drain_seconds
        self._stopping = False
        self._flushed = 0.0
        self._sockets: dict[int, object] = {}
        self._dispatcher = _Dispatcher(settings.threads)
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
                self._close_where(_Channel.is_slow)
        self._drain()
        return 0

    def _turn(self, seconds: float) -> None:
        """One turn of waitress's loop, and of the access log's, which is written some 20 times a second."""
        # select is the quicker one while there are few connections, and knows no descriptor beyond 1023.
        poll = wasyncore.poll if max(self._sockets) < 1024 else wasyncore.poll2
        poll(min(seconds, _FLUSH_SECONDS) if self._access else seconds, self._sockets)
        self._dispatcher.answer_reads()
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
            self._close_where(_Channel.is_idle)
            self._turn(0.05)
        self._server.task_dispatcher.shutdown(timeout=max(0.1, deadline - time.monotonic()))
        self._access.flush()
        if connections:
            # Their threads may be writing; what they have not answered, they have not promised.
            log.warning("stopped with %d connection(s) unfinished", len(connections))
            return
        self._app.close()
        log.info("stopped")

    def _close_where(self, condition: Callable[[_Channel], bool]) -> None:
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
