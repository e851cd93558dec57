"""Where a server may answer a request: in its event loop, or in threads for each kind of request."""

import pytest
from support.client import app_fixture

app = app_fixture()

WORKLOADS = {
    ("GET", "/v1/clients", ""): "quick",
    ("GET", "/v1/clients", "page=99&limit=100"): "quick",
    ("GET", "/v1/clients", "page=100&limit=100"): "read",
    ("GET", "/v1/clients", "page=00000000030000"): "read",
    ("GET", "/v1/clients", "p%61ge=30000"): "read",
    ("HEAD", "/v1/clients", "q=lee"): "read",
    ("GET", "/v1/clients/x", ""): "quick",
    ("POST", "/v1/clients", ""): "write",
    ("PUT", "/v1/clients/x", ""): "write",
    ("DELETE", "/v1/clients/x", ""): "write",
    ("GET", "/readyz", ""): "check",
    ("GET", "//readyz/", ""): "check",
    ("GET", "/healthz", ""): "quick",
}


@pytest.mark.parametrize(("request_line", "workload"), WORKLOADS.items(), ids=str)
def test_a_request_has_a_workload(app, request_line, workload):
    assert app.workload(*request_line) == workload


def test_after_a_large_page_lists_are_not_quick(app, monkeypatch):
    monkeypatch.setattr(app._collection, "has_large_pages", True)
    assert app.workload("GET", "/v1/clients", "") == "read"
    assert app.workload("GET", "/v1/clients/x", "") == "quick"


def test_a_large_page_is_noticed(app, api):
    for _ in range(27):
        api.create(notes="x" * 10_000)
    api.get("/v1/clients?limit=25")
    assert app.workload("GET", "/v1/clients", "") == "quick"
    api.get("/v1/clients?limit=27")
    assert app.workload("GET", "/v1/clients", "") == "read"
