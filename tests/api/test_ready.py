"""Readiness: room on the disk, and one check a second (database/test_disk has the rest, and liveness)."""

import shutil
from types import SimpleNamespace

import pytest
from support.client import Api
from support.threads import in_threads

import acare
from acare.api.public import CHECK_NANOSECONDS
from acare.database.database import MIN_FREE


@pytest.fixture
def clock():
    """The clock of the app: ``now`` is its time in nanoseconds."""
    return SimpleNamespace(now=0)


@pytest.fixture
def app(tmp_path, new_database, clock):
    (tmp_path / "acare.db").write_bytes(new_database)
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off", clock=lambda: clock.now) as app:
        yield app


def ready(app):
    return Api(app).get("/readyz").json["data"] == {
        "status": "ready",
        "checks": {"server": "ok", "write": "ok"},
    }


def test_many_callers_cause_one_check_in_a_second(app, clock, monkeypatch):
    checks, check = [], app.database.check_write
    monkeypatch.setattr(app.database, "check_write", lambda: checks.append(1) or check())
    for seconds, number in ((0, 1), (0.999, 1), (1, 2)):
        clock.now = seconds * CHECK_NANOSECONDS
        in_threads(8, lambda _: ready(app))
        assert len(checks) == number


def test_it_is_not_ready_with_little_room_on_the_disk(app, clock, monkeypatch):
    for free, status in ((MIN_FREE - 1, 503), (MIN_FREE, 200)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        clock.now += CHECK_NANOSECONDS
        answer = Api(app).get("/readyz", status)
        assert ("Less than 16 MiB of the disk is free." in answer.text) == (status == 503)
