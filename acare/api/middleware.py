"""The gates that a request passes, in the order in which ``acare.app`` lists them.

Gates under ``/v1`` know it by :func:`is_api`; outside it there is neither key nor limit.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, Literal

import falcon

from acare.auth import Caller
from acare.errors import BodyTooLarge, NotAuthenticated, RateLimited, ScopeMissing
from acare.ratelimit import RateLimiter, address_name

# The last of a list: [IPv6] or IPv4, maybe with a port, or a bare IPv6.
_FORWARDED = re.compile(r"(?:^|,)\s*\"?(?:\[([^\]]+)\](?::\d+)?|([^:,\s]+)(?::\d+)?|([^,\s]+))\"?\s*$")


def is_api(path: str) -> bool:
    """Whether a path is the vendor's surface, where the contract's gates stand.

    Falcon's router ignores slashes at the beginning, none or many, and so must this.
    """
    return path.startswith("/v1/") or path.lstrip("/").startswith("v1/") or path.lstrip("/") == "v1"


class SecurityHeaders:
    """What keeps browsers and caches from doing what nobody meant with an answer."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        resp.set_header("X-Content-Type-Options", "nosniff")
        # Client data is for the caller alone: kept where it can be validated, else not at all.
        validated = resp.get_header("ETag") is not None
        resp.set_header("Cache-Control", "private, no-cache" if validated else "no-store")


class TrustProxy:
    """Takes the caller's address and scheme from the headers of the one proxy that is trusted.

    The last address in ``X-Forwarded-For`` is the one that the proxy itself saw; what stands before it is
    whatever the caller made up. What is no address changes nothing.
    """

    def __init__(self, proxy: str) -> None:
        self._proxy = proxy

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        env = req.env
        if env.get("REMOTE_ADDR") != self._proxy:
            return
        seen = _FORWARDED.search(env.get("HTTP_X_FORWARDED_FOR", ""))
        if seen is not None:
            with contextlib.suppress(ValueError):
                env["REMOTE_ADDR"] = str(ipaddress.ip_address(seen[1] or seen[2] or seen[3]))
        if (scheme := env.get("HTTP_X_FORWARDED_PROTO")) in ("http", "https"):
            env["wsgi.url_scheme"] = scheme


class VaryOrigin:
    """Tells caches that an answer that names one origin is not for another."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        resp.append_header("Vary", "Origin")


class Identify:
    """Finds who holds the key that was sent, if anybody; never refuses."""

    def __init__(self, authenticate: Callable[[str], Caller | None]) -> None:
        self._authenticate = authenticate

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not is_api(req.path):
            return
        key = req.env.get("HTTP_X_API_KEY") or req.env.get("HTTP_API_KEY")
        if key is not None:
            req.context.caller = self._authenticate(key)


class LimitRate:
    """Takes one token for each request under /v1, and tells in headers what is left."""

    def __init__(self, limiter: RateLimiter, by: Literal["address", "key"]) -> None:
        self._limiter = limiter
        self._by_key = by == "key"

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not is_api(req.path):
            return
        caller: Caller | None = req.context.caller
        if self._by_key and caller is not None:
            name = f"key {caller.key_id}"
        else:
            name = address_name(req.remote_addr)
        verdict = self._limiter.take(name)
        resp.set_headers(
            (
                ("RateLimit-Limit", str(verdict.limit)),
                ("RateLimit-Remaining", str(verdict.remaining)),
                ("RateLimit-Reset", str(verdict.reset)),
            )
        )
        if not verdict.allowed:
            raise RateLimited(verdict.retry_after)


class LimitBody:
    """Refuses a body of more than ``limit`` bytes before it is read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if (req.content_length or 0) > self._limit:
            raise BodyTooLarge(self._limit)


class RequireKey:
    """Refuses whoever was not identified. OPTIONS needs no key: a browser's preflight cannot have one."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if req.context.caller is None and is_api(req.path) and req.method != "OPTIONS":
            raise NotAuthenticated


class RequireScope:
    """Refuses a method that the path does not have, and then one that the key's scopes do not allow."""

    # Each method, and the scope's actions of which any one allows it. (vendor; delete alone: our choice)
    ACTIONS = {  # noqa: RUF012 - nobody writes to it
        "GET": ("read",),
        "HEAD": ("read",),
        "POST": ("write",),
        "PUT": ("write",),
        "DELETE": ("write", "delete"),
    }

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: Hashable, params: dict[str, Any]
    ) -> None:
        if req.method == "OPTIONS":
            return
        methods = allowed_methods(resource)
        if req.method not in methods:
            # Also for a method that Falcon has never heard of, which it would answer with 400.
            raise falcon.HTTPMethodNotAllowed(methods)
        scope = getattr(resource, "scope", None)
        actions = self.ACTIONS.get(req.method, ())
        if scope is None:
            return
        if req.context.caller is None:
            raise NotAuthenticated  # no path leads here past RequireKey; if one did, it would end here
        if not req.context.caller.may(scope, actions):
            raise ScopeMissing(scope, actions)


@cache
def allowed_methods(resource: Hashable) -> list[str]:
    """The methods that a resource answers, for an Allow header."""
    responders = (name.removeprefix("on_").upper() for name in dir(resource) if name.startswith("on_"))
    return sorted({*responders, "OPTIONS"})
