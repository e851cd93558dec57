"""One connection."""

from __future__ import annotations

import time
from typing import Any

from waitress.channel import ClientDisconnected, HTTPChannel

from acare.server.parser import Parser
from acare.server.response import AppTask, ErrorTask

#: Seconds within which a request must arrive completely.
REQUEST_SECONDS = 60

#: Seconds without progress after which a connection whose caller does not read the answer is closed.
ANSWER_SECONDS = 60

#: Seconds after which an idle connection is closed.
IDLE_SECONDS = 60

#: Seconds without a byte after which a stopping server no longer waits for the rest of a request.
PAUSE_SECONDS = 2

#: The same if no request has begun: one may be on its way over a connection that is new or in use.
SETTLE_SECONDS = 0.25


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that handles one request at a time, with time-outs by the monotonic clock.

    waitress parses all data that it receives, up to some 400 pipelined requests, and answers them in a row.
    Here the data after a request stays unparsed until that request has been answered and the answer has
    been sent, so that the loop serves other connections in between.
    """

    task_class = AppTask
    error_task_class = ErrorTask
    parser_class = Parser
    request: Parser | None
    sent_continue: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.number = int(self.socket.fileno())  # also after it has been closed
        self.unparsed = b""
        self.held: list[bytes] = []  # the parts of an answer
        self.request_began = self.active_at = time.monotonic()
        self._unsent = 0
        self.loop_seconds = 0.0  # spent in the loop on its requests; halved every second

    def readable(self) -> bool:
        busy = self.requests or self.held or self.unparsed or self.total_outbufs_len
        return not (busy or self.close_when_flushed or self.will_close)

    def writable(self) -> bool:
        return not self.held and bool(self.total_outbufs_len or self.will_close or self.close_when_flushed)

    def received(self, data: bytes) -> bool:
        """Parse ``data`` up to the end of one request, and answer or queue that request."""
        self.active_at = time.monotonic()
        if data is not self.unparsed and self.server.is_turn_over(self.active_at):
            self.unparsed = data  # for the next turn
            self.server.unparsed.add(self)
            return True
        with self.requests_lock:
            if self.will_close or self.close_when_flushed:
                return False
            self._parse(data)
        if self.unparsed:
            self.server.unparsed.add(self)
        if self.requests:
            self.server.add_task(self)
        self.loop_seconds += time.monotonic() - self.active_at
        return True

    def _parse(self, data: bytes) -> None:
        if self.request is None:
            self.request = self.parser_class(self.adj)
            self.request_began = self.active_at
        request = self.request
        self.unparsed = data[request.received(data) :]
        if self.unparsed and not request.completed:  # its body
            self.unparsed = self.unparsed[request.received(self.unparsed) :]
        if request.expect_continue and request.headers_finished and not self.sent_continue:
            self.send_continue()
        if request.completed:
            self.request = None
            self.sent_continue = False
            if not request.empty:
                self.requests.append(request)

    def write_soon(self, data: bytes) -> int:
        """Hold a part of an answer. The loop sends the answer, together with those of other connections."""
        if not self.connected:
            raise ClientDisconnected
        self.held.append(data)
        return len(data)

    def send_held(self) -> None:
        """Send the answer. What the socket does not accept now goes into waitress's buffer."""
        data = b"".join(self.held)
        if self.connected and not self.total_outbufs_len:
            data = data[self.send(data, do_close=False) :]
        if data and self.connected:
            super().write_soon(data)
        self.held.clear()

    def handle_expt(self) -> None:
        """Close on urgent data, which has no meaning in HTTP; waitress would log it in a busy loop."""
        self.handle_close()

    def is_free(self) -> bool:
        """Whether no request is being answered and no answer is being sent."""
        return not (self.requests or self.held or self.total_outbufs_len)

    def is_evictable(self) -> bool:
        """Whether it may be closed to make room for a new one: the server is waiting for its caller."""
        return not (self.requests or self.held or self.will_close)

    def unsent(self) -> int:
        """The number of bytes of the response that the socket has not accepted yet."""
        return int(self.total_outbufs_len) + sum(map(len, self.held))

    def is_overdue(self, now: float) -> bool:
        """Whether a time-out has expired. Called once a second."""
        if self.requests or self.held:
            return False
        if self.total_outbufs_len:
            if self.total_outbufs_len != self._unsent:
                self._unsent, self.active_at = self.total_outbufs_len, now
            return now - self.active_at > ANSWER_SECONDS
        if self.request is not None:
            return now - self.request_began > REQUEST_SECONDS
        return now - self.active_at > IDLE_SECONDS

    def is_finished(self, now: float) -> bool:
        """Whether a stopping server may close it: nothing is left to answer, and no request is arriving."""
        pause = SETTLE_SECONDS if self.request is None else PAUSE_SECONDS
        return self.is_free() and not self.unparsed and now - self.active_at > pause
