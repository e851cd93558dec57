"""A caller in process."""

from __future__ import annotations

from typing import Any

from support.data import JORDAN
from webtest import TestApp

import acare


class Api:
    """A caller in process: WebTest with a key on every request. ``status=`` is the assertion."""

    def __init__(self, app: acare.App, key: str | None) -> None:
        self.key = key
        self.headers = {} if key is None else {"X-API-Key": key}
        self.web = TestApp(app)

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        return self.web.get(path, headers={**self.headers, **headers}, status=status)

    def head(self, path: str, status: int = 200) -> Any:
        return self.web.head(path, headers=self.headers, status=status)

    def post(self, body: object, status: int = 201, path: str = "/v1/clients") -> Any:
        return self.web.post_json(path, body, headers=self.headers, status=status)

    def put(self, client_id: str, body: object, status: int = 200) -> Any:
        return self.web.put_json(f"/v1/clients/{client_id}", body, headers=self.headers, status=status)

    def delete(self, client_id: str, status: int = 200) -> Any:
        return self.web.delete(f"/v1/clients/{client_id}", headers=self.headers, status=status)

    def create(self, **fields: object) -> dict[str, Any]:
        """A new client, Jordan Lee but for ``fields``; the record."""
        return self.post({**JORDAN, **fields}).json["data"]
