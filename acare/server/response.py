"""Calls the app, and builds each response as one piece."""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from typing import Any

from waitress.utilities import build_http_date

from acare.server.parser import Parser

_http_date = lru_cache(maxsize=1)(build_http_date)  # takes a time in seconds


def environment(channel: Any, request: Parser) -> dict[str, Any]:
    """The WSGI environ of a request. (PEP 3333)"""
    server = channel.server
    return {
        **request.headers,
        "REMOTE_ADDR": channel.addr[0],
        "REQUEST_METHOD": request.command,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": server.server_name,
        "SERVER_PORT": str(server.effective_port),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": request.get_body_stream(),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "acare.stopping": server.stopping,
    }


def respond(channel: Any, request: Parser) -> tuple[bytes, bool]:
    """The app's response, also to a rejected request, and whether the connection is closed after it.

    The app must set valid headers with a Content-Length. ValueError if one has a line break.
    """
    server, error = channel.server, request.error
    env = environment(channel, request)
    if error is not None:
        env["acare.rejected"] = error.code, error.body
    if request.is_body_omitted:
        env["acare.body_not_requested"] = True
    started: list[tuple[Any, ...]] = []
    body = b"".join(server.application(env, lambda *start: started.append(start)))
    status, headers, *_ = started[0]
    lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), f"date: {_http_date(int(time.time()))}"]
    is_last = error is not None or request.connection_close or (server.stopping and not channel.input)
    if is_last:
        lines.append("connection: close")
    elif request.version == "1.0":
        lines.append("connection: keep-alive")
    head = "\r\n".join([*lines, "\r\n"])
    if head.count("\r") != head.count("\n") or head.count("\n") != len(lines) + 1:
        raise ValueError("a header contains a line break")
    return head.encode("latin-1") + body, is_last
