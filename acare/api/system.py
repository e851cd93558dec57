"""Outside ``/v1``: liveness, readiness and the OpenAPI document."""

import json
import logging
import threading
from collections.abc import Callable
from importlib import resources

import falcon

from acare.api import envelope
from acare.version import __version__

log = logging.getLogger("acare.error")

#: Nanoseconds for which ``/readyz`` uses the result of its check.
CHECK_NANOSECONDS = 1_000_000_000


class Liveness:
    """``/healthz``: 200 if the process responds. Does not use the database."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')


class Readiness:
    """``/readyz``: 200 if the server can write, else 503. ``check_write`` returns "ok" or a problem.

    The check writes, and a caller needs no key. So it runs once at a time, its result is used for a second,
    and while it runs, other callers get the result before. A server that is stopping says so in the
    WSGI environ. Load balancers ask every few seconds, so only a change is logged.
    """

    def __init__(self, check_write: Callable[[], str], clock: Callable[[], int]) -> None:
        """``clock`` returns nanoseconds."""
        self._check_write = check_write
        self._clock = clock
        self._result = ""
        self._checked_at = clock() - CHECK_NANOSECONDS
        self._mutex = threading.Lock()
        self._was_ready = True

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        stopping = req.env.get("acare.stopping", False)
        checks = {"server": "The server is stopping." if stopping else "ok", "write": self._last_result()}
        failed = [f"{name}: {state}" for name, state in checks.items() if state != "ok"]
        message = f"Not ready. {' '.join(failed)}" if failed else "Ready again."
        is_ready = not failed
        if is_ready != self._was_ready:
            log.warning("%s", message)
        self._was_ready = is_ready
        if failed:
            raise envelope.ApiError(
                503, "SERVICE_UNAVAILABLE", message, {"checks": checks}, {"Retry-After": "1"}
            )
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    def _last_result(self) -> str:
        """The result of the last check, after running it if this is too old."""
        if self._mutex.acquire(blocking=not self._result):
            try:
                if self._clock() - self._checked_at >= CHECK_NANOSECONDS:
                    self._result, self._checked_at = self._check_write(), self._clock()
            finally:
                self._mutex.release()
        return self._result


class OpenApiDocument:
    """``/openapi.json``: the OpenAPI document, with the version of acare and the URL of the server."""

    def __init__(self) -> None:
        document = json.loads(resources.files(__package__).joinpath("openapi.json").read_text("utf-8"))
        document["info"]["version"] = __version__
        self._text = json.dumps(document)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = self._text.replace('"url": "/"', f'"url": {json.dumps(req.root_path or "/")}')
