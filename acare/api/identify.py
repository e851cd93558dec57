"""Identifies the caller of a request and its address, behind a proxy too."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import falcon

from acare.api.request import Context, Request, api_key
from acare.api.services import Services
from acare.auth import Caller
from acare.config import Settings

#: Returns the e-mail address of the user behind a request, given its WSGI environ; None if there is none.
Identify = Callable[[dict[str, Any]], str | None]

#: The path at which an invitation is taken in place of a key.
REDEEMED = "v1/keys/redeem"

_PREFIX = re.compile(r"((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+)/?")


class IdentifyCaller:
    """Finds the caller, by the API key or, without one, by ``identify``.

    Never rejects a request. An error is kept for ``RequireKey``.
    """

    def __init__(self, services: Services, identify: Identify | None) -> None:
        """Without ``identify``, a trusted proxy names the users."""
        self._callers = services.callers
        self._proxy = TrustProxy(services.settings)
        self._identify = identify or self._proxy.identify

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        self._proxy.apply(req.env)
        path = req.env["PATH_INFO"]
        # Falcon's router ignores additional and missing leading slashes. The first test is the faster one.
        req.context.is_api = path.startswith("/v1/") or path.lstrip("/").partition("/")[0] == "v1"
        if req.context.is_api:
            try:
                self._find_caller(req.context, req.env)
            except Exception as error:
                req.context.error = error

    def _find_caller(self, context: Context, env: dict[str, Any]) -> None:
        if (key := api_key(env)) is not None:
            found = self._callers.with_key(key)
            if isinstance(found, Caller):
                context.caller = found
            else:
                context.invalid_key = found
                if found.reason == "invitation":
                    is_redeemed = env["PATH_INFO"].lstrip("/") == REDEEMED and env["REQUEST_METHOD"] == "POST"
                    context.is_authenticated = is_redeemed
        elif email := self._identify(env):
            context.caller = self._callers.with_email(email)
            context.session_user = email
        context.is_authenticated = context.is_authenticated or context.caller is not None


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
        if self._proxy is None or env.get("REMOTE_ADDR") != self._proxy:
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
    """The last element of a header that is a list; "" if the header is missing."""
    return str(env.get(name, "")).rpartition(",")[2].strip(" \t")
