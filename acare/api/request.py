"""A request, with the context that the gates fill."""

from __future__ import annotations

import falcon

from acare.auth import Caller


class Context(falcon.Context):
    """What the gates find out about a request, for later gates and the responder."""

    request_id: str
    started: float  # seconds, by the access log's clock
    caller: Caller | None = None
    is_session: bool = False  # the caller is identified by the host's session, not by a key


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
