"""The resources of health and the web UI, which are outside ``/v1`` and need no key."""

import hashlib
import html
import json
import threading
from importlib import resources
from string import Template

import falcon

from acare.api import envelope
from acare.api.request import Request, revalidate
from acare.api.services import Resource, Services
from acare.errors import Refused

#: Nanoseconds for which ``/readyz`` uses the result of its check.
CHECK_NANOSECONDS = 1_000_000_000

_PAGE_HEADERS = {
    # The page may use only its own files and its own server, and may not parse text as markup or script.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}

_FOLDER = resources.files("acare").joinpath("web")
#: The modules that the first list needs, in the order in which they run.
FIRST_MODULES = [
    "values.mjs", "record.mjs", "dom.mjs", "session.mjs", "place.mjs", "inputs.mjs", "selection.mjs",
    "table.mjs", "list.mjs", "keys.mjs", "page.mjs",
]  # fmt: skip
#: The stylesheets, which are served as one.
STYLES = ["page.css", "controls.css", "dock.css", "list.css", "table.css", "client.css"]

_MEDIA_TYPES = {
    "html": falcon.MEDIA_HTML,
    "css": "text/css; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class Liveness(Resource):
    """``/healthz``: 200 if the process responds. Does not use the database."""

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        envelope.succeed(resp, '{"status":"ok"}')


class Readiness(Resource):
    """``/readyz``: 200 if the server can write, else 503.

    The check writes, and a caller needs no key. So it runs once at a time, and its result is used for a
    second. A server that is stopping says so in the WSGI environ.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._result = ""
        self._checked_at = services.clock() - CHECK_NANOSECONDS
        self._mutex = threading.Lock()

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        stopping = req.env.get("acare.stopping", False)
        checks = {"server": "The server is stopping." if stopping else "ok", "write": self._last_result()}
        failed = [f"{name}: {state}" for name, state in checks.items() if state != "ok"]
        if failed:
            message = f"Not ready. {' '.join(failed)}"
            raise Refused(message, "SERVICE_UNAVAILABLE", {"checks": checks}, {"Retry-After": "1"})
        envelope.succeed(resp, json.dumps({"status": "ready", "checks": checks}))

    def _last_result(self) -> str:
        """The result of the last check, after running it if this is too old."""
        with self._mutex:
            clock = self._services.clock
            if clock() - self._checked_at >= CHECK_NANOSECONDS:
                self._result, self._checked_at = self._services.database.check_write(), clock()
            return self._result


class Index(Resource):
    """``/``: the HTML page."""

    def __init__(self, services: Services) -> None:
        agency, currency = services.settings.agency, services.settings.currency
        self._template = Template(_read("index.html"))
        self._title = html.escape(f"Clients · {agency}" if agency else "Clients")
        settings = {"agency": agency, "currency": currency}
        self._settings = "".join(
            f' data-{name}="{html.escape(value)}"' for name, value in settings.items() if value
        )

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        _answer(req, resp, self._page(req.root_path), "html")

    def _page(self, root: str) -> str:
        """The HTML page, with the settings that its scripts need.

        Its links begin with ``root``, the prefix under which the app is mounted. Without a known prefix they
        are relative, so that they also work behind a proxy that does not send it.
        """
        base = f"{html.escape(root)}/" if root else "./"
        # The modules are named, so that a browser loads them in parallel.
        modules = "\n".join(f'<link rel="modulepreload" href="{base}web/{name}">' for name in FIRST_MODULES)
        return self._template.substitute(
            base=base, modules=modules, settings=self._settings, title=self._title
        )


class WebFile(Resource):
    """``/web/{name}``: a file that the page loads."""

    def __init__(self, services: Services) -> None:
        self._texts = {name: _read(name) for name in web_files()}
        self._texts["page.css"] = "".join(map(_read, STYLES))

    def on_get(self, req: Request, resp: falcon.Response, name: str) -> None:
        if name not in self._texts:
            raise falcon.HTTPNotFound
        _answer(req, resp, self._texts[name], name.rpartition(".")[2])


def web_files() -> list[str]:
    """The names of the files that the page loads."""
    names = (file.name for file in _FOLDER.iterdir())
    return sorted([*(name for name in names if name.endswith((".mjs", ".svg"))), "page.css"])


def _read(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")


def _answer(req: Request, resp: falcon.Response, text: str, suffix: str) -> None:
    """Answer with the text or, if the browser has it already, with 304."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    resp.set_headers(_PAGE_HEADERS)
    if not revalidate(req, resp, tag):
        resp.content_type = _MEDIA_TYPES[suffix]
        resp.text = text
