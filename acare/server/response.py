"""Responses, each sent as one piece. Requests that the server rejects are answered in the envelope too."""

from __future__ import annotations

from functools import lru_cache

from waitress import task as waitress_task
from waitress.utilities import build_http_date

from acare.api import envelope
from acare.api.access_log import AccessRecord, is_request_id


def _send(task: waitress_task.Task, body: bytes) -> None:
    """Write headers and body together, so that they leave in one packet; waitress writes them separately."""
    task.content_length = task.content_bytes_written = len(body)
    head = task.build_response_header()
    task.wrote_header = True
    task.channel.write_soon(head + body)


class AppTask(waitress_task.WSGITask):  # type: ignore[misc]  # waitress has no types
    """Calls the app, whose responses have valid headers and one body of known length.

    waitress's own task checks and rewrites each header of any application, which takes longer than the app.
    """

    response_headers: list[tuple[str, str]]
    content_length: int | None

    def execute(self) -> None:
        server = self.channel.server
        body = b"".join(server.application(self.get_environment(), self._start_response))
        if server.draining and not self.channel.unparsed:
            self.set_close_on_finish()
        if body and ("content-length", str(len(body))) in self.response_headers:
            _send(self, body)
        else:  # no body, as for HEAD, or one without a length
            lengths = [int(value) for name, value in self.response_headers if name == "content-length"]
            self.content_length = lengths[0] if lengths else None
            self.write(body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self._head = "\r\n".join([f"HTTP/1.1 {status}", *map(": ".join, headers)])
        if not self._head.count("\r") == self._head.count("\n") == len(headers):
            raise ValueError("a header contains a line break")
        self.complete = True
        self.status = status
        self.response_headers = headers

    def build_response_header(self) -> bytes:
        """The headers as the app set them if the connection stays open; otherwise waitress builds them."""
        stays_open = "CONNECTION" not in self.request.headers and not self.close_on_finish
        if not stays_open or self.version != "1.1" or (self.content_length is None and self.has_body):
            return bytes(super().build_response_header())
        return f"{self._head}\r\ndate: {_http_date(int(self.start_time))}\r\n\r\n".encode("latin-1")


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return str(build_http_date(second))


class ErrorTask(waitress_task.ErrorTask):  # type: ignore[misc]
    """Answers, in the envelope, a request that the server rejected without calling the app."""

    def execute(self) -> None:
        server, error = self.channel.server, self.request.error
        sent = self.request.request_id
        request_id = sent if sent is not None and is_request_id(sent) else envelope.new_request_id()
        code, message = envelope.HTTP_ERRORS.get(error.code, envelope.INTERNAL_ERROR)
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [
            ("Content-Type", "application/json"),
            ("X-Request-ID", request_id),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            *(server.application.cors.headers_for(self.request.origin) if server.application.cors else ()),
        ]
        self.set_close_on_finish()
        body = envelope.error_body(code, message, request_id).encode()
        _send(self, b"" if self.request.is_head else body)
        server.access_log(AccessRecord(self.channel.addr[0], "-", "-", error.code, 0.0, "-", request_id))
