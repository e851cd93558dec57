"""Cross-origin resource sharing (the Fetch standard): preflights, and the headers of every other response."""

from __future__ import annotations

import re

import falcon

from acare.api.request import Request

#: The response headers that a page may read besides those that the Fetch standard always allows.
EXPOSED_HEADERS = (
    "ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
    "Retry-After, X-Request-ID"
)
METHODS = "GET, HEAD, POST, PUT, DELETE"

#: Seconds for which a browser may cache the answer to a preflight.
MAX_AGE = 24 * 60 * 60

_HEADER_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]{1,2048}")


class Cors:
    """Lets pages of the given origins, or of every origin (``"*"`` alone), call the API."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)
        self._any_origin = origins == ("*",)

    def headers_for(self, origin: str | None) -> list[tuple[str, str]]:
        """The CORS headers of a response to a request with this ``Origin`` header, None if it is missing."""
        headers = [("Vary", "Origin")]
        if origin is not None and self.allows(origin):
            headers += [
                ("Access-Control-Allow-Origin", "*" if self._any_origin else origin),
                ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
            ]
        return headers

    def allows(self, origin: str) -> bool:
        """Whether pages of ``origin`` may call the API."""
        return self._any_origin or origin in self._origins

    def process_response(
        self, req: Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        for name, value in self.headers_for(req.env.get("HTTP_ORIGIN")):
            resp.append_header(name, value)


class AnswerPreflight:
    """Answers a CORS preflight, so that it needs no key, takes no token and is never refused.

    Where ``cors`` does not allow the origin, or is None, the answer lacks the headers that would permit the
    actual request. Whether the path exists is not checked.
    """

    #: What makes an OPTIONS request a preflight.
    _HEADERS = frozenset(("HTTP_ORIGIN", "HTTP_ACCESS_CONTROL_REQUEST_METHOD"))

    def __init__(self, cors: Cors | None) -> None:
        self._cors = cors

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        if req.method != "OPTIONS" or not req.env.keys() >= self._HEADERS:
            return
        resp.complete = True
        if self._cors is not None and self._cors.allows(req.env["HTTP_ORIGIN"]):
            resp.set_header("Access-Control-Allow-Methods", METHODS)
            resp.set_header("Access-Control-Max-Age", str(MAX_AGE))
            names = req.env.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            if _HEADER_NAMES.fullmatch(names):
                resp.set_header("Access-Control-Allow-Headers", names)
