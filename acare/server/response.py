"""Responses, each sent as one piece."""

from __future__ import annotations

from functools import lru_cache

from waitress import task as waitress_task
from waitress.utilities import build_http_date


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
    """Calls the app, whose responses have valid headers and a Content-Length; also for a rejected request.

    waitress's own task checks and rewrites each header of any application, which takes longer than the app.
    """

    def execute(self) -> None:
        channel, server = self.channel, self.channel.server
        env = self.get_environment()
        env["acare.stopping"] = server.stopping
        error = self.request.error
        if error is not None:
            env["acare.rejected"] = error.code, error.body
        if self.request.is_body_omitted:
            env["acare.body_not_requested"] = True
        body = b"".join(server.application(env, self._start_response))
        is_last = self.request.connection_close or (server.stopping and not channel.input)
        self.close_on_finish = is_last or error is not None
        _send(self, self.status, self.response_headers, body)

    def _start_response(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        self.status, self.response_headers = status, headers
