"""The access log: one line for each request (test_secrets shows that no line has a key)."""

import logging
import re

import pytest
from support.client import app_fixture

app = app_fixture()


@pytest.fixture
def lines(caplog):
    """The lines of the access log so far."""
    caplog.set_level(logging.INFO, logger="acare.access")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "acare.access"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/clients?page=1", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/v1/clients", 405),
    ],
)
def test_a_request_is_one_line_with_its_id_and_key(api, lines, method, path, status):
    answer = api.ask(method, path, status=status)
    (line,) = lines()
    assert re.search(rf"\b{method} {path.partition('?')[0]} {status} \d+\.\dms key=", line)
    assert line.endswith(f" request={answer.headers['X-Request-ID']}")
    outside = path == "/nothing"
    assert ("key=- " in line) is outside
    assert (re.search(f"{api.key[:8]}.*{api.key[-4:]}", line) is None) is outside


def test_a_long_path_is_cut(api, lines):
    api.get("/" + "%C3%A9" * 10_000, 404)
    (line,) = lines()
    assert len(line) < 13_000
    assert "... 404 " in line


@pytest.mark.parametrize("path", ["/v1/clients/a%0Ab", "/a%1B[2J", "/%E2%80%A8"])
def test_a_path_cannot_break_a_line(api, lines, path):
    api.get(path, 404)
    (line,) = lines()
    assert line.isprintable()
