"""Responses, each sent as one piece. Requests that the server rejects are answered in the envelope too."""

from __future__ import annotations

from functools import lru_cache

from waitress import task as waitress_task
from waitress.utilities import build_http_date

from acare.api import envelope
from acare.api.access_log import AccessRecord, is_request_id


def _send(task: waitress_task.Task, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """Write headers and body together, so that they leave in one packet; waitress writes them separately."""
    lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), f"date: {_http_date(int(task.start_time))}"]
    if task.close_on_finish:
        lines.append("connection: close")
    elif task.request.version == "1.0":
        lines.append("connection: keep-alive")
    head = "\r\n".join([*lines, "\r\n"])
    if head.count("\r") != head.count("\n") or head.count("\n") != len(lines) + 1:
        raise ValueError("a header contains a line break")
    task.wrote_header = True
    task.channel.write_soon(head.encode("latin-1") + body)


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return str(build_http_date(second))


class AppTask(waitress_task.WSGITask):  # type: ignore[misc]  # waitress has no types
    """Calls the app, whose responses have valid headers and a Content-Length.

    waitress's own task checks and rewrites each header of any application, which takes longer than the app.
    """

    def execute(self) -> None:
        channel, server = self.channel, self.channel.server
        env = self.get_environment()
        env["acare.stopping"] = server.stopping
        body = b"".join(server.application(env, self._start_response))
        self.close_on_finish = self.request.connection_close or (server.stopping and not channel.input)
        _send(self, self.status, self.response_headers, body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status, self.response_headers = status, headers


class ErrorTask(waitress_task.ErrorTask):  # type: ignore[misc]
    """Answers, in the envelope, a request that the server rejected without calling the app."""

    def execute(self) -> None:
        server, request = self.channel.server, self.request
        sent, error = request.request_id, request.error
        request_id = sent if sent is not None and is_request_id(sent) else envelope.new_request_id()
        code, message = envelope.HTTP_ERRORS.get(error.code, envelope.INTERNAL_ERROR)
        if error.code == 400:
            message = f"The request is malformed: {error.body}."
        body = envelope.error_body(code, message, request_id).encode()
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", request_id),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            *server.cors.headers_for(request.origin),
        ]
        self.close_on_finish = True
        _send(self, f"{error.code} {error.reason}", headers, b"" if request.is_head else body)
        server.access_log(AccessRecord(self.channel.addr[0], "-", "-", error.code, 0.0, "-", request_id))
