"""A request, with the context that the middleware fills."""

from __future__ import annotations

import re

import falcon

from acare.auth import Caller

#: Longer than any valid host or prefix; patterns are not applied to longer text.
MAX_LENGTH = 300

_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class Context(falcon.Context):
    """What the middleware finds out about a request, for later middleware and the responder."""

    request_id: str
    started: float  # seconds, by time.perf_counter
    caller: Caller | None = None
    session_user: str | None = None  # named by the embedding app, for a request without a key


class Request(falcon.Request):
    """Falcon's request, with a typed context."""

    __slots__ = ()
    context_type = Context
    context: Context

    def __init__(self, env: dict[str, object], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        if self.method == "WEBSOCKET":
            # Falcon uses this name internally and rejects it before any middleware runs. In lower case it
            # is an unknown method like any other.
            self.method = "websocket"
        #: Whether the path belongs to the API, which needs a key and is rate-limited. Falcon's router ignores
        #: additional and missing leading slashes.
        self.is_api = self.path.lstrip("/").partition("/")[0] == "v1"

    @property
    def public_host(self) -> str:
        """The host under which the caller reached the app; the server's name if ``Host`` is invalid."""
        host = self.env.get("HTTP_HOST", "")
        return host if is_host(host) else f"{self.env['SERVER_NAME']}:{self.env['SERVER_PORT']}"


def is_host(text: str) -> bool:
    """Whether a text is a host name or address, maybe with a port, that is safe to put into a URL."""
    return len(text) <= MAX_LENGTH and _HOST.fullmatch(text) is not None
