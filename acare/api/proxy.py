"""The headers of a trusted proxy: X-Forwarded-*, and the user it has signed in."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

import falcon

from acare.api.request import Request

#: Longer than any valid value; patterns are not applied to longer text.
MAX_LENGTH = 300

# The forms of an address that IIS and Azure send: 192.0.2.1:443, [2001:db8::1]:443.
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?")

_PREFIX = re.compile(r"((?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+)/?")


class TrustProxy:
    """Takes the caller's address, and the scheme, host and prefix of the URL, from one trusted proxy.

    Only the last element of a list is used: the trusted proxy added it, and the elements before it may be
    forged. An invalid value changes nothing.
    """

    def __init__(self, proxy: str | None, user_header: str | None) -> None:
        """``user_header`` names the signed-in user; it is removed from the requests of other peers."""
        self._proxy = proxy
        self._user_header = f"HTTP_{user_header.upper().replace('-', '_')}" if user_header else ""

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        env = req.env
        if env.get("REMOTE_ADDR") != self._proxy:
            env.pop(self._user_header, None)
            return
        env["REMOTE_ADDR"] = self.address(env)
        if (scheme := _last(env, "HTTP_X_FORWARDED_PROTO").lower()) in ("http", "https"):
            env["wsgi.url_scheme"] = scheme
        if host := _last(env, "HTTP_X_FORWARDED_HOST"):
            env["HTTP_HOST"] = host
        if (prefix := _PREFIX.fullmatch(_last(env, "HTTP_X_FORWARDED_PREFIX"))) is not None:
            env["SCRIPT_NAME"] = prefix[1] + env.get("SCRIPT_NAME", "")

    def identify(self, env: Mapping[str, Any]) -> str:
        """The e-mail address of the signed-in user, which the proxy sends in UTF-8; "" if there is none."""
        return str(env.get(self._user_header, "")).encode("latin-1").decode("utf-8", "replace")

    def signed_in(self, env: Mapping[str, Any]) -> str:
        """The e-mail address of the signed-in user of a request that has not passed this middleware yet."""
        return self.identify(env) if env["REMOTE_ADDR"] == self._proxy else ""

    def address(self, env: Mapping[str, Any]) -> str:
        """The caller's address, as the proxy sends it, or else the peer's."""
        peer = str(env["REMOTE_ADDR"])
        if peer != self._proxy:
            return peer
        sent = _last(env, "HTTP_X_FORWARDED_FOR")
        match = _WITH_PORT.fullmatch(sent)
        address = sent if match is None else match[1] or match[2]
        try:
            return peer if "%" in address else str(ipaddress.ip_address(address))  # a zone can be any text
        except ValueError:
            return peer


def _last(env: Mapping[str, Any], name: str) -> str:
    """The last element of a header that is a list; "" if the header is missing or the element too long."""
    element = str(env.get(name, "")).rpartition(",")[2].strip(" \t")
    return element if len(element) <= MAX_LENGTH else ""
