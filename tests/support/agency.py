"""A running server, with direct calls to its API next to the page in a browser."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from support.data import JORDAN


class Agency:
    """A server, and a key for direct calls to its API."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.link = f"{url}/#key={key}"

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The data of the answer."""
        sent = {"X-API-Key": self.key, "Content-Type": "application/json", **headers}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", content, sent, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["data"]

    def create(self, **fields: object) -> dict[str, Any]:
        return self.ask("POST", "/v1/clients", {**JORDAN, **fields})  # type: ignore[no-any-return]

    def get(self, client: dict[str, Any]) -> dict[str, Any]:
        return self.ask("GET", f"/v1/clients/{client['id']}")  # type: ignore[no-any-return]

    def put(self, client: dict[str, Any], **changes: object) -> None:
        self.ask("PUT", f"/v1/clients/{client['id']}", changes)

    def total(self, query: str = "") -> int:
        return self.ask("GET", f"/v1/clients?{query}")["meta"]["total"]  # type: ignore[no-any-return]
