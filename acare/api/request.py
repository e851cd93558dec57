"""A request: its caller, and what its path, query string and headers say (conditional headers: RFC 9110)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import falcon

from acare import ids
from acare.auth import Caller
from acare.errors import FieldError, InvalidInput, InvalidKey, NotFound
from acare.fields import Lock, parse_each
from acare.parameters import Parameter, count

DEFAULT_LIMIT = 25
MAX_LIMIT = 100

#: The parameters of a list in pages.
PAGE_PARAMETERS: Mapping[str, Parameter] = {
    "page": Parameter(count(), "Number of the page.", default=1),
    "limit": Parameter(
        count(), f"Items on a page. More than {MAX_LIMIT} count as {MAX_LIMIT}.", default=DEFAULT_LIMIT
    ),
}

_VERSION = re.compile(r'"([1-9][0-9]{0,17})"')

_IDEMPOTENCY_KEY = re.compile(r"[!#-\[\]-~]{1,255}")


class Context(falcon.Context):
    """Facts about a request, set by the middleware for later middleware and the responder."""

    request_id: str
    started: float  # seconds, by time.perf_counter
    is_api = False  # whether the path belongs to the API, which needs a key and is rate-limited
    body: bytes = b""

    # Set by IdentifyCaller
    caller: Caller | None = None
    is_authenticated = False  # whether there is a caller, or an invitation for the operation that takes one
    invalid_key: InvalidKey | None = None  # why the key that was sent is not valid
    session_user: str | None = None  # named by the embedding app or the proxy, for a request without a key
    error: Exception | None = None  # that was raised meanwhile

    slow: Any = None  # the caller's slow requests, if LimitSlowRequests counts this one


class Request(falcon.Request):
    """Falcon's request, with a typed context."""

    context_type = Context
    context: Context

    def __init__(self, env: dict[str, Any], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        if self.method == "WEBSOCKET":
            # Falcon uses this name internally and rejects it before any middleware runs. In lower case it
            # is an unknown method like any other.
            self.method = "websocket"

    @property
    def caller(self) -> Caller:
        """The caller, once ``RequireKey`` has rejected the requests under ``/v1`` without one."""
        assert self.context.caller is not None
        return self.context.caller


def api_key(env: Mapping[str, Any]) -> str | None:
    """The API key that was sent, valid or not."""
    key: str | None = env.get("HTTP_X_API_KEY") or env.get("HTTP_API_KEY")
    return key


def path_id(text: str, record: str = "client") -> str:
    """The id in a path, in canonical form. NotFound for a malformed one, which no record can have."""
    try:
        return ids.parse(text)
    except ValueError:
        raise NotFound(record) from None


def read_query(req: Request, parameters: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters that are given; see ``parse_each``. A blank value counts as not given."""
    given = {
        name: value
        for name, value in req.params.items()
        if name in parameters and (str(value).strip() or name == "version")  # blank would disable the lock
    }
    repeated = [name for name, value in given.items() if isinstance(value, list)]
    problems = [FieldError(name, "must not be given more than once") for name in repeated]
    return parse_each({name: given[name] for name in given if name not in repeated}, parameters, problems)


def take_page(query: dict[str, Any]) -> tuple[int, int]:
    """Take the page and its limit out of the parsed parameters of a list."""
    return query.pop("page", 1), min(query.pop("limit", DEFAULT_LIMIT), MAX_LIMIT)


def with_if_match(req: Request, lock: Lock) -> Lock:
    """The lock of a write, with the versions in ``If-Match``. (RFC 9110 13.1.1)"""
    header = req.env.get("HTTP_IF_MATCH")
    if header is None or _is_star(header):
        return lock
    named = map(_VERSION.fullmatch, _tags(header))
    return lock._replace(if_match=[int(match[1]) for match in named if match])


def revalidate(req: Request, resp: falcon.Response, current: str) -> bool:
    """Set the entity tag. Returns whether ``If-None-Match`` lists it, so that the response is 304.

    The comparison is weak (RFC 9110 8.8.3.2), because a proxy that compresses weakens a strong tag.
    """
    resp.set_header("ETag", current)
    header = req.env.get("HTTP_IF_NONE_MATCH")
    tags = [] if header is None else [tag.removeprefix("W/") for tag in _tags(header)]
    if header is None or not (_is_star(header) or current in tags):
        return False
    resp.status = falcon.HTTP_304
    return True


def _is_star(header: str) -> bool:
    return header.strip(" \t") == "*"


def _tags(header: str) -> list[str]:
    """The entity tags in a list."""
    return [tag.strip(" \t") for tag in header.split(",")]  # no tag of acare has a comma


def idempotency_key(req: Request) -> str | None:
    """The ``Idempotency-Key``, with or without quotes; None if there is none. Raises InvalidInput."""
    sent: str | None = req.env.get("HTTP_IDEMPOTENCY_KEY")
    if sent is None:
        return None
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        message = "must be 1 to 255 printable ASCII characters other than spaces, quotes and backslashes"
        raise InvalidInput(FieldError("Idempotency-Key", message))
    return key
