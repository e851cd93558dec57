"""Identifies the caller of a request, once."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import falcon

from acare.api.request import Context, Request, TrustProxy, api_key
from acare.api.services import Services
from acare.auth import Caller
from acare.errors import SettingError

#: Returns the e-mail address of the user behind a request, given its WSGI environ; None if there is none.
Identify = Callable[[dict[str, Any]], str | None]

#: The path at which an invitation is taken in place of a key.
REDEEMED = "v1/keys/redeem"


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
        elif email := _valid(self._identify(env)):
            context.session_user = email
            context.caller = self._callers.with_email(email)
        context.is_authenticated = context.is_authenticated or context.caller is not None


def _valid(email: object) -> str | None:
    """What ``identify`` has returned. SettingError if it is wrong."""
    if isinstance(email, str):
        with suppress(UnicodeEncodeError):
            email.encode()
            return email
    elif email is None:
        return None
    raise SettingError(f"identify must return None or a valid str; it returned {email!r:.50}")
