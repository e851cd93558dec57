"""A request, with the context that the middleware fills."""

from __future__ import annotations

import falcon

from acare import ids
from acare.auth import Caller
from acare.errors import AcareError, ClientNotFound


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


def path_id(text: str, error: type[AcareError] = ClientNotFound) -> str:
    """The id in a path, in canonical form. Raises ``error`` for a malformed one, which is in no row."""
    found = ids.canonical(text)
    if found is None:
        raise error
    return found
