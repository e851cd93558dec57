"""Fixtures of import and export: agencies with a database and files, and a hosted service."""

from types import SimpleNamespace

import pytest
from support.hosted import Hosted, listening
from support.importing import Agency, Mover

from acare.importing import remote


@pytest.fixture
def agency(tmp_path):
    return Agency(tmp_path)


@pytest.fixture
def other(tmp_path):
    """An agency without clients."""
    (tmp_path / "other").mkdir()
    return Agency(tmp_path / "other")


@pytest.fixture
def hosted():
    """The hosted service, without clients."""
    return Hosted()


@pytest.fixture
def mover(agency, hosted, monkeypatch):
    """Imports from the hosted service into the agency. Pauses end at once, and are noted by the service."""
    clock = SimpleNamespace(sleep=hosted.sleep, monotonic=lambda: hosted.now)
    monkeypatch.setattr(remote, "time", clock)
    with listening(hosted) as url:
        yield Mover(agency, hosted, url)
