"""The web UI: the files in ``acare/web``, read once, with ETags and a Content-Security-Policy."""

from __future__ import annotations

import hashlib
import html
from importlib import resources
from string import Template

import falcon

from acare.api import conditions

#: The page runs its own scripts, talks to its own server, and turns no text into markup or script.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "no-referrer"}

_MEDIA_TYPES = {
    "html": falcon.MEDIA_HTML,
    "css": "text/css; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class Page:
    """The HTML file. Its links start with the prefix under which the app is mounted.

    Without a known prefix they are relative, so that they also work behind a proxy that does not send it.
    """

    def __init__(self) -> None:
        self._template = Template(_read("index.html"))

    def answer(self, req: falcon.Request, resp: falcon.Response) -> None:
        base = f"{html.escape(req.root_path)}/" if req.root_path else "./"
        _answer(req, resp, self._template.substitute(base=base), "html")


class WebFile:
    """``/web/{name}``: a file that the page loads."""

    #: The files below ``/web``.
    NAMES = ("page.css", "page.mjs", "logic.mjs", "icon.svg")

    def __init__(self, name: str) -> None:
        self._text = _read(name)
        self._suffix = name.rpartition(".")[2]

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        _answer(req, resp, self._text, self._suffix)

    on_head = on_get


def _read(name: str) -> str:
    return resources.files("acare").joinpath("web", name).read_text("utf-8")


def _answer(req: falcon.Request, resp: falcon.Response, text: str, suffix: str) -> None:
    """Answer with the text or, if the browser has it already, with 304."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    resp.set_headers(_HEADERS)
    resp.etag = tag
    if conditions.not_modified(req, tag):
        resp.status = falcon.HTTP_304
    else:
        resp.content_type = _MEDIA_TYPES[suffix]
        resp.text = text
