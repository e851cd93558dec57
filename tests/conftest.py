"""Fixtures: an app on a database of its own, callers with keys to it, and real servers."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from webtest import TestApp

import acare

if os.access("/dev/shm", os.W_OK):
    # A disk that is memory: the tests wait for thousands of syncs, and what they hold does not depend on one.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")
for name in [name for name in os.environ if name.startswith("ACARE_") and not name.startswith("ACARE_TEST_")]:
    del os.environ[name]  # whoever runs the tests may have settings of their own
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a hundred servers start, and need not compile each anew

JORDAN = {"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer"}


def pytest_collection_finish() -> None:
    """Keep the thousands of tests themselves out of every collection of garbage to come."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


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


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with nothing in it; to copy one takes half as long as to make it."""
    path = tmp_path_factory.mktemp("new") / "acare.db"
    acare.create_app(database=path).close()
    return path.read_bytes()


@pytest.fixture
def app(tmp_path: Path, new_database: bytes) -> Iterator[acare.App]:
    (tmp_path / "acare.db").write_bytes(new_database)
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        yield app


@pytest.fixture
def caller(app: acare.App) -> Callable[..., Api]:
    """Makes a caller: ``caller("ana@example.com", role="agent", scopes={...})``."""

    def make(
        email: str = "broker@example.com",
        role: Any = "broker",
        scopes: dict[str, list[str]] | None = None,
    ) -> Api:
        granted = {"all": ["read", "write"]} if scopes is None else scopes
        return Api(app, app.keys.create(email, granted, role=role).key)

    return make


@pytest.fixture
def api(caller: Callable[..., Api]) -> Api:
    """A broker whose key may everything."""
    return caller()


class RunningServer:
    """A real ``acare`` process on a free port; what it printed and where it is."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, key: str | None, printed: str) -> None:
        self.process, self.url, self.key, self.printed = process, url, key, printed


@contextmanager
def starter(folder: Path) -> Iterator[Callable[..., RunningServer]]:
    """Gives what starts ``acare serve`` (or another command) and waits until it says where it listens."""
    log = folder / "server.log"
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, command: str = "serve", env: dict[str, str] | None = None) -> RunningServer:
        where = [] if command == "demo" or "--database" in arguments else ["--database", "served.db"]
        with log.open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "acare", command, "--listen", "127.0.0.1:0", *where, *arguments],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        started.append(process)
        assert process.stdout is not None
        printed = os.read(process.stdout.fileno(), 65536).decode()  # it is written at once
        url = re.search(r"http://[^/\s]+", printed)
        assert url, f"no address in {printed!r}; its log: {log.read_text()}"
        key = re.search(r"\b[0-9a-f]{64}\b", printed)
        return RunningServer(process, url[0], key and key[0], printed)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers in this test's folder."""
    with starter(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One as it is by itself, for all tests of a module that only ask it something."""
    with starter(tmp_path_factory.mktemp("server")) as start:
        yield start()
