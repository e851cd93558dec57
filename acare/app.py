"""The composition root: settings → stores → limiter → Falcon app. Read this file first."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import falcon

from acare.api import envelope
from acare.api.access_log import Access, AccessLog, log_access
from acare.api.middleware import (
    Identify,
    LimitBody,
    LimitRate,
    RequireKey,
    RequireScope,
    SecurityHeaders,
    TrustProxy,
    VaryOrigin,
)
from acare.api.query import reaches_deep
from acare.api.resources import ClientCollection, ClientItem
from acare.api.system import Index, Liveness, OpenApiDocument, Readiness
from acare.config import Settings
from acare.errors import AcareError
from acare.ratelimit import RateLimiter
from acare.store.clients import ClientStore
from acare.store.database import Database
from acare.store.keys import KeyStore
from acare.version import __version__

#: Bytes that a body may have. (our choice)
MAX_BODY = 64 * 1024

#: Response headers that a page in a browser may read besides the usual ones.
EXPOSED_HEADERS = (
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)


class App(falcon.App):  # type: ignore[type-arg]  # the plain request and response
    """The WSGI application. Close it when it is done with, or use it in a ``with`` statement."""

    def __init__(
        self, settings: Settings, clock: Callable[[], int], access_log: Callable[[Access], None]
    ) -> None:
        self.database = Database(settings.database, clock=clock)
        self.clients = ClientStore(self.database)
        self.keys = KeyStore(self.database)
        self.draining = False  # a server that is stopping sets it, and /readyz tells
        super().__init__(middleware=self._gates(settings, clock, access_log))
        self.add_error_handler(Exception, envelope.handle_unknown)
        self.add_error_handler(falcon.HTTPError, envelope.handle_http)
        self.add_error_handler(AcareError, envelope.handle_known)
        self.add_route("/v1/clients", ClientCollection(self.clients))
        self.add_route("/v1/clients/{client_id}", ClientItem(self.clients, settings.require_precondition))
        self.add_route("/healthz", Liveness())
        self.add_route("/openapi.json", OpenApiDocument(__version__))
        self.add_route("/", Index(__version__))
        self.add_route("/readyz", Readiness(self.run_checks))

    def _gates(
        self, settings: Settings, clock: Callable[[], int], access_log: Callable[[Access], None]
    ) -> list[Any]:
        """What a request passes, from the outside in."""
        limit, origins = settings.rate_limit, settings.cors_origin
        return [
            *([TrustProxy(settings.trusted_proxy)] if settings.trusted_proxy else []),
            AccessLog(access_log, new_id=envelope.new_request_id),
            SecurityHeaders(),
            *([falcon.CORSMiddleware(_allowed(origins), EXPOSED_HEADERS), VaryOrigin()] if origins else []),
            Identify(self.keys.authenticate),
            *([LimitRate(RateLimiter(limit, clock), settings.rate_limit_by)] if limit else []),
            LimitBody(MAX_BODY),
            RequireKey(),
            RequireScope(),
        ]

    def __call__(self, env: dict[str, Any], start_response: Any) -> Any:
        if env["REQUEST_METHOD"] == "WEBSOCKET":
            env["REQUEST_METHOD"] = "websocket"  # Falcon's own word, which it refuses before any gate
        return super().__call__(env, start_response)

    def is_quick(self, method: str, path: str, query_string: str) -> bool:
        """Whether a request is answered within a few milliseconds and waits for no disk: a server may
        then answer it in its event loop. Writes, readiness and pages deep in a list are not."""
        if method in ("POST", "PUT", "DELETE") or path.strip("/") == "readyz":
            return False
        return not query_string or not reaches_deep(query_string)

    def run_checks(self) -> dict[str, str]:
        """What readiness takes, by name, each "ok" or what is wrong."""
        return {"server": "It is stopping." if self.draining else "ok", **self.database.run_checks()}

    def close(self) -> None:
        """Close the database. Requests that come later fail."""
        self.database.close()

    def __enter__(self) -> App:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _allowed(origins: tuple[str, ...]) -> str | tuple[str, ...]:
    """As Falcon has it: any origin is "*" alone and not in a list."""
    return "*" if origins == ("*",) else origins


def create_app(
    *,
    settings: Settings | None = None,
    clock: Callable[[], int] = time.monotonic_ns,
    access_log: Callable[[Access], None] = log_access,
    **options: object,
) -> App:
    """A WSGI app for one database file: ``create_app(database="clients.db", rate_limit="off")``.

    The options are the settings of ``acare serve``, by name (``acare.config`` has the table); the
    environment is not read. ``clock`` tells the rate limit and /readyz nanoseconds; ``access_log`` takes
    each line of the access log, by default to the logger ``acare.access``. Raises SettingError for a wrong
    setting and DatabaseRefused for a file that cannot be opened.
    """
    if settings is not None and options:
        raise TypeError("either settings or options, not both")
    return App(settings or Settings.from_options(options), clock, access_log)
