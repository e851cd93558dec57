"""Where a server may answer a request: in its event loop, or in threads for each kind of request."""

import pytest
from support.client import app_fixture

app = app_fixture()

WORKLOADS = {
    ("GET", "/v1/clients", ""): "quick",
    ("GET", "/v1/clients", "limit=26"): "list",
    ("GET", "/v1/clients", "page=100&limit=100"): "slow",
    ("GET", "/v1/clients", "p%61ge=30000"): "slow",
    ("HEAD", "/v1/clients", "q=lee"): "slow",
    ("GET", "/v1/clients", "limit=1&deleted=true"): "slow",
    ("GET", "/v1/clients.csv", ""): "slow",
    ("GET", "/v1/clients/x/%68istory", ""): "slow",
    ("GET", "/v1/keys", ""): "slow",
    ("GET", "/v1/changes", ""): "list",
    ("DELETE", "/v1/clients/x", ""): "write",
    ("GET", "//readyz/", ""): "check",
    ("GET", "/healthz", ""): "quick",
}


@pytest.mark.parametrize(("request_line", "workload"), WORKLOADS.items(), ids=str)
def test_a_request_has_a_workload(app, request_line, workload):
    assert app.workload(*request_line) == workload
