"""Outside ``/v1``: liveness, readiness, the OpenAPI document and the index page."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Callable
from string import Template

import falcon

from acare.api import envelope, openapi
from acare.errors import NotReady

_KEY = "-H 'X-API-Key: YOUR_API_KEY'"
_JSON = "-H 'Content-Type: application/json'"
_NEW = """-d '{"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}'"""
_CHANGES = """-d '{"status": "closed", "version": 1}'"""

# What a call is for, its options, and its path below the URL of the server.
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
<p>The Clients API: the people that a real-estate agency represents. Every call needs a key in
<code>X-API-Key</code>; <code>acare key create</code> makes one.</p>
$operations
<p><a href="$root/openapi.json">OpenAPI</a> · <a href="$root/healthz">alive</a> ·
<a href="$root/readyz">ready</a></p>
</html>
""")


class Liveness:
    """``/healthz``: the process answers. Touches nothing."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')

    on_head = on_get


class Readiness:
    """``/readyz``: it can write now. ``run_checks`` says of each thing that takes whether it is "ok"."""

    def __init__(self, run_checks: Callable[[], dict[str, str]]) -> None:
        self._run_checks = run_checks

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        checks = self._run_checks()
        if any(state != "ok" for state in checks.values()):
            raise NotReady(checks)
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    on_head = on_get


class OpenApiDocument:
    """``/openapi.json``: the API, for programs that read such a document."""

    def __init__(self, version: str) -> None:
        self._version = version

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.text = openapi.text(self._version, req.root_path)

    on_head = on_get


class Index:
    """``/``: what this is, as HTML or, for who asks so, as JSON."""

    def __init__(self, version: str) -> None:
        self._version = version

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        url, root = req.prefix, req.root_path
        resp.append_header("Vary", "Accept")
        if req.client_prefers((falcon.MEDIA_HTML, falcon.MEDIA_JSON)) == falcon.MEDIA_JSON:
            links = {"openapi": f"{root}/openapi.json", "alive": f"{root}/healthz", "ready": f"{root}/readyz"}
            about = {"name": "acare", "version": self._version, "calls": _calls(url), "links": links}
            envelope.succeed(resp, json.dumps(about))
        else:
            resp.content_type = falcon.MEDIA_HTML
            resp.text = _render(self._version, url, root)

    on_head = on_get


def _calls(url: str) -> dict[str, str]:
    """A line of curl for each operation of the server at ``url``, which is what a Host header says."""
    return {name: f"curl -s {shlex.quote(url + path)} {options}" for name, options, path in OPERATIONS}


def _render(version: str, url: str, root: str) -> str:
    """The page as HTML, whole in itself; ``root`` is the prefix under which the app is mounted."""
    operations = "\n".join(
        f"<h2>{name}</h2>\n<pre>{html.escape(line)}</pre>" for name, line in _calls(url).items()
    )
    return _PAGE.substitute(version=html.escape(version), root=html.escape(root), operations=operations)
