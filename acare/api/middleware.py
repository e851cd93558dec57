"""The gates that a request passes, in the order in which ``acare.app`` lists them.

The API's own gates apply under ``/v1`` only (see :func:`is_api`); other paths need no key and have no limit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Literal

import falcon

from acare.api.request import Request
from acare.auth import Caller
from acare.errors import (
    BodyTooLarge,
    CrossSiteRequest,
    NotAuthenticated,
    RateLimited,
    ScopeMissing,
    UnsupportedContentCoding,
)
from acare.ratelimit import RateLimiter, bucket_name

Environ = dict[str, Any]  # of WSGI


def is_api(path: str) -> bool:
    """Whether a path belongs to the API, which needs a key and is rate-limited.

    Falcon's router ignores additional and missing leading slashes, so this function does too.
    """
    return path.startswith("/v1/") or path.lstrip("/").startswith("v1/") or path.lstrip("/") == "v1"


class SecurityHeaders:
    """Keeps browsers from guessing media types and caches from sharing client data."""

    def process_response(
        self, req: Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        resp.set_header("X-Content-Type-Options", "nosniff")
        # A client with an ETag may be stored by the caller's own cache, which has to revalidate it.
        storable = succeeded and resp.get_header("ETag") is not None
        resp.set_header("Cache-Control", "private, no-cache" if storable else "no-store")


class IdentifyCaller:
    """Looks up the caller by the API key or, without one, by the host. Never rejects a request."""

    def __init__(
        self, authenticate: Callable[[str], Caller | None], identify: Callable[[Environ], Caller | None]
    ) -> None:
        self._authenticate = authenticate
        self._identify_caller = identify

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if not is_api(req.path):
            return
        key = req.env.get("HTTP_X_API_KEY") or req.env.get("HTTP_API_KEY")
        if key is not None:
            req.context.caller = self._authenticate(key)
        else:
            req.context.caller = self._identify_caller(req.env)
            req.context.is_session = req.context.caller is not None


class LimitRate:
    """Takes a token for each request under ``/v1`` and reports the state of the bucket in headers."""

    def __init__(self, limiter: RateLimiter, by: Literal["address", "key"]) -> None:
        self._limiter = limiter
        self._by_key = by == "key"

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if not is_api(req.path):
            return
        caller = req.context.caller
        name = bucket_name(req.remote_addr)
        if self._by_key and caller is not None:
            name = f"key {caller.key_id}"
        verdict = self._limiter.take(name)
        resp.set_header("RateLimit-Limit", str(verdict.limit))
        resp.set_header("RateLimit-Remaining", str(verdict.remaining))
        resp.set_header("RateLimit-Reset", str(verdict.reset))
        if not verdict.allowed:
            raise RateLimited(verdict.retry_after)


class CheckBody:
    """Rejects a body of more than ``limit`` bytes, and one with a content coding, before it is read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        length = req.content_length
        if not length:
            return
        if length > self._limit:
            raise BodyTooLarge(self._limit)
        codings = req.env.get("HTTP_CONTENT_ENCODING", "")
        if any(coding.strip().lower() not in ("", "identity") for coding in codings.split(",")):
            raise UnsupportedContentCoding


class RequireKey:
    """Rejects requests under ``/v1`` without a valid key, except OPTIONS."""

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if req.context.caller is None and is_api(req.path) and req.method != "OPTIONS":
            raise NotAuthenticated


class CsrfProtection:
    """Rejects a write of the host's user, unless only a page of the same origin can have sent it.

    A browser sends the host's session with the requests of any page. A page of another origin can send forms,
    plain text and data without a type, but JSON only if CORS allows it, which acare never does for sessions.
    """

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if not req.context.is_session or req.method in ("GET", "HEAD", "OPTIONS"):
            return
        media_type = (req.content_type or "").partition(";")[0].strip().lower()
        site = req.env.get("HTTP_SEC_FETCH_SITE", "none")
        if media_type != falcon.MEDIA_JSON or site not in ("same-origin", "none"):
            raise CrossSiteRequest


class RequireScope:
    """Rejects a method that the path does not have, then one that the key's scopes do not allow."""

    # The actions of a scope that allow each method; one is enough. (vendor; delete on its own: our choice)
    ACTIONS = {  # noqa: RUF012 - never modified
        "GET": ("read",),
        "HEAD": ("read",),
        "POST": ("write",),
        "PUT": ("write",),
        "DELETE": ("write", "delete"),
    }

    def process_resource(
        self, req: Request, resp: falcon.Response, resource: Hashable, params: dict[str, Any]
    ) -> None:
        methods = allowed_methods(resource)
        if req.method == "OPTIONS":
            resp.set_header("Allow", ", ".join(methods))
            resp.complete = True  # Falcon's own responder leaves OPTIONS out of Allow
            return
        if req.method not in methods:
            # Also for methods that Falcon does not know and would answer with 400.
            raise falcon.HTTPMethodNotAllowed(methods)
        scope = getattr(resource, "scope", None)
        if scope is None:
            return
        caller = req.context.caller
        if caller is None:
            raise NotAuthenticated  # RequireKey has rejected it already; this is the second line of defence
        actions = self.ACTIONS.get(req.method, ())
        if not caller.may(scope, actions):
            raise ScopeMissing(scope, actions)


@cache
def allowed_methods(resource: Hashable) -> list[str]:
    """The methods of a resource, for an Allow header."""
    responders = (name.removeprefix("on_").upper() for name in dir(resource) if name.startswith("on_"))
    return sorted({*responders, "OPTIONS"})
