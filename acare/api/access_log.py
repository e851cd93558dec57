"""The access log: one line for each request, and its fields."""

import logging
import random
import re
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import falcon

from acare.api.request import Request

log = logging.getLogger("acare.access")

# A request id that the caller may choose. One that contains an API key, sent by mistake, is not echoed.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
_KEY = re.compile(r"[0-9A-Fa-f]{64}")

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.-]{0,63}")
# A run of hex digits is read once, from its start, so that the time is linear in the length of the path.
_KEY_IN_PATH = re.compile(r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{8})[0-9A-Fa-f]{52,}([0-9A-Fa-f]{4})")

#: The maximum size of a path and of a rejected user in the log, in bytes: a line has less than 1,000.
MAX_PATH, MAX_USER = 400, 200


class AccessRecord(NamedTuple):
    """The fields of one line."""

    address: str
    method: str
    path: str
    status: int
    milliseconds: float
    key: str  # the preview of the key, "expired:" and its id, the rejected user, or "-"
    request: str


def text_line(line: AccessRecord) -> str:
    """The line as text: ``127.0.0.1 GET /v1/clients 200 0.4ms key=... request=...``"""
    return (
        f"{line.address} {line.method} {line.path} {line.status} "
        f"{line.milliseconds:.1f}ms key={line.key} request={line.request}"
    )


def log_access(line: AccessRecord) -> None:
    """Log a line to the standard logger ``acare.access``."""
    log.info("%s", text_line(line))


def new_request_id() -> str:
    """Not a secret, so it does not need the randomness of the operating system."""
    return f"{random.getrandbits(128):032x}"


class AccessLog:
    """Assigns the request id, and passes a line to ``write`` when the request has been answered.

    The first middleware: the others can rely on the request id, and rejected requests are logged too.
    """

    def __init__(self, write: Callable[[AccessRecord], None]) -> None:
        self._write = write

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        context = req.context
        context.started = time.perf_counter()
        sent: str = req.env.get("HTTP_X_REQUEST_ID", "")
        is_usable = _REQUEST_ID.fullmatch(sent) and not _KEY.search(sent)
        context.request_id = sent if is_usable else new_request_id()
        resp.set_header("X-Request-ID", context.request_id)

    def process_response(self, req: Request, resp: falcon.Response, *_: object) -> None:
        context = req.context
        key = "-"
        if context.caller is not None:
            key = context.caller.key_preview
        elif (invalid := context.invalid_key) is not None and invalid.key_id is not None:
            key = f"{invalid.reason}:{invalid.key_id}"
        elif (user := context.session_user) is not None:  # unknown or disabled
            key = f"user:{_quoted(user, MAX_USER)}"
        self._write(
            AccessRecord(  # positional arguments are faster
                req.remote_addr,
                req.method if req.method in falcon.HTTP_METHODS else "-",  # others can be any text
                _loggable(req.env.get("SCRIPT_NAME", "") + req.path),  # with the prefix
                resp.status_code,
                (time.perf_counter() - context.started) * 1000,
                key,
                context.request_id,
            )
        )


def _loggable(path: str) -> str:
    """A path that is safe in a log line: unsafe characters are quoted, API keys and long paths shortened."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    return _quoted(_KEY_IN_PATH.sub(r"\1...\2", path), MAX_PATH)


def _quoted(text: str, max_size: int) -> str:
    quoted = quote(text[: max_size + 1], safe="/@+", errors="replace")
    if len(quoted) <= max_size:
        return quoted
    return f"{quoted[: max_size - 3]}…"  # which is three bytes
