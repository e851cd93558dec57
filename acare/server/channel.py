"""What this server does otherwise than waitress within a connection."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache
from typing import Any

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import build_http_date

from acare.api import envelope
from acare.api.access_log import Access

log = logging.getLogger("acare.server")

#: Seconds in which a request must have arrived whole.
REQUEST_SECONDS = 60

#: Seconds after which a caller who takes nothing of an answer is given up; waitress would wait for ever.
ANSWER_SECONDS = 60

#: Seconds without a byte after which a stopping server takes the rest of a request for not coming.
PAUSE_SECONDS = 2


def _send_whole(task: Task, body: bytes) -> None:
    """Header and body leave in one packet; waitress sends two."""
    task.content_length = task.content_bytes_written = len(body)
    answer = task.build_response_header() + body
    task.wrote_header = True
    task.channel.write_soon(answer)


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """The answer to what waitress refuses before the app sees it, in the envelope."""

    def execute(self) -> None:
        error = self.request.error
        request_id = envelope.new_request_id()
        code, message = envelope.HTTP_ERRORS.get(error.code, envelope.INTERNAL_ERROR)
        body = envelope.error_body(code, message, request_id).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("X-Request-ID", request_id),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        self.set_close_on_finish()
        _send_whole(self, body)
        self.channel.server.write_access(
            Access(self.channel.addr[0], "-", "-", error.code, 0.0, "-", request_id)
        )


class _Task(WSGITask):  # type: ignore[misc]
    """A request to the app, which answers in one piece.

    waitress's own looks at each header and each piece of a body for what any application may have left out
    or done wrong.
    """

    response_headers: list[tuple[str, str]]
    content_length: int | None

    def execute(self) -> None:
        body = b"".join(self.channel.server.application(self.get_environment(), self._start_response))
        if body and ("content-length", str(len(body))) in self.response_headers:
            _send_whole(self, body)
        else:  # no body, as for HEAD, or one whose length nobody told
            lengths = [int(value) for name, value in self.response_headers if name == "content-length"]
            self.content_length = lengths[0] if lengths else None
            self.write(body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self._head = "\r\n".join([f"HTTP/1.1 {status}", *map(": ".join, headers)])
        if not self._head.count("\r") == self._head.count("\n") == len(headers):
            raise ValueError("a line end in a header would begin another one")
        self.complete = True
        self.status = status
        self.response_headers = headers

    def build_response_header(self) -> bytes:
        """waitress's rewrites and sorts the headers; those of nearly every answer are fit to be sent."""
        stays = self.request.headers.get("CONNECTION", "keep-alive").lower() == "keep-alive"
        if self.version != "1.1" or not stays or (self.content_length is None and self.has_body):
            return bytes(super().build_response_header())
        return f"{self._head}\r\ndate: {_http_date(int(self.start_time))}\r\n\r\n".encode("latin-1")


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return str(build_http_date(second))


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """waitress's, but for what is the caller's mistake: a URL like ``http://[`` would end the connection
    without an answer, and an unknown transfer encoding be a 501."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except (ValueError, TransferEncodingNotImplemented) as error:
            raise ParsingError(str(error)) from None


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it is waiting for the rest of a request.

    What is to be sent is held until the loop sends it, so that the answers of many connections can leave
    together; with waitress, whoever answers sends it at once, through a buffer.
    """

    task_class = _Task
    error_task_class = _ErrorTask
    parser_class = _Parser
    request_began = 0.0

    def __init__(self, *args: Any, **options: Any) -> None:
        self.held: deque[bytes] = deque()
        super().__init__(*args, **options)

    def received(self, data: bytes) -> bool:
        before = self.request
        taken = bool(super().received(data))
        if self.request is not before:
            self.request_began = time.monotonic()
        return taken

    def write_soon(self, data: bytes) -> int:
        """Hold ``data`` for the loop, which whoever calls this then wakes."""
        if not self.connected:
            raise ClientDisconnected
        if data:
            self.held.append(data)
            self.server.task_dispatcher.unsent.append(self)
        return len(data)

    def send_continue(self) -> None:
        """waitress's would overtake an answer that is held."""
        self.request.expect_continue = False
        self.request.completed = False
        self.sent_continue = True
        with suppress(ClientDisconnected):
            self.write_soon(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_held(self) -> None:
        """Send the first that is held: what the socket takes now, and the rest by and by."""
        data = self.held[0]
        try:
            if self.connected and not self.total_outbufs_len:
                with suppress(OSError):  # it will happen again where waitress takes care of it
                    data = data[self.send(data, do_close=False) :]
                    self.last_activity = time.time()
            if self.connected and data:
                super().write_soon(data)
        except (OSError, MemoryError) as error:  # a large rest goes to a temporary file
            log.warning("closing a connection: no room for what its caller does not take: %s", error)
            self.handle_close()
        finally:
            self.held.popleft()  # only now, so that a stop never finds the connection idle

    def _flush_outbufs_below_high_watermark(self) -> None:
        """waitress would wait until the caller has taken most of it; the loop, which sends, waits for nobody.

        No more than an answer comes together, since the next request waits until nothing is left to send.
        """

    # A thread holds its answer first, and only then says that it is done with the request. So the loop may
    # find a connection without a request whose answer it has yet to send; it does so when this turn ends.

    def handle_read(self) -> None:
        if not self.held:  # a caller who sends no more, and ends it, has his answer first
            super().handle_read()

    def handle_write(self) -> None:
        if not self.held:  # where nothing is left to be sent of a last answer, waitress closes
            super().handle_write()

    def is_read(self) -> bool:
        """Whether the next request only reads."""
        command, path = self.requests[0].command, self.requests[0].path
        return command in ("GET", "HEAD") and path.strip("/") != "readyz"  # which begins a write

    def is_slow(self) -> bool:
        """Whether nothing of an answer is taken, or a request has been on its way for too long."""
        if self.total_outbufs_len:
            return bool(time.time() - self.last_activity > ANSWER_SECONDS)
        if self.requests or self.held or self.request is None:
            return False
        return time.monotonic() - self.request_began > REQUEST_SECONDS

    def is_idle(self) -> bool:
        """Whether there is nothing in it, or a request that its sender has stopped sending."""
        if self.requests or self.held or self.total_outbufs_len:
            return False
        return self.request is None or time.time() - self.last_activity > PAUSE_SECONDS
