"""What a request costs, and how many slow requests a caller may have at a time."""

import threading

import pytest
from support.client import Api, app_fixture
from support.data import ALL_SCOPES
from support.keys import new_key
from support.sockets import wait_for
from support.threads import Call

from acare.api.admission import MAX_SLOW, cost

ID = "0190a6b2-1f3e-7c4d-8a5b-6c7d8e9f0a1b"
QUICK = [
    *("GET /", "GET /healthz", "GET /openapi.json", "GET /web/page.mjs", "HEAD /healthz"),
    *("GET /v1/users/me", f"GET /v1/clients/{ID}", f"HEAD /v1/clients/{ID}", f"GET //v1/clients/{ID}"),
    *("GET /v1/clients", "GET /v1/clients?limit=25", "GET /v1/clients?page=399&limit=25"),
    f"GET /v1/clients?status=active&client_type=buyer&user_id={ID}&page=2&limit=10",
]
SLOW = [
    *(
        "GET /v1/clients?q=lee",
        "GET /v1/clients?limit=26",
        "GET /v1/clients?limit=100",
        "GET /v1/clients?page=400",
    ),
    *("GET /v1/clients?limit=%20&q=a", "GET /v1/clients?sort=name", "GET /v1/clients?deleted=true"),
    *("GET /v1/clients?status=active&q=a", "GET /v1/clients?limit=25&limit=25&page=1&page=1&limit=1&page=1"),
    *("GET //v1/clients?q=lee", "HEAD /v1/clients?q=lee", "GET v1/clients?q=lee"),
    *(
        "GET /v1/clients.csv",
        f"GET /v1/clients/{ID}/history",
        "GET /v1/changes",
        "GET /v1/users",
        "GET /v1/keys",
    ),
    f"POST /v1/users/{ID}/handover",
]
OTHER = [
    *("GET /readyz", "POST /v1/clients", f"PUT /v1/clients/{ID}", f"DELETE /v1/clients/{ID}"),
    *(
        "POST /v1/clients?q=lee",
        f"POST /v1/clients/{ID}/restore",
        "GET /v1/unknown",
        f"GET /healthz?{'x' * 501}",
    ),
]


@pytest.mark.parametrize("kind", ["quick", "slow", "other"])
def test_the_pattern_decides_what_a_request_costs(kind):
    for line in {"quick": QUICK, "slow": SLOW, "other": OTHER}[kind]:
        method, _, target = line.partition(" ")
        path, _, query = target.partition("?")
        assert cost(method, path, query) == kind, line


# --- slow requests of one caller

app = app_fixture()
SEARCH = "/v1/clients?q=lee"


class Gate:
    """Searches that wait until they may go on."""

    def __init__(self, page):
        self._page, self.open = page, threading.Event()
        self.running = self.most = 0

    def __call__(self, *arguments, **filters):
        if "q" in filters:
            self.running += 1
            self.most = max(self.most, self.running)
            assert self.open.wait(10)
            self.running -= 1
        return self._page(*arguments, **filters)


@pytest.fixture
def gate(app, monkeypatch):
    gate = Gate(app.lists.page)
    monkeypatch.setattr(app.lists, "page", gate)
    yield gate
    gate.open.set()


@pytest.fixture(scope="module")
def ana(app):
    return Api(app, new_key(app.keys, "ana@example.com", ALL_SCOPES, role="broker").key)


def search_at_once(api, number):
    return [Call(lambda: api.get(SEARCH, "*")) for _ in range(number)]


def test_four_may_be_in_progress_of_which_one_runs(app, ana, gate):
    calls = search_at_once(ana, MAX_SLOW + 2)
    wait_for(lambda: sum(call.is_alive() for call in calls) == MAX_SLOW)
    for refused in (call.result() for call in calls if not call.is_alive()):
        error = refused.json["error"]
        assert (refused.status_int, refused.headers["Retry-After"]) == (429, "1")
        assert (error["code"], error["details"]) == ("RATE_LIMIT_EXCEEDED", {"retryAfter": 1})
        assert "4 slow requests in progress" in error["message"]
    Api(app, new_key(app.keys, "ana@example.com", ALL_SCOPES).key).get(SEARCH, 429)
    Api(app, new_key(app.keys, "ana@example.com", {"keys": ["read"]}).key).get(SEARCH, 403)
    Api(app, new_key(app.keys, "ben@example.com", ALL_SCOPES).key).get("/v1/clients?limit=100", 200)
    ana.get("/v1/clients", 200)
    gate.open.set()
    assert sorted(call.result().status_int for call in calls) == [200] * MAX_SLOW + [429] * 2
    assert gate.most == 1
    ana.get(SEARCH, 200)


@pytest.mark.parametrize("status", [400, 500])
def test_a_failed_request_is_no_longer_in_progress(ana, app, monkeypatch, status):
    if status == 500:
        monkeypatch.setattr(app.lists, "page", lambda *_, **__: 1 / 0)
    for _ in range(MAX_SLOW + 1):
        ana.get("/v1/clients?q=lee" if status == 500 else "/v1/clients?sort=x", status)
