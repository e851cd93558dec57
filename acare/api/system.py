"""Outside ``/v1``: liveness, readiness, the OpenAPI document and the index page."""

from __future__ import annotations

import html
import json
import re
import shlex
from collections.abc import Callable
from string import Template

import falcon

from acare.api import envelope, openapi
from acare.api.proxy import is_host
from acare.errors import NotReady

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

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>acare</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem }
  pre { background: #f3f3f1; padding: .7rem; overflow-x: auto; border-radius: 4px }
  @media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } pre { background: #262626 }
    a { color: #9cf } }
</style>
<h1>acare $version</h1>
<p>The Clients API: the people whom a real-estate agency represents. Every call needs an API key in the
<code>X-API-Key</code> header; <code>acare key create</code> creates one.</p>
$operations
<p><a href="$root/openapi.json">OpenAPI</a> · <a href="$root/healthz">liveness</a> ·
<a href="$root/readyz">readiness</a></p>
</html>
""")


class Liveness:
    """``/healthz``: whether the process answers. Does not use the database."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')

    on_head = on_get


class Readiness:
    """``/readyz``: whether the server can write now. ``run_checks`` maps each check to "ok" or a problem."""

    def __init__(self, run_checks: Callable[[], dict[str, str]]) -> None:
        self._run_checks = run_checks

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        checks = self._run_checks()
        if any(state != "ok" for state in checks.values()):
            raise NotReady(checks)
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    on_head = on_get


class OpenApiDocument:
    """``/openapi.json``: the OpenAPI document."""

    def __init__(self, version: str) -> None:
        self._version = version

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = openapi.text(self._version, req.root_path)

    on_head = on_get


class Index:
    """``/``: the name, the version and example calls, as HTML or, if the client prefers it, as JSON."""

    def __init__(self, version: str) -> None:
        self._version = version

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        url, root = _server_url(req), req.root_path
        resp.append_header("Vary", "Accept")
        if prefers_json(req.env.get("HTTP_ACCEPT", "")):
            links = {"openapi": f"{root}/openapi.json", "alive": f"{root}/healthz", "ready": f"{root}/readyz"}
            about = {"name": "acare", "version": self._version, "calls": _calls(url), "links": links}
            envelope.succeed(resp, json.dumps(about))
        else:
            resp.content_type = falcon.MEDIA_HTML
            resp.text = _render(self._version, url, root)

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


def _render(version: str, url: str, root: str) -> str:
    """The page, without external resources; ``root`` is the prefix under which the app is mounted."""
    operations = "\n".join(
        f"<h2>{name}</h2>\n<pre>{html.escape(line)}</pre>" for name, line in _calls(url).items()
    )
    return _PAGE.substitute(version=html.escape(version), root=html.escape(root), operations=operations)
