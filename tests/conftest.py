"""Fixtures: an app on a database of its own, callers with keys to it, and real servers."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.client import Api
from support.data import ALL_SCOPES
from support.keys import new_key
from support.server import RunningServer, starter

import acare

if os.access("/dev/shm", os.W_OK):
    # A file system in memory: the tests wait for thousands of syncs, and none depends on a real disk.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a script. The commands that the tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also under nohup

# What cannot run here. ci/ needs the network, or programs that .ci/run installs, web/browser a Chromium and
# the folder of axe-core. The recorder of power cuts is built by gcc and preloaded as Linux does it.
NEEDS = {
    "ci": "ACARE_TEST_CI" in os.environ,
    "web/browser": "ACARE_TEST_BROWSER" in os.environ,
    "powercut/test_power_cut.py": sys.platform == "linux" and shutil.which("gcc"),
}
collect_ignore = [path for path, is_there in NEEDS.items() if not is_there]


def pytest_collection_finish() -> None:
    """Remove the developer's own settings, and the variables of the tests, which the modules have read."""
    for name in [name for name in os.environ if name.startswith("ACARE_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database; copying one takes half as long as creating it."""
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
        granted = ALL_SCOPES if scopes is None else scopes
        return Api(app, new_key(app.keys, email, granted, role=role).key)

    return make


@pytest.fixture
def api(caller: Callable[..., Api]) -> Api:
    """A broker with a full-access key."""
    return caller()


@pytest.fixture
def ana(caller: Callable[..., Api]) -> Api:
    """An agent."""
    return caller("ana@example.com", "agent")


@pytest.fixture
def ben(caller: Callable[..., Api]) -> Api:
    """Another agent."""
    return caller("ben@example.com", "agent")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers in this test's folder."""
    with starter(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with default settings, for tests that only send requests to it."""
    with starter(tmp_path_factory.mktemp("server")) as start:
        yield start()
