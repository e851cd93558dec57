"""A long path in the access log (cli/test_serve has whole lines, test_secrets shows that none has a key)."""

import logging

import pytest
from support.client import app_fixture

app = app_fixture()


@pytest.fixture
def lines(caplog):
    """The lines of the access log so far."""
    caplog.set_level(logging.INFO, logger="acare.access")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "acare.access"]


def test_a_long_path_is_cut(api, lines):
    api.get("/" + "%C3%A9" * 10_000, 404)
    (line,) = lines()
    assert len(line) < 13_000
    assert "... 404 " in line
