"""A caller in process, and fixtures with an app."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import pytest
from support.data import ALL_SCOPES, JORDAN
from support.keys import new_key
from webtest import TestApp

import acare


class Api:
    """A caller in process: WebTest with a key on every request. ``status=`` is the assertion."""

    def __init__(self, app: Any, key: str | None = None) -> None:
        self.key = key
        self.headers = {} if key is None else {"X-API-Key": key}
        self.web = TestApp(app)
        self._unchecked = TestApp(app, lint=False)  # WebTest refuses unusual headers and methods itself

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        status: Any = 200,
        environ: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Any:
        """Any request. ``body`` is bytes, or a value to send as JSON; ``If_Match=`` is a header."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {**self.headers, **({"Content-Type": "application/json"} if content else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self._unchecked.request(
            path, method=method, headers=sent, body=content, status=status, environ=dict(environ or {})
        )

    def get(self, path: str, status: Any = 200, **headers: str) -> Any:
        return self.web.get(path, headers={**self.headers, **headers}, status=status)

    def head(self, path: str, status: Any = 200) -> Any:
        return self.web.head(path, headers=self.headers, status=status)

    def post(self, body: object, status: Any = 201, path: str = "/v1/clients") -> Any:
        return self.web.post_json(path, body, headers=self.headers, status=status)

    def put(self, client_id: str, body: object, status: Any = 200) -> Any:
        return self.web.put_json(f"/v1/clients/{client_id}", body, headers=self.headers, status=status)

    def delete(self, client_id: str, status: Any = 200) -> Any:
        return self.web.delete(f"/v1/clients/{client_id}", headers=self.headers, status=status)

    def create(self, **fields: object) -> dict[str, Any]:
        """Create Jordan Lee with these other ``fields``. Returns the record."""
        return self.post({**JORDAN, **fields}).json["data"]

    def list(self, query: str = "") -> dict[str, Any]:
        """``clients`` and ``meta`` of a list; ``query`` begins with a question mark."""
        return self.get(f"/v1/clients{query}").json["data"]

    def total(self, query: str = "") -> int:
        return self.list(query)["meta"]["total"]

    def user_id(self) -> str:
        return self.get("/v1/users/me").json["data"]["id"]


def fields_of(answer: Any) -> list[str]:
    """The fields that an error names."""
    return [problem["field"] for problem in answer.json["error"]["details"]]


def code_of(answer: Any) -> str:
    return answer.json["error"]["code"]


def full_key(app: acare.App, email: str = "broker@example.com", role: Any = "broker") -> str:
    """A new key with all scopes."""
    return new_key(app.keys, email, ALL_SCOPES, role=role).key


def fast_clock() -> Callable[[], int]:
    """A clock for an app that gains a second whenever it is read, so that each /readyz runs the checks."""
    return itertools.count(0, 1_000_000_000).__next__


def app_fixture(scope: Literal["function", "module"] = "module", **settings: Any) -> Any:
    """A fixture with an app, without a rate limit unless ``settings`` set one.

    With one app for a module, each test creates its own clients.
    """

    @pytest.fixture(scope=scope)
    def app(tmp_path_factory: pytest.TempPathFactory, new_database: bytes) -> Iterator[acare.App]:
        path = tmp_path_factory.mktemp("app") / "acare.db"
        path.write_bytes(new_database)
        with acare.create_app(database=path, **{"rate_limit": "off", **settings}) as app:
            yield app

    return app
