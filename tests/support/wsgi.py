"""Requests as a WSGI server passes them to an app, without WebTest in between."""

import io
from typing import Any
from wsgiref.util import setup_testing_defaults


def call(
    app: Any, method: str, path: str, query: str = "", body: bytes = b"", **environ: object
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status line, headers and body of a response; ``HTTP_X_API_KEY=`` is a header."""
    sent: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query}
    sent |= {"SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "192.0.2.7", "wsgi.input": io.BytesIO(body)}
    if body:
        sent |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
    sent |= environ
    setup_testing_defaults(sent)
    started: list[tuple[str, list[tuple[str, str]]]] = []
    chunks = app(sent, lambda status, headers, exc_info=None: started.append((status, headers)))
    ((status, headers),) = started
    return status, headers, b"".join(chunks)
