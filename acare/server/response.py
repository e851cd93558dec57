"""Calls the app, and builds each response as one piece."""

import sys
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from waitress.utilities import build_http_date

from acare.server.parser import Parser

_http_date = lru_cache(maxsize=1)(build_http_date)  # takes a time in seconds


def environment(request: Parser, address: str, server: tuple[str, str]) -> dict[str, Any]:
    """The WSGI environ of a request from ``address`` to ``server``, a host and a port. (PEP 3333)"""
    env = {
        **request.headers,
        "REMOTE_ADDR": address,
        "REQUEST_METHOD": request.command,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": server[1],
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
    }
    if request.error is not None:
        env["acare.rejected"] = request.error.code, request.error.body
    return env


def respond(app: Callable[..., Iterable[bytes]], env: dict[str, Any], is_last: bool) -> bytes:
    """The app's response, also to a rejected request. ``is_last``: the connection is closed after it.

    The app must set valid headers with a Content-Length. ValueError if one has a line break.
    """
    started: list[Any] = []
    body = b"".join(app(env, lambda *start: started.extend(start)))
    status, headers = started[:2]
    lines = [f"HTTP/1.1 {status}", *map(": ".join, headers), f"date: {_http_date(int(time.time()))}"]
    if is_last:
        lines.append("connection: close")
    elif env["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("connection: keep-alive")
    head = "\r\n".join([*lines, "\r\n"])
    if head.count("\r") != head.count("\n") or head.count("\n") != len(lines) + 1:
        raise ValueError("a header contains a line break")
    return head.encode("latin-1") + body
