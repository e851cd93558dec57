"""Outside ``/v1``: liveness, readiness, the OpenAPI document and the index."""

from __future__ import annotations

import json
import logging
import re
import shlex
import threading
from collections.abc import Callable

import falcon

from acare.api import envelope, openapi
from acare.api.proxy import is_host
from acare.api.web import Page
from acare.errors import NotReady

log = logging.getLogger("acare.error")

_KEY = "-H 'X-API-Key: YOUR_API_KEY'"
_JSON = "-H 'Content-Type: application/json'"
_NEW = """-d '{"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}'"""
_CHANGES = """-d '{"status": "closed", "version": 1}'"""

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
    """``/openapi.json``: the OpenAPI document."""

    def __init__(self, version: str) -> None:
        self._version = version

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = openapi.text(self._version, req.root_path)

    on_head = on_get


class Index:
    """``/``: the page for people or, if the client prefers it or there is no ``page``, JSON for programs."""

    def __init__(self, version: str, page: Page | None = None) -> None:
        self._version = version
        self._page = page

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.append_header("Vary", "Accept")
        if self._page is not None and not prefers_json(req.env.get("HTTP_ACCEPT", "")):
            self._page.answer(req, resp)
            return
        root = req.root_path
        links = {"openapi": f"{root}/openapi.json", "healthz": f"{root}/healthz", "readyz": f"{root}/readyz"}
        calls = _calls(_server_url(req))
        about = {"name": "acare", "version": self._version, "calls": calls, "links": links}
        envelope.succeed(resp, json.dumps(about))

    on_head = on_get


# Browsers send some 200 characters; the rest of a longer header is ignored.
_MAX_ACCEPT = 1000
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def prefers_json(accept: str) -> bool:
    """Whether an Accept header ranks JSON above HTML. (RFC 9110 12.5.1)

    Falcon's own parser is not used: its time is quadratic in the length of a parameter.
    """
    qualities: dict[str, float] = {}
    for element in accept[:_MAX_ACCEPT].split(","):
        media_range, *parameters = (part.strip().lower() for part in element.split(";"))
        quality = 1.0
        for name, _, value in (parameter.partition("=") for parameter in parameters):
            if name == "q":
                quality = float(value) if _QUALITY.fullmatch(value) else 0.0
        qualities[media_range] = quality
    any_type = qualities.get("*/*", 0.0)
    as_json = qualities.get("application/json", qualities.get("application/*", any_type))
    as_html = qualities.get("text/html", qualities.get("text/*", any_type))
    return as_json > as_html


def _server_url(req: falcon.Request) -> str:
    """The URL under which the client reached the app; an invalid Host header is ignored."""
    host = req.env.get("HTTP_HOST", "")
    if not is_host(host):
        host = f"{req.env['SERVER_NAME']}:{req.env['SERVER_PORT']}"
    return f"{req.scheme}://{host}{req.root_path}"


def _calls(url: str) -> dict[str, str]:
    """A curl command for each operation of the server at ``url``."""
    return {name: f"curl -s {shlex.quote(url + path)} {options}" for name, options, path in OPERATIONS}
