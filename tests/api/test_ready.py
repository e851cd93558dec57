"""Liveness and readiness: whether the process answers, and whether it can write."""

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from support.client import Api
from support.sockets import wait_for
from support.threads import Call, Held, in_threads

import acare
from acare.api.system import CHECK_NANOSECONDS


@pytest.fixture
def clock():
    """The clock of the app: ``now`` is its time in nanoseconds."""
    return SimpleNamespace(now=0)


@pytest.fixture
def app(tmp_path, new_database, clock):
    (tmp_path / "acare.db").write_bytes(new_database)
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off", clock=lambda: clock.now) as app:
        app.database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 20").fetchall())
        yield app


@pytest.fixture
def another(app):
    """Another program's connection to the database."""
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as connection:
        yield connection


def ready(app, status=200, **environ):
    """The failed checks, by name."""
    body = Api(app).ask("GET", "/readyz", status=status, environ=environ).json
    checks = body["data"]["checks"] if body["success"] else body["error"]["details"]["checks"]
    assert list(checks) == ["server", "write"]
    return {name: state for name, state in checks.items() if state != "ok"}


def test_the_check_commits_a_write(app, another):
    before = another.execute("PRAGMA data_version").fetchall()
    ready(app)
    assert another.execute("PRAGMA data_version").fetchall() != before


def test_many_callers_cause_one_check_in_a_second(app, clock, monkeypatch):
    checks, check = [], app.database.check_write
    monkeypatch.setattr(app.database, "check_write", lambda: checks.append(1) or check())
    for seconds, number in ((0, 1), (0.999, 1), (1, 2)):
        clock.now = seconds * CHECK_NANOSECONDS
        in_threads(8, lambda _: ready(app))
        assert len(checks) == number


def test_callers_get_the_last_result_while_a_check_runs(app, clock):
    ready(app)
    clock.now += CHECK_NANOSECONDS
    with Held(app.database._writer) as held:
        first = Call(ready, app)
        wait_for(lambda: held.queued() == 1)
        assert ready(app) == {}
    assert first.result() == {}


TROUBLE = {
    "locked": lambda app, another: another.execute("BEGIN EXCLUSIVE"),
    "without its file": lambda app, another: app.database.path.unlink(),
    "closed": lambda app, another: app.close(),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_a_server_that_is_not_ready_is_alive(app, another, trouble):
    trouble(app, another)
    assert Api(app).get("/healthz").json["data"] == {"status": "ok"}
    ready(app, 503)
