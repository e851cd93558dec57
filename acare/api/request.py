"""A request, with the context that the middleware fills."""

from __future__ import annotations

import falcon

from acare.auth import Caller


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
