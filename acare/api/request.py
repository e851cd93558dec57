"""A request: who sends it and from where, behind a proxy too, and the parameters of its query string."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import falcon

from acare import ids
from acare.auth import Caller
from acare.config import Settings
from acare.errors import FieldError, InvalidKey, NotFound
from acare.field_types import Parameter, count
from acare.fields import parse_each

DEFAULT_LIMIT = 25
MAX_LIMIT = 100

#: The parameters of a list in pages.
PAGE_PARAMETERS: Mapping[str, Parameter] = {
    "page": Parameter(count(), "Number of the page.", default=1),
    "limit": Parameter(
        count(), f"Items on a page. More than {MAX_LIMIT} count as {MAX_LIMIT}.", default=DEFAULT_LIMIT
    ),
}

# The maximum length of a forwarded value. Patterns are not applied to longer text.
_MAX_FORWARDED = 300

_PREFIX = re.compile(r"((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+)/?")


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
    error: Exception | None = None  # that prevented this

    slow: Any = None  # of LimitSlowRequests: what ends with the request


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


class TrustProxy:
    """Takes the caller's address, and the scheme, host and prefix of the URL, from one trusted proxy.

    Only the last element of a list is used: the trusted proxy added it, and the elements before it may be
    forged. An invalid value changes nothing.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxy = settings.trusted_proxy
        header = settings.user_header  # which is removed from the requests of other peers
        self._user_header = f"HTTP_{header.upper().replace('-', '_')}" if header else ""

    def apply(self, env: dict[str, Any]) -> None:
        """Change the WSGI environ of a request. Without a trusted proxy, nothing changes."""
        if self._proxy is None:
            return
        if env.get("REMOTE_ADDR") != self._proxy:
            env.pop(self._user_header, None)
            return
        env["REMOTE_ADDR"] = self._address(env)
        if (scheme := _last(env, "HTTP_X_FORWARDED_PROTO").lower()) in ("http", "https"):
            env["wsgi.url_scheme"] = scheme
        if host := _last(env, "HTTP_X_FORWARDED_HOST"):
            env["HTTP_HOST"] = host
        if (prefix := _PREFIX.fullmatch(_last(env, "HTTP_X_FORWARDED_PREFIX"))) is not None:
            env["SCRIPT_NAME"] = prefix[1] + env.get("SCRIPT_NAME", "")

    def identify(self, env: Mapping[str, Any]) -> str:
        """The e-mail address of the signed-in user, which the proxy sends in UTF-8; "" if there is none."""
        return str(env.get(self._user_header, "")).encode("latin-1").decode("utf-8", "replace")

    def _address(self, env: Mapping[str, Any]) -> str:
        """The caller's address, as the proxy sends it, or else the proxy's."""
        address = _last(env, "HTTP_X_FORWARDED_FOR")
        peer = str(self._proxy)
        try:
            return peer if "%" in address else str(ipaddress.ip_address(address))  # a zone can be any text
        except ValueError:
            return peer


def _last(env: Mapping[str, Any], name: str) -> str:
    """The last element of a header that is a list; "" if the header is missing or the element too long."""
    element = str(env.get(name, "")).rpartition(",")[2].strip(" \t")
    return element if len(element) <= _MAX_FORWARDED else ""


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
