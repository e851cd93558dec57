"""Outside ``/v1``: liveness, readiness, the OpenAPI document and the index."""

from __future__ import annotations

import json
import logging
import shlex
import threading
from collections.abc import Callable
from functools import cached_property

import falcon

from acare.api import envelope, openapi
from acare.api.request import Request
from acare.api.web import Page
from acare.errors import NotReady

log = logging.getLogger("acare.error")

_KEY = "-H 'X-API-Key: YOUR_API_KEY'"
_JSON = "-H 'Content-Type: application/json'"
_NEW = """-d '{"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}'"""
_CHANGES = """-d '{"status": "closed", "version": 1}'"""

# Stands for the prefix in the OpenAPI document.
_PREFIX = "{prefix}"

# The name of each operation, the options of curl, and the path.
OPERATIONS = (
    ("List", f"{_KEY}", "/v1/clients?status=active&limit=5"),
    ("Create", f"{_KEY} {_JSON} {_NEW}", "/v1/clients"),
    ("Get", f"{_KEY}", "/v1/clients/CLIENT_ID"),
    ("Update", f"-X PUT {_KEY} {_JSON} {_CHANGES}", "/v1/clients/CLIENT_ID"),
    ("Delete", f"-X DELETE {_KEY}", "/v1/clients/CLIENT_ID"),
)


class Liveness:
    """``/healthz``: whether the process answers. Does not use the database."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')

    on_head = on_get


class Readiness:
    """``/readyz``: whether the server can write now. ``run_checks`` maps each check to "ok" or a problem.

    A server that is stopping says so in the WSGI environ.
    Load balancers ask every few seconds, so only a change is logged: not ready, and ready again.
    """

    def __init__(self, run_checks: Callable[[], dict[str, str]]) -> None:
        self._run_checks = run_checks
        self._mutex = threading.Lock()  # guards the attribute below
        self._was_ready = True

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        stopping = req.env.get("acare.stopping", False)
        checks = {"server": "The server is stopping." if stopping else "ok", **self._run_checks()}
        error = NotReady(checks) if any(state != "ok" for state in checks.values()) else None
        self._log_change(error)
        if error is not None:
            raise error
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    on_head = on_get

    def _log_change(self, error: NotReady | None) -> None:
        with self._mutex:
            was_ready, self._was_ready = self._was_ready, error is None
        if error is not None and was_ready:
            log.warning("%s", error)
        elif error is None and not was_ready:
            log.warning("Ready again.")


class OpenApiDocument:
    """``/openapi.json``: the OpenAPI document, made once; only the prefix depends on the request."""

    def __init__(self, version: str) -> None:
        self._version = version

    @cached_property
    def _parts(self) -> tuple[str, str]:
        """The text before and after the prefix, made at the first request."""
        text = json.dumps(openapi.document(self._version, prefix=_PREFIX))
        before, _, after = text.partition(json.dumps(_PREFIX))
        return before, after

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        before, after = self._parts
        resp.text = f"{before}{json.dumps(req.root_path or '/')}{after}"

    on_head = on_get


class Index:
    """``/``: the web UI for browsers or, for programs and where there is no ``page``, JSON."""

    def __init__(self, version: str, page: Page | None = None) -> None:
        self._version = version
        self._page = page

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        resp.append_header("Vary", "Accept")
        if self._page is not None and "text/html" in req.env.get("HTTP_ACCEPT", "").lower():
            self._page.answer(req, resp)
            return
        root = req.root_path
        links = {"openapi": f"{root}/openapi.json", "healthz": f"{root}/healthz", "readyz": f"{root}/readyz"}
        calls = _calls(f"{req.scheme}://{req.public_host}{root}")
        about = {"name": "acare", "version": self._version, "calls": calls, "links": links}
        envelope.succeed(resp, json.dumps(about))

    on_head = on_get


def _calls(url: str) -> dict[str, str]:
    """A curl command for each operation of the server at ``url``."""
    return {name: f"curl -s {shlex.quote(url + path)} {options}" for name, options, path in OPERATIONS}
