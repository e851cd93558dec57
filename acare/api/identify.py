"""Identifies the caller of a request and finds its route, before the request is queued or answered."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import falcon

from acare.api.operations import BY_METHOD, Router
from acare.api.ratelimit import bucket_name
from acare.api.request import CONTEXT, Context, Request, TrustProxy, api_key
from acare.api.services import Cost, Services
from acare.auth import Caller
from acare.errors import SettingError

#: Returns the e-mail address of the user behind a request, given its WSGI environ; None if there is none.
Identify = Callable[[dict[str, Any]], str | None]


class Turn(NamedTuple):
    """How a server queues a request: in the queue of its cost, in which the callers take turns."""

    caller: str  # the id of a user or, without a valid caller, the bucket of an address
    cost: Cost


class IdentifyCaller:
    """Finds the route and the caller, by the API key or, without one, by ``identify``.

    Never rejects a request. An error is kept for ``RequireKey``.
    """

    def __init__(self, services: Services, routes: Router, identify: Identify | None) -> None:
        """Without ``identify``, a trusted proxy names the users."""
        self._services = services
        self._routes = routes
        self._proxy = TrustProxy(services.settings)
        self._identify = identify or self._proxy.identify

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Find what ``turn`` has not, and the caller again if the key may have been revoked since.

        An error of ``turn`` remains, since it queued the request as a quick one.
        """
        context = req.context
        if CONTEXT not in req.env:
            self._fill(context, req.env)
        elif context.cache is not None and context.cache is not self._services.callers.cache():
            self._fill(context, req.env, has_route=True)

    def turn(self, env: dict[str, Any]) -> Turn:
        """Identify the caller and find the route, for the answer too, and how to queue the request."""
        context = env[CONTEXT] = Context()
        self._fill(context, env)
        caller = context.caller
        if caller is None:
            return Turn(bucket_name(env["REMOTE_ADDR"]), context.cost)
        return Turn(caller.user_id, context.cost)

    def _fill(self, context: Context, env: dict[str, Any], has_route: bool = False) -> None:
        """Find the route, unless it has been found, and the caller. An error is kept."""
        try:
            if not has_route:
                self._find_route(context, env)
            if context.is_api:
                self._find_caller(context, env)
        except Exception as error:
            context.error, context.cost = error, "quick"

    def _find_route(self, context: Context, env: dict[str, Any]) -> None:
        self._proxy.apply(env)
        path = env["PATH_INFO"]
        # Falcon's router ignores additional and missing leading slashes. The first test is the faster one.
        context.is_api = path.startswith("/v1/") or path.lstrip("/").partition("/")[0] == "v1"
        if (route := self._routes.find(path)) is not None:
            context.route = route
            if (operation := BY_METHOD.get((env["REQUEST_METHOD"], route[3]))) is not None:
                context.operation = operation
                context.cost = operation.cost_of(env.get("QUERY_STRING", ""))

    def _find_caller(self, context: Context, env: dict[str, Any]) -> None:
        cache = context.cache = self._services.callers.cache()
        context.caller = context.invalid_key = context.session_user = None
        if (key := api_key(env)) is not None:
            found = self._services.callers.with_key(key, cache)
            if isinstance(found, Caller):
                context.caller = found
            else:
                context.invalid_key = found
        elif email := _valid(self._identify(env)):
            context.session_user = email
            context.caller = self._services.callers.with_email(email)
        context.is_authenticated = context.caller is not None or _redeems_invitation(context)


def _redeems_invitation(context: Context) -> bool:
    takes_one = context.operation is not None and context.operation.right is None
    return takes_one and context.invalid_key is not None and context.invalid_key.reason == "invitation"


def _valid(email: object) -> str | None:
    """What ``identify`` has returned. SettingError if it is wrong."""
    if isinstance(email, str):
        with suppress(UnicodeEncodeError):
            email.encode()
            return email
    elif email is None:
        return None
    raise SettingError(f"identify must return None or a valid str; it returned {email!r:.50}")
