"""Cross-origin resource sharing (the Fetch standard): preflights, and the headers of every other response."""

import re

import falcon

from acare.api.request import Request

#: The response headers that a page may read besides those that the Fetch standard always allows.
EXPOSED_HEADERS = (
    "Content-Disposition, ETag, Idempotent-Replayed, Location, Preference-Applied, RateLimit-Limit, "
    "RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)

_HEADER_NAMES = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]{1,2048}")


class Cors:
    """Lets pages of the given origins, or of every origin (``"*"`` alone), call the API.

    Answers each preflight, so that it needs no key, takes no token and is never refused. For an origin that
    is not allowed, the answer lacks the headers that would permit the actual request. Whether the path exists
    is not checked.
    """

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        origin = req.env.get("HTTP_ORIGIN")
        if req.method != "OPTIONS" or origin is None or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in req.env:
            return
        resp.complete = True
        if self._allows(origin):
            resp.set_header("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE")
            resp.set_header("Access-Control-Max-Age", str(24 * 60 * 60))  # seconds
            names = req.env.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            if _HEADER_NAMES.fullmatch(names):
                resp.set_header("Access-Control-Allow-Headers", names)

    def process_response(self, req: Request, resp: falcon.Response, *_: object) -> None:
        origin = req.env.get("HTTP_ORIGIN")
        if self._origins:
            resp.append_header("Vary", "Origin")
        if origin is not None and self._allows(origin):
            resp.set_header("Access-Control-Allow-Origin", "*" if "*" in self._origins else origin)
            resp.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)

    def _allows(self, origin: str) -> bool:
        return origin in self._origins or "*" in self._origins
