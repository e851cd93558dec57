"""What this server does otherwise than waitress within a connection, and who answers its requests."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from functools import lru_cache

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask, ThreadedTaskDispatcher, WSGITask
from waitress.utilities import build_http_date

from acare.api import envelope
from acare.api.middleware import Access

#: Seconds in which a request must have arrived whole.
REQUEST_SECONDS = 60

#: Seconds after which a caller who takes nothing of an answer is given up; waitress would wait for ever.
ANSWER_SECONDS = 60

#: Seconds without a byte after which a stopping server takes the rest of a request for not coming.
PAUSE_SECONDS = 2


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
    """A request to the app, which answers in one piece: header and body leave in one packet.

    waitress's own sends two, and looks at each header and each piece of a body for what any application
    may have left out or done wrong.
    """

    response_headers: list[tuple[str, str]]
    content_length: int | None

    def execute(self) -> None:
        body = b"".join(self.channel.server.application(self.get_environment(), self._start_response))
        if body and ("content-length", str(len(body))) in self.response_headers:
            self.content_length = self.content_bytes_written = len(body)
            answer = self.build_response_header() + body
            self.wrote_header = True
            self.channel.send_whole(answer)
        else:  # no body, as for HEAD, or one whose length nobody told
            lengths = [int(value) for name, value in self.response_headers if name == "content-length"]
            self.content_length = lengths[0] if lengths else None
            self.write(body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        text = status + "".join(map("".join, headers))
        if "\n" in text or "\r" in text:
            raise ValueError("a line end in a header would begin another one")
        self.complete = True
        self.status = status
        self.response_headers = headers

    def build_response_header(self) -> bytes:
        """waitress's rewrites and sorts the headers; those of nearly every answer are fit to be sent."""
        stays = self.request.headers.get("CONNECTION", "keep-alive").lower() == "keep-alive"
        if self.version != "1.1" or not stays or (self.content_length is None and self.has_body):
            return bytes(super().build_response_header())
        lines = [f"HTTP/1.1 {self.status}", *map(": ".join, self.response_headers)]
        return "\r\n".join([*lines, f"date: {_http_date(int(self.start_time))}", "\r\n"]).encode("latin-1")


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

    def send_whole(self, data: bytes) -> None:
        """Send an answer: what the socket takes now, if nothing waits before it, and the rest by and by.

        waitress would first copy it into a buffer.
        """
        with self.outbuf_lock:
            if self.connected and not self.total_outbufs_len:
                try:
                    data = data[self.send(data, do_close=False) :]
                    self.last_activity = time.time()
                except OSError:
                    pass  # the same will happen again where waitress takes care of it
            if data:
                self.write_soon(data)

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


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Gives writes to threads, which wait for the disk together, and keeps reads for the loop itself.

    A read waits for nobody, but once a minute for the note that its key was used, and takes a fraction of
    a millisecond; to hand it to a thread, which then waits for Python's lock, would take as long again. A
    connection whose last answer is not sent yet waits for that first, so that no thread ever waits for a
    caller who does not read.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._reads: deque[Channel] = deque()
        self._waiting: deque[Channel] = deque()
        self.set_thread_count(threads)

    def add_task(self, task: Channel) -> None:
        if task.total_outbufs_len:
            self._waiting.append(task)
        elif task.requests[0].error is None and task.is_read():
            self._reads.append(task)
        else:
            super().add_task(task)

    def handler_thread(self, thread_no: int) -> None:
        """The life of a thread, which waits for a pause of the loop instead of pushing it off its core: the
        two would pass Python's lock to and fro at each call into SQLite, which lets go of it."""
        if hasattr(os, "SCHED_BATCH"):
            with suppress(OSError):  # a sandbox may forbid it
                if os.sched_getscheduler(0) == os.SCHED_OTHER:  # else somebody has chosen already
                    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        super().handler_thread(thread_no)

    def answer_reads(self) -> None:
        """Answer the reads that have come; for the thread of the loop alone."""
        for _ in range(len(self._waiting)):
            task = self._waiting.popleft()
            if task.connected and task.requests:
                self.add_task(task)
        while self._reads:
            self._reads.popleft().service()
