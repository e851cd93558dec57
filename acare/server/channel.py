"""The open connections, and the choice of those to close."""

import socket
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from waitress import wasyncore
from waitress.utilities import build_http_date

from acare.api.identify import Turn
from acare.server.parser import SETTINGS, Parser

#: Seconds without progress after which a connection is closed, and within which a request must arrive. More
#: than the 60 s of proxies, so that they close first.
TIMEOUT = 75

#: Bytes of a header that is parsed as soon as it arrives. Connections with longer ones take turns.
USUAL_HEADER = 2 * 1024

#: Open connections. An idle one costs a file descriptor and no thread.
MAX_CONNECTIONS = 1000

#: Bytes that all connections together may take: requests until they are answered, and unread responses.
MAX_BUFFERED = 128 * 1024 * 1024

_http_date = lru_cache(maxsize=1)(build_http_date)  # takes a time in seconds


class Channel(wasyncore.dispatcher):  # type: ignore[misc]  # waitress has no types
    """A connection that handles one request at a time, with time-outs by the monotonic clock.

    For each request, the loop calls ``handle_read`` and ``parse`` until it is complete. The loop or a thread
    calls ``answer``, and then the loop ``send_response`` and ``handle_write`` until the response has been
    sent. What is received after a request stays in ``input`` until then, so that the loop serves other
    connections in between.
    """

    env: dict[str, Any]  # of a complete request
    body_size: int  # of a complete request
    turn: Turn  # of a complete request

    def __init__(self, server: Any, sock: socket.socket, address: tuple[str, int]) -> None:
        self.server = server
        self.input = b""  # received and not parsed
        self.parsing = 0.0  # seconds that costly input of a request took, compared with those of others
        self.request: Parser | None = None  # until its response is about to be sent
        self.output = b""  # a response until all of it has been sent
        self.sent = 0  # bytes of the output
        self.is_answering = False  # from a complete request until the loop begins to send its response
        self.is_last = False  # whether the connection is closed after the response
        self.progress_at = self.request_began = time.monotonic()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, server.sockets)
        self.connected = True
        self.addr = address
        server.connections.add(self)

    def readable(self) -> bool:
        return not (self.input or self.output or self.is_answering)

    def writable(self) -> bool:
        return bool(self.output) and not self.is_answering

    def handle_read(self) -> None:
        self.input = self.recv(8 * 1024)  # closes the connection if the caller has closed it
        if self.connected:
            self.progress_at = time.monotonic()
            self.server.received.append(self)

    def is_costly(self) -> bool:
        """Whether parsing may take longer: chunks, or a header that is long or comes in pieces."""
        if self.request is None:
            return b"\r\n\r\n" not in self.input[:USUAL_HEADER]
        return self.request.content_length == 0

    def parse(self) -> bool:
        """Parse the input up to the end of a header or of a body. Returns whether the request is complete."""
        if self.request is None:
            self.request = Parser(SETTINGS)
            self.request_began = self.progress_at
        request = self.request
        self.input = request.receive(self.input)
        self.is_answering = bool(request.completed)
        if self.is_answering:
            self.env = request.environ(self.addr[0], self.server.address)
            self.body_size = 0 if request.body_rcv is None else len(request.body_rcv)
            self.is_last = request.error is not None or request.connection_close
        elif request.expect_continue:
            request.expect_continue = False
            if not self.input:  # the caller, who has not begun to send the body, may wait
                self.output = b"HTTP/1.1 100 Continue\r\n\r\n"
        return self.is_answering

    def answer(self, app: Callable[..., Iterable[bytes]], is_stopping: bool) -> None:
        """Have the app answer the request, also a rejected one, and keep the response as one piece.

        The app must set valid headers with a Content-Length. ValueError if one has a line break.
        """
        # A server that is stopping closes the connection, unless the next request has been received already.
        self.is_last = self.is_last or (is_stopping and not self.input)
        self.env["acare.stopping"] = is_stopping
        started: list[Any] = []
        body = b"".join(app(self.env, lambda *start: started.extend(start)))
        status, headers = started[:2]
        lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), f"date: {_http_date(int(time.time()))}"]
        if self.is_last:
            lines.append("connection: close")
        elif self.env["SERVER_PROTOCOL"] == "HTTP/1.0":
            lines.append("connection: keep-alive")
        text = "".join(lines)
        if "\r" in text or "\n" in text:
            raise ValueError("a header contains a line break")
        self.output = "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body

    def send_response(self) -> None:
        """Begin to send the response to the request."""
        self.request, self.env, self.is_answering, self.parsing = None, {}, False, 0.0
        self.handle_write()

    def handle_write(self) -> None:
        """Send what the socket accepts now. After a response, the input is parsed."""
        self.sent += self.send(memoryview(self.output)[self.sent :] if self.sent else self.output)
        if not self.connected:  # the caller has closed the connection
            return
        self.progress_at = time.monotonic()
        if self.sent < len(self.output):
            self.server.connections.needs_memory_check = True
            return
        self.output, self.sent = b"", 0
        if self.is_last:
            self.handle_close()
        elif self.input:
            self.server.received.append(self)

    def handle_close(self) -> None:
        self.server.connections.discard(self)
        self.close()

    handle_expt = handle_close  # urgent data, which has no meaning in HTTP

    def size(self) -> int:
        """The approximate memory, in bytes, of what was received and of an unsent response."""
        request = 0 if self.request is None else self.request.size()
        return len(self.input) + len(self.output) + request


class Connections(set[Channel]):
    """The connections. Those that wait for their caller can be closed, while a complete request is always
    answered.
    """

    needs_memory_check = False  # whether more may be buffered than at the last call of ``limit_memory``

    def _closable(self) -> list[Channel]:
        """First the connections without a complete request, then those with an unread response; in both, the
        one longest without progress first."""
        waiting = [channel for channel in self if not channel.is_answering]
        return sorted(waiting, key=lambda channel: (bool(channel.output), channel.progress_at))

    def make_room(self) -> bool:
        """At the limit, close several connections: choosing them takes longer than closing them.

        Returns whether there is room for another one.
        """
        if len(self) >= MAX_CONNECTIONS:
            for channel in self._closable()[:10]:
                channel.handle_close()
        return len(self) < MAX_CONNECTIONS

    def limit_memory(self) -> None:
        """Over the limit, close connections with buffered data until the rest is within it."""
        self.needs_memory_check = False
        buffered = sum(channel.size() for channel in self)
        for channel in self._closable() if buffered > MAX_BUFFERED else ():
            if buffered > MAX_BUFFERED and (size := channel.size()):
                channel.handle_close()
                buffered -= size

    def close_overdue(self, patience: float) -> None:
        """Close the connections that have waited for their caller longer than a time-out.

        ``patience`` is the time-out, in seconds, while no response is being sent.
        """
        now = time.monotonic()
        for channel in list(self):
            is_slow = channel.request is not None and now - channel.request_began > TIMEOUT
            limit = TIMEOUT if channel.output else patience
            is_idle = not channel.input and now - channel.progress_at > limit
            if (is_slow or is_idle) and not channel.is_answering:
                channel.handle_close()
