"""Calls the app, and builds each response as one piece."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from waitress.utilities import build_http_date

_http_date = lru_cache(maxsize=1)(build_http_date)  # takes a time in seconds


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
