"""The access log: one line for each request."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import falcon

log = logging.getLogger("acare.access")

# What may be echoed in a header and stand in a log line. A key sent as an id by mistake is not echoed.
_REQUEST_ID = re.compile(r"(?!.*[0-9A-Fa-f]{64})[A-Za-z0-9._~+/=:@-]{1,128}")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.-]{0,63}")
_KEY_IN_PATH = re.compile(r"([0-9a-f]{8})[0-9a-f]{52}([0-9a-f]{4})", re.IGNORECASE | re.ASCII)


class Access(NamedTuple):
    """One line of the access log."""

    address: str
    method: str
    path: str
    status: int
    milliseconds: float
    key: str  # its preview, or "-"
    request: str


def log_access(line: Access) -> None:
    """Log a line the standard way, to ``acare.access``; a formatter finds its fields in ``args``."""
    log.info(
        "%(address)s %(method)s %(path)s %(status)d %(milliseconds).1fms key=%(key)s request=%(request)s",
        line._asdict(),
    )


class AccessLog:
    """Gives each request its id, in and out, and hands a line to ``write`` when it is answered."""

    def __init__(
        self,
        write: Callable[[Access], None],
        new_id: Callable[[], str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``clock`` tells seconds."""
        self._write = write
        self._new_id = new_id
        self._clock = clock

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        sent = req.env.get("HTTP_X_REQUEST_ID")
        request_id = sent if sent is not None and _REQUEST_ID.fullmatch(sent) else self._new_id()
        req.context.request_id = request_id
        req.context.started = self._clock()
        req.context.caller = None
        resp.set_header("X-Request-ID", request_id)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        context = req.context
        if not hasattr(context, "started"):
            return  # Falcon refused it before any gate
        self._write(
            Access(
                address=req.remote_addr,
                method=req.method,
                path=_loggable(req.path),
                status=resp.status_code,
                milliseconds=(self._clock() - context.started) * 1000,
                key="-" if context.caller is None else context.caller.key_preview,
                request=context.request_id,
            )
        )


def _loggable(path: str) -> str:
    """A path fit for a log: what could break a line is quoted, and a key that stands in it cut short."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    return quote(_KEY_IN_PATH.sub(r"\1...\2", path))
