"""Requests as a WSGI server passes them to an app, without WebTest in between."""

from __future__ import annotations

import io
import sys
from typing import Any


def call(
    app: Any, method: str, path: str, query: str = "", body: bytes = b"", **environ: object
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body of a response; ``HTTP_X_API_KEY=`` is a header."""
    content = {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"} if body else {}
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = app(
        {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            **content,
            **environ,
        },
        lambda status, headers, exc_info=None: started.append((status, headers)),
    )
    ((status, headers),) = started
    return status, headers, b"".join(chunks)
