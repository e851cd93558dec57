"""One connection."""

from __future__ import annotations

import logging
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.utilities import InternalServerError

from acare.api.request import Workload
from acare.server.parser import Parser
from acare.server.response import environment, respond

log = logging.getLogger("acare.server")

#: Seconds without progress after which a connection is closed, and within which a request must arrive. More
#: than the 60 s of proxies, so that they close first.
TIMEOUT = 75

#: Bytes of a header that is parsed as soon as it arrives. Others wait until the usual ones have been parsed.
USUAL_HEADER = 2 * 1024


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that handles one request at a time, with time-outs by the monotonic clock.

    waitress parses all data that it receives, about 400 pipelined requests, and answers them in a row.
    Here the data after a request stays in ``input`` until that request has been answered and the response
    has been sent, so that the loop serves other connections in between.
    """

    request: Parser | None
    requests: list[Parser]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.number = int(self.socket.fileno())
        self.input = b""  # received after a request
        self.output = b""  # a response that the loop has not sent yet
        self.workload: Workload = "quick"  # of the request that waits to be answered
        self.is_writing = False  # from when a write is queued for a thread until its response is sent
        self.progress_at = self.request_began = time.monotonic()

    def readable(self) -> bool:
        return not (self.input or self.is_answering() or self.writable())

    def writable(self) -> bool:
        return not self.output and bool(self.total_outbufs_len or self.will_close or self.close_when_flushed)

    def is_answering(self) -> bool:
        """Whether a request is complete and the loop has not begun to send its response."""
        return bool(self.requests or self.output)

    def received(self, data: bytes) -> bool:
        """Parse ``data`` up to the end of one request, which is then queued. The loop parses costly
        input later."""
        self._progressed()
        while data and not self.requests and not self._is_costly(data):
            data = self._parse(data)
        self.input = data
        if self.requests:
            self.server.add_task(self)
        else:
            self.server.connections.has_grown = True
            if data:
                self.server.costly.append(self)
        return True

    def _is_costly(self, data: bytes) -> bool:
        """Whether parsing ``data`` may take longer than a usual request: a long header, or chunks."""
        request = self.request
        if request is not None and request.body_rcv is not None:
            return bool(request.chunked)
        begun = 0 if request is None else int(request.header_bytes_received)
        return begun + len(data) > USUAL_HEADER and (begun > 0 or b"\r\n\r\n" not in data[:USUAL_HEADER])

    def parse_costly(self) -> None:
        """Parse a header or a piece of a body that ``received`` has left for later."""
        if self.connected:
            self.received(self._parse(self.input))

    def _progressed(self) -> None:
        """Record progress of the caller."""
        self.progress_at = time.monotonic()
        self.server.connections.move_to_end(self.number)

    def _parse(self, data: bytes) -> bytes:
        """Parse up to the end of a header or of a body. Returns the rest."""
        if self.request is None:
            data = data.lstrip()  # empty lines and white space: thousands can arrive at once
            if not data:
                return data
            self.request = Parser(self.adj)
            self.request_began = self.progress_at
        request = self.request
        rest = data[request.received(data) :]
        has_begun = rest or request.body_bytes_received
        if request.expect_continue and request.headers_finished and not (has_begun or request.completed):
            if self.server.application.wants_body(environment(self, request)):
                self.send_continue()
            else:  # the caller, who waits for 100 Continue, need not send the body
                request.completed = request.connection_close = request.is_body_omitted = True
        if request.completed:
            self.request = None
            self.requests.append(request)
        return rest

    def service(self) -> None:
        """Answer the request. The loop sends the response, along with other responses."""
        (request,) = self.requests
        if self.connected:
            try:
                data, is_last = respond(self, request)
            except Exception:
                log.exception("a request could not be answered")
                request.error = InternalServerError("")
                data, is_last = respond(self, request)
            self.output = data  # set first: without it, close_when_flushed closes the connection
            self.close_when_flushed = is_last
        self.requests = []

    def send_output(self) -> None:
        """Send the response. What the socket does not accept now goes into waitress's buffer."""
        data, self.output, self.is_writing = self.output, b"", False
        if self.connected and not self.total_outbufs_len:
            data = data[self.send(data, do_close=False) :]
        if data and self.connected:
            self.outbufs[-1].append(data)
            self.total_outbufs_len += len(data)
            self.server.connections.has_grown = True
        self._go_on()

    def handle_write(self) -> None:
        super().handle_write()
        self._go_on()

    def _go_on(self) -> None:
        """Parse what was received after the request; otherwise wait for the caller to send or to read."""
        if self.connected and not self.is_answering():
            if self.input and not self.writable():
                self.received(self.input)
            else:
                self._progressed()

    def handle_expt(self) -> None:
        """Close on urgent data, which has no meaning in HTTP; waitress would log it in a busy loop."""
        self.handle_close()

    def size(self) -> int:
        """The approximate memory, in bytes, for what was received and for what has not been sent yet."""
        request = self.requests[0] if self.requests else self.request
        unsent = len(self.output) + int(self.total_outbufs_len)
        return len(self.input) + unsent + (0 if request is None else request.size())

    def is_overdue(self, now: float) -> bool:
        """Whether the connection has waited for its caller longer than a time-out."""
        if self.is_answering():
            return False
        pause = now - self.progress_at
        if self.total_outbufs_len:
            return pause > TIMEOUT
        is_slow = self.request is not None and now - self.request_began > TIMEOUT
        return is_slow or bool(pause > self.server.patience)
