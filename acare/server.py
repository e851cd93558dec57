"""The HTTP server: waitress, with quick reads answered in its loop and a stop that answers what has arrived.

One thread, the loop, receives and parses requests, answers the quick ones and sends all answers.
"""

import logging
import os
import re
import socket
import threading
import time
from contextlib import suppress
from io import BytesIO
from queue import SimpleQueue
from typing import Any
from urllib.parse import unquote_to_bytes

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver, FixedStreamReceiver
from waitress.task import WSGITask
from waitress.trigger import trigger
from waitress.utilities import BadRequest, RequestEntityTooLarge, build_http_date

from acare.api.admission import cost
from acare.api.body import MAX_BODY, MAX_DISCARDED
from acare.api.envelope import MAX_HEADER
from acare.app import App

log = logging.getLogger("acare.server")

#: Seconds without progress after which a connection is closed, and within which a request must arrive. More
#: than the 60 s of proxies, so that they close first.
TIMEOUT = 75

#: Seconds for which a server that stops, or has MAX_CONNECTIONS, waits for a request or the rest of it.
PATIENCE = 1.0

#: Open connections. An idle one costs a file descriptor and no thread.
MAX_CONNECTIONS = 1000

#: Threads for slow reads, and as many for all else that is not quick.
THREADS = 16

_SWEEP_SECONDS = 1.0
_LOOP_SECONDS = 0.004  # after which the loop lets the threads run, if all share a core

_REQUEST_LINE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Z]+) (/[\x21\x22\x24-\x7e]*) HTTP/(1\.[01])")
_FIELD = re.compile(r"^([!#$%&'*+\-.^_`|~0-9A-Za-z]++):([\t\x20-\x7e\x80-\xff]*+)\r\n", re.M)  # RFC 9112, 5
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{0,5})?")


class Body(BytesIO):
    """The bytes of a body, in place of waitress's temporary file. Those over the limit are only counted."""

    length = 0

    def append(self, data: bytes) -> None:
        self.length += len(data)
        if self.length <= MAX_BODY:
            self.write(data)

    def getfile(self) -> BytesIO:
        self.seek(0)
        return self

    def __len__(self) -> int:
        return self.length


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A request. waitress would take up to 30 s for some headers, and accept others that RFC 9112 forbids."""

    command, path, query, request_uri, url_scheme = "-", "/", "", "/", "http"

    def received(self, data: bytes) -> int:
        """Take the header, or what has come of the body. Returns the number of bytes taken."""
        consumed = int(super().received(data))
        if self.chunked and len(self.body_rcv.control_line) + len(self.body_rcv.trailer) > MAX_HEADER:
            self.error, self.completed = BadRequest("a line between chunks is too long"), True
        if isinstance(self.error, RequestEntityTooLarge):
            # The API refuses it after the rate limit. Of chunks, only the length that has come is known.
            self.headers["CONTENT_LENGTH"] = str(max(self.content_length, len(self.body_rcv)))
            self.error, self.connection_close = None, True
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse request line and headers. ParsingError, which becomes a 400, if they are malformed."""
        request_line, _, lines = header_plus.decode("latin-1").removesuffix("\r\n").partition("\r\n")
        if not (match := _REQUEST_LINE.fullmatch(request_line)):
            raise ParsingError("the request line is not METHOD /path HTTP/1.1, in ASCII characters")
        self.command, self.request_uri, self.version = match.groups()
        path, _, self.query = self.request_uri.partition("?")
        self.path = unquote_to_bytes(path).decode("latin-1") if "%" in path else path
        fields = _FIELD.findall(lines)
        if len(fields) != lines.count("\n"):
            raise ParsingError("a header is malformed")
        headers = self.headers
        for name, value in fields:
            if "_" not in name:  # in the WSGI environ, it would have the name of another field
                name, value = name.upper().replace("-", "_"), value.strip(" \t")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        host = headers.get("HOST")  # two are joined with a comma and a space, which is invalid
        if not (self.version == "1.0" if host is None else _HOST.fullmatch(host)):
            raise ParsingError("the request must have exactly one valid Host header")
        self.expect_continue = headers.get("EXPECT", "").lower() == "100-continue" and self.version == "1.1"
        options = [option.strip(" \t") for option in headers.get("CONNECTION", "").lower().split(",")]
        self.connection_close = "close" in options or self.version == "1.0"
        self._prepare_body()

    def _prepare_body(self) -> None:
        """Choose the receiver of the body. Refuse framing that a proxy could read differently. (RFC 9112)"""
        coding, length = self.headers.pop("TRANSFER_ENCODING", None), self.headers.get("CONTENT_LENGTH")
        if coding is not None:
            if coding.lower() != "chunked" or length is not None or self.version == "1.0":
                raise ParsingError("Transfer-Encoding must be chunked, without Content-Length, in HTTP/1.1")
            self.chunked, self.body_rcv = True, ChunkedReceiver(Body())
        elif length is not None:
            if not (length.isdecimal() and len(length) < 20):
                raise ParsingError("the Content-Length is malformed")
            self.content_length = int(length)
            if self.content_length > 0:
                self.body_rcv = FixedStreamReceiver(self.content_length, Body())


class Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Answers a request, also one that is refused, in one piece. The app must set a Content-Length."""

    def execute(self) -> None:
        server, error = self.channel.server, self.request.error
        if error:
            status, headers, body = server.application.refuse(self.channel.addr[0], error.code, error.body)
        else:
            env = self.get_environment()
            env["acare.stopping"] = server.stopping
            started: list[Any] = []
            body = b"".join(server.application(env, lambda *start: started.extend(start)))
            status, headers = started[:2]
        # A server that is stopping closes the connection, unless more has been received already.
        last = bool(error) or self.request.connection_close or (server.stopping and not self.channel.rest)
        lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), f"date: {build_http_date(time.time())}"]
        if last:
            lines.append("connection: close")
        text = "".join(lines)
        if "\r" in text or "\n" in text:
            raise ValueError("a header contains a line break")
        self.wrote_header, self.close_on_finish = True, last
        self.channel.write_soon("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection, with one request at a time."""

    request: Parser | None
    parser_class, task_class, error_task_class = Parser, Task, Task
    handle_expt = HTTPChannel.handle_close  # urgent data, which has no meaning in HTTP
    rest = b""  # received after the request that is being answered
    output = memoryview(b"")  # what has not been sent, in place of waitress's buffers
    began = 0.0  # when the first byte of the request came

    def received(self, data: bytes) -> None:
        """Parse up to the end of one request."""
        with self.requests_lock:  # a thread may be ending the request before, and would start this one too
            if self.request is None:
                self.rest = data = data.lstrip(b"\r\n")  # empty lines before a request; RFC 9112, 2.2
                if not data:
                    return
                self.request, self.began = Parser(self.adj), time.time()
                if not data[:1].isalpha():
                    self.request.error = BadRequest("it must begin with the method; TLS is not supported")
                    self.request.completed = True
            request = self.request
            while data and not request.completed:
                data = data[request.received(data) :]
            self.rest = data
            if request.completed:
                self.request, self.requests = None, [request]
                self.server.add_task(self)
            elif request.expect_continue and not request.body_bytes_received:
                request.expect_continue = False
                self.write_soon(b"HTTP/1.1 100 Continue\r\n\r\n")

    def write_soon(self, data: bytes) -> None:
        """Keep data, which the loop sends: no thread waits for a caller."""
        self.output = memoryview(bytes(self.output) + data if self.output else data)
        self.total_outbufs_len = len(self.output)

    def handle_write(self) -> None:
        """Send what the socket accepts now. After an answer, parse what has come after its request."""
        if self.requests or not self.connected:  # the answer may not be complete
            return
        if sent := self.send(self.output):
            self.output, self.last_activity = self.output[sent:], time.time()
            self.total_outbufs_len = len(self.output)
        if self.close_when_flushed and not self.output:
            self.handle_close()
        elif self.rest and not self.output:
            self.received(self.rest)


class Server(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """Serves ``app`` on a listening socket until a signal stops it, then finishes the open requests.

    waitress's channels and tasks use the attributes without an underscore, ``add_task`` and ``pull_trigger``.
    """

    def __init__(self, app: App, listener: socket.socket, drain_seconds: int) -> None:
        self.application, self._drain_seconds = app, drain_seconds
        self.adj = Adjustments(max_request_header_size=MAX_HEADER, max_request_body_size=MAX_DISCARDED + 1)
        self.server_name, self.effective_port = listener.getsockname()[:2]
        self.active_channels: dict[int, Channel] = {}
        self.stopping = self._is_paused = False
        self._swept_at = self._yielded_at = time.monotonic()
        self._requests = {kind: SimpleQueue[Channel]() for kind in ("quick", "slow", "other")}
        for kind in ("slow", "other") * THREADS:
            threading.Thread(target=_answer, args=(self._requests[kind],), daemon=True).start()
        super().__init__(listener, {})
        self.accepting = True
        self._trigger = trigger(self._map)

    def add_task(self, channel: Channel) -> None:
        """Let the loop or a thread answer a request."""
        [request] = channel.requests
        self._requests[cost(request.command, request.path, request.query)].put(channel)

    def pull_trigger(self) -> None:
        """Wake the loop after a thread has answered."""
        if threading.get_ident() != self._loop:
            self._trigger.pull_trigger()

    def readable(self) -> bool:
        return not self._is_paused and len(self.active_channels) < MAX_CONNECTIONS

    def handle_accept(self) -> None:
        """An error costs one connection and never closes the listening socket."""
        try:
            while len(self.active_channels) < MAX_CONNECTIONS and (accepted := self.accept()) is not None:
                accepted[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Channel(self, *accepted, self.adj, self._map)
        except Exception:
            log.exception("a connection could not be accepted")
            self._is_paused = True  # until the next sweep: there may be too many open files

    def run(self) -> None:
        """Serve until ``stop``, then finish the open requests, for at most ``drain_seconds``."""
        self._loop = threading.get_ident()
        while not self.stopping:
            self._iterate(_SWEEP_SECONDS)
        log.info("stopping: finishing open requests, for at most %d s", self._drain_seconds)
        began = time.monotonic()
        self._iterate(0)  # accepts all who have connected before
        self.close()  # the listening socket
        while self.active_channels and time.monotonic() - began < self._drain_seconds:
            self._iterate(0.05)  # first, so that no connection with an unread request is closed
            self._close_overdue(PATIENCE)
        unanswered = sum(bool(channel.requests) for channel in self.active_channels.values())
        if not unanswered:  # otherwise threads may be writing
            self.application.close()
        log.info("stopped with %d requests unanswered", unanswered)

    def stop(self) -> None:
        """Let ``run`` finish. From now on, no connection stays open after an answer. For signal handlers."""
        self.stopping = True
        self._trigger.pull_trigger()

    def _iterate(self, seconds: float) -> None:
        """Wait up to ``seconds`` for events, answer the quick requests, and send all answers."""
        quick = self._requests["quick"]
        wasyncore.loop(seconds if quick.empty() else 0, use_poll=True, map=self._map, count=1)
        answered = [quick.get() for _ in range(quick.qsize())]
        for channel in answered:
            channel.service()
        for channel in answered:  # together: to wake the callers one by one costs a quarter of the rate
            wasyncore.write(channel)
        now = time.monotonic()
        if now - self._yielded_at > _LOOP_SECONDS:
            os.sched_yield()
            self._yielded_at = time.monotonic()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at, self._is_paused = now, False
            self._close_overdue(TIMEOUT if self.readable() else PATIENCE)

    def _close_overdue(self, patience: float) -> None:
        """Close connections that have waited too long, or seem to since the clock was changed."""
        for channel in list(self.active_channels.values()):
            since = channel.began if channel.request else channel.last_activity
            limit = TIMEOUT if channel.total_outbufs_len else patience
            if abs(time.time() - since) > limit and not channel.requests:
                channel.handle_close()


def _answer(waiting: SimpleQueue[Channel]) -> None:
    """Answer requests in a thread."""
    with suppress(AttributeError, OSError):  # not Linux, or a sandbox
        # The loop runs first: a thread would take Python's lock from it at each call of SQLite.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))  # of this thread alone
    while True:
        waiting.get().service()
