"""Where a server may answer a request: in its event loop, or in threads for each kind of request."""

import pytest

from acare.api.request import workload

WORKLOADS = {
    ("GET", "/v1/clients", ""): "quick",
    ("GET", "/v1/clients", "limit=26"): "list",
    ("GET", "/v1/clients", "page=99&limit=100"): "list",
    ("GET", "/v1/clients", "page=100&limit=100"): "slow",
    ("GET", "/v1/clients", "page=00000000030000"): "slow",
    ("GET", "/v1/clients", "p%61ge=30000"): "slow",
    ("HEAD", "/v1/clients", "q=lee"): "slow",
    ("GET", "/v1/clients", "limit=1&deleted=true"): "slow",
    ("GET", "/v1/clients.csv", ""): "slow",
    ("HEAD", "//v1/clients.csv/", "limit=1"): "slow",
    ("GET", "/v1/clients/x/history", ""): "slow",
    ("GET", "/v1/clients/x/%68istory", ""): "slow",
    ("GET", "/v1/keys", ""): "slow",
    ("GET", "/v1/changes", ""): "list",
    ("HEAD", "/v1/changes/", "limit=1"): "list",
    ("POST", "/v1/clients", ""): "write",
    ("DELETE", "/v1/clients/x", ""): "write",
    ("GET", "/readyz", ""): "check",
    ("GET", "//readyz/", ""): "check",
    ("GET", "/healthz", ""): "quick",
}


@pytest.mark.parametrize(("request_line", "expected"), WORKLOADS.items(), ids=str)
def test_a_request_has_a_workload(request_line, expected):
    assert workload(*request_line) == expected
