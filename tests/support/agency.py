"""A running server, with direct calls to its API next to the page in a browser."""

from __future__ import annotations

from typing import Any

from support import http
from support.data import JORDAN


class Agency:
    """A server, and a key for direct calls to its API."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        self.link = f"{url}/#key={key}"

    def ask(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """The data of the answer."""
        return http.ask(self, method, path, body, status)[1]["data"]

    def create(self, **fields: object) -> dict[str, Any]:
        return self.ask("POST", "/v1/clients", {**JORDAN, **fields}, 201)

    def get(self, client: dict[str, Any]) -> dict[str, Any]:
        return self.ask("GET", f"/v1/clients/{client['id']}")

    def put(self, client: dict[str, Any], **changes: object) -> None:
        self.ask("PUT", f"/v1/clients/{client['id']}", changes)

    def total(self, query: str = "") -> int:
        return self.ask("GET", f"/v1/clients?{query}")["meta"]["total"]
