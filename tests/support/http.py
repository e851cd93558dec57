"""Callers over HTTP, by http.client, and servers that answer as a test says."""

import http.client
import json
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.data import JORDAN


def send(server, method="GET", path="/v1/clients", body=None, parse=json.loads, **headers):
    """Status, headers and content of a response. ``server`` has a key and a URL, maybe with a path.

    A body that is not bytes is sent as JSON; ``X_Test=`` is a header.
    """
    host, slash, prefix = server.url.removeprefix("http://").partition("/")
    sent = {"X-API-Key": server.key} if server.key else {}
    if body is not None and not isinstance(body, bytes):
        body, sent["Content-Type"] = json.dumps(body), "application/json"
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request(method, slash + prefix + path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, answer.headers, parse(content) if content else None


def ask(server, method="GET", path="/v1/clients", body=None, status=200, parse=json.loads, **headers):
    """Headers and content of the response with this status."""
    found, received, content = send(server, method, path, body, parse, **headers)
    assert found == status, content
    return received, content


@contextmanager
def serving_with(answer):
    """The URL of a server; ``answer`` gets each request, an http.server handler."""
    methods = {"do_GET": answer, "do_POST": answer, "log_message": lambda *_: None}
    handler = type("Handler", (BaseHTTPRequestHandler,), methods)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


class Agency:
    """A server at a URL, and direct calls to its API; ``link`` opens its page in a browser."""

    def __init__(self, url, key):
        self.url, self.key, self.link = url, key, f"{url}/#key={key}"

    def ask(self, method, path, body=None, status=200):
        """The data of the answer."""
        return ask(self, method, path, body, status)[1]["data"]

    def send(self, method="GET", path="/v1/clients", body=None):
        """The status, and the data or the error."""
        status, _, content = send(self, method, path, body)
        return status, content.get("data", content.get("error"))

    def create(self, **fields):
        return self.ask("POST", "/v1/clients", {**JORDAN, **fields}, 201)

    def get(self, client):
        return self.ask("GET", f"/v1/clients/{client['id']}")

    def put(self, client, **changes):
        self.ask("PUT", f"/v1/clients/{client['id']}", changes)

    def total(self, query=""):
        return self.ask("GET", f"/v1/clients?{query}")["meta"]["total"]
