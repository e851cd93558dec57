"""Middleware, in the order in which ``acare.app`` lists it. Paths outside ``/v1`` need no key."""

import falcon

from acare.api import body
from acare.api.operations import BY_METHOD
from acare.api.request import Request
from acare.config import Settings
from acare.errors import InsufficientScope, InvalidKey, Refused

#: The response headers that a page may read besides those that the Fetch standard always allows.
EXPOSED_HEADERS = (
    "Content-Disposition, ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After, X-Request-ID"
)


class SecurityHeaders:
    """Keeps browsers from guessing media types and caches from sharing client data."""

    def process_response(
        self, req: Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        resp.set_header("X-Content-Type-Options", "nosniff")
        # A client with an ETag may be stored by the caller's own cache, which has to revalidate it.
        storable = succeeded and resp.get_header("ETag") is not None
        resp.set_header("Cache-Control", "private, no-cache" if storable else "no-store")
        if req.context.is_api:
            resp.append_header("Vary", "X-API-Key, API-Key")  # for caches that ignore Cache-Control


class Cors(falcon.CORSMiddleware):  # type: ignore[type-arg]  # the plain response
    """Lets pages of the given origins, or of every origin (``"*"`` alone), call the API. (The Fetch standard)

    Answers each preflight, so that it needs no key, takes no token and is never refused. For an origin that
    is not allowed, the answer lacks the headers that would permit the actual request. Whether the path exists
    is not checked.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__("*" if settings.cors_origin == ("*",) else settings.cors_origin, EXPOSED_HEADERS)

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        is_cors = "HTTP_ORIGIN" in req.env and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in req.env
        if is_cors and req.method == "OPTIONS":
            resp.set_header("Allow", "GET, HEAD, POST, PUT, DELETE")  # as Falcon takes the methods
            resp.complete = True

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        if self.allow_origins:
            resp.append_header("Vary", "Origin")
        super().process_response(req, resp, resource, req_succeeded)


class ReadBody:
    """Reads the body. Rejects one that is too large, and one with a content coding.

    An unknown caller's body is not read: the 401 does not need it, and a slow sender would occupy a thread.
    """

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        length = req.content_length
        # Both end after the body.
        stream = req.stream if req.env.get("wsgi.input_terminated") else req.bounded_stream
        known = req.context.is_authenticated
        if known and (length is None or length <= body.MAX_BODY):
            req.context.body = body.receive(stream, body.MAX_BODY + 1)
            length = len(req.context.body)
        if not length:
            return
        if length > body.MAX_BODY:
            if known and "HTTP_EXPECT" not in req.env:  # reading makes some WSGI servers send 100 Continue
                body.discard(stream)
            message = f"The body must not exceed {body.MAX_BODY} bytes."
            raise Refused(message, "CONTENT_TOO_LARGE", {"limit": body.MAX_BODY})
        if req.env.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in ("", "identity"):
            message = "The body must be sent without a Content-Encoding."
            raise Refused(message, "UNSUPPORTED_MEDIA_TYPE", headers={"Accept-Encoding": "identity"})


class RequireKey:
    """Rejects requests under ``/v1`` without a valid key or a user who is signed in, except OPTIONS.

    Raises the error, if any, that has prevented the caller from being identified.
    """

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if (error := req.context.error) is not None:
            raise error
        if req.context.is_authenticated or not req.context.is_api or req.method == "OPTIONS":
            return
        if (invalid := req.context.invalid_key) is not None:
            raise invalid.with_traceback(None)  # it is cached
        user = req.context.session_user
        if user is None:
            sent = "HTTP_AUTHORIZATION" in req.env
            raise InvalidKey("missing", hint="; Authorization is not read" if sent else "")
        raise InsufficientScope(user=user)


class CsrfProtection:
    """Rejects a write by a user without a key if a page of another origin could have sent it.

    A browser sends the user's session with the requests of any page. A page of another origin can send forms,
    plain text and data without a type, but JSON only if CORS allows it, which acare never does for sessions.
    """

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if req.context.session_user is None or req.method in ("GET", "HEAD", "OPTIONS"):
            return
        media_type = (req.content_type or "").partition(";")[0].strip().lower()
        site = req.env.get("HTTP_SEC_FETCH_SITE", "none")  # browsers send it over TLS only
        origin, host = req.env.get("HTTP_ORIGIN"), req.env.get("HTTP_HOST", "")
        # The origin's scheme may differ from the request's if a proxy terminates TLS.
        scheme, _, origin_host = (origin or "").partition("://")
        port = {"http": ":80", "https": ":443"}.get(scheme, "")
        same_host = origin is None or origin_host.removesuffix(port) == host.lower().removesuffix(port)
        if media_type != falcon.MEDIA_JSON or site not in ("same-origin", "none") or not same_host:
            raise Refused(
                "Without an API key, a write needs Content-Type: application/json and must come from a page "
                f"of the same origin. The page's origin is {origin or 'not named'}, the server's is "
                f"{req.scheme}://{host}; behind a proxy, see the setting trusted_proxy.",
                "CROSS_SITE_REQUEST",
            )


class RequireRight:
    """Rejects a method that the path does not have, then an operation that the caller has no right to."""

    def process_resource(self, req: Request, resp: falcon.Response, *_: object) -> None:
        operation = BY_METHOD.get((req.method, req.uri_template))
        if operation is None:  # also for methods that Falcon does not know and would answer with 400
            methods = {"OPTIONS", *(method for method, path in BY_METHOD if path == req.uri_template)}
            allowed = ", ".join(sorted(methods))
            resp.set_header("Allow", allowed)
            if req.method != "OPTIONS":
                raise Refused(f"This path supports only {allowed}.", "METHOD_NOT_ALLOWED")
            resp.complete = True  # Falcon's own responder leaves OPTIONS out of Allow
            return
        right = operation.right
        if right is None:
            return
        caller = req.caller
        if right.actions and not caller.may(right.resource, right.actions):
            raise InsufficientScope(right.resource, right.actions)
        if caller.role not in right.roles:
            raise Refused("this operation requires the broker role", "BROKER_REQUIRED")
