"""Callers take turns: the slow requests of one caller do not delay those of another."""

import itertools
import re
import select
import time

import pytest
from support.client import app_fixture
from support.data import ALL_SCOPES
from support.files import write_lock
from support.keys import new_key
from support.sockets import BODY, LARGE_PAGE, fill_with_large_clients, read_answer, request, wait_for
from support.target import PROMPT, TRIES, Clock, target_in
from support.wsgi import call

import acare
from acare.auth import OPERATOR
from acare.store.callers import CACHE_NANOSECONDS

SEARCH_SECONDS = 0.5
LONG_SECONDS = 3
SLOW = f"""
import time
from acare.api import resources
on_get = resources.ClientCollection.on_get
def search(self, req, resp):
    if "q" in req.params:
        time.sleep({SEARCH_SECONDS})
    on_get(self, req, resp)
resources.ClientCollection.on_get = search
resources.ClientsCsv.on_get = lambda self, req, resp: time.sleep({LONG_SECONDS})
"""
SEARCH = "/v1/clients?q=lee"


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A slow server with large clients, and eight keys of one user and one of each of five others."""
    database = tmp_path_factory.mktemp("turns") / "served.db"
    fill_with_large_clients(database)
    with acare.create_app(database=database) as app:
        keys = [
            new_key(app.keys, f"{name}@example.com", ALL_SCOPES, role="broker").key
            for name in [*["busy"] * 8, "a", "b", "c", "d", "other"]
        ]
    with target_in(database.parent, key=keys[0], before=SLOW) as busy:
        busy.database = database
        busy.keys, busy.office, busy.other = keys[:8], keys[8:-1], keys[-1]
        yield busy


def ask(busy, method, path, body=b""):
    """The seconds until another caller is answered."""
    clock = Clock(busy.process.pid)
    began = clock.now()
    with busy.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(request(busy.other, method, path, body))
        assert read_answer(stream)[0] < 300
    return clock.now() - began


def seconds_beside(busy, path, *what):
    """The seconds until another user is answered while one asks for ``path`` 60 times, with all keys."""
    with busy.connections(60) as crowd:
        for raw, key in zip(crowd, itertools.cycle(busy.keys), strict=False):
            raw.sendall(request(key, path=path))
        time.sleep(0.1)
        return ask(busy, *what)


# What one user asks for 60 times, what another asks, and the seconds until the answer. Behind the 60 searches
# it would be 7.5 s, and behind one with each key at least 1 s.
BESIDE = {
    "a search beside searches": (SEARCH, ("GET", SEARCH), SEARCH_SECONDS + 0.4),
    "a list beside searches": (SEARCH, ("GET", "/v1/clients?limit=1"), PROMPT),
    "a write beside searches": (SEARCH, ("POST", "/v1/clients", BODY), 1),
    "a list beside large pages": (LARGE_PAGE, ("GET", "/v1/clients?limit=1"), PROMPT),
}


@pytest.mark.parametrize(("path", "what", "seconds"), BESIDE.values(), ids=BESIDE)
def test_requests_of_one_caller_do_not_delay_another(busy, path, what, seconds):
    assert min(seconds_beside(busy, path, *what) for _ in range(TRIES)) < seconds


@pytest.mark.parametrize(("path", "seconds"), [(SEARCH, SEARCH_SECONDS + 0.4), ("/readyz", PROMPT)])
def test_downloads_of_four_users_delay_no_search_and_no_check(busy, path, seconds):
    with busy.connections(4) as crowd:
        for raw, key in zip(crowd, busy.office, strict=True):
            raw.sendall(request(key, path="/v1/clients.csv"))
        assert busy.is_well()  # by now, the server has read them
        assert ask(busy, "GET", path) < seconds
        assert not select.select(crowd, [], [], 0)[0]  # none has its file


def test_writes_and_checks_that_wait_do_not_delay_reads(busy):
    with busy.connections(20) as crowd, write_lock(busy.database):
        for number, raw in enumerate(crowd):
            raw.sendall(
                request(busy.key, "POST", body=BODY) if number % 2 else request(f"{number}", path="/readyz")
            )
        time.sleep(0.1)
        for path in ("/v1/clients?page=99999", "/v1/clients?limit=1"):
            assert ask(busy, "GET", path) < 1


now = [0]
app = app_fixture(clock=lambda: now[0])


REVOKE = "UPDATE api_keys SET revoked_at = '2026-07-15T14:32:10.000Z' WHERE id = :id"


@pytest.mark.parametrize("is_here", [True, False], ids=["by this server", "by another process"])
def test_a_key_revoked_while_its_request_waits_is_refused(app, is_here):
    made = new_key(app.keys, "ana@example.com", ALL_SCOPES)
    line = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/clients", "REMOTE_ADDR": "192.0.2.1"}
    env = {**line, "HTTP_X_API_KEY": made.key}
    app.turn(env)
    if is_here:
        app.keys.revoke(OPERATOR, made.id)
    else:
        app.database.write(lambda connection: connection.execute(REVOKE, {"id": made.id}).rowcount)
        now[0] += CACHE_NANOSECONDS
    status, _, _ = call(app, env["REQUEST_METHOD"], env["PATH_INFO"], body=BODY, **env)
    assert status == "401 Unauthorized"


@pytest.mark.parametrize("query", ["q=ana", "limit=%20&q=ana", "limit=100", "page=400"])
def test_a_list_that_takes_long_is_not_answered_in_the_loop(app, query):
    line = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/clients", "REMOTE_ADDR": "192.0.2.1"}
    assert app.turn({**line, "QUERY_STRING": query}).cost == "slow"


# --- an error before a request is queued

BUG, BUSY = "a" * 64, "b" * 64
FAILING = f"""
from acare.errors import StoreUnavailable
from acare.store.callers import CACHE_NANOSECONDS, Callers
with_key = Callers.with_key
def fail(self, key, cache=None):
    if key == "{BUG}":
        raise KeyError("a bug")
    if key == "{BUSY}":
        raise StoreUnavailable("The database is busy.")
    return with_key(self, key)
Callers.with_key = fail
"""
ERRORS = {
    BUG: (500, "INTERNAL_ERROR", "KeyError: 'a bug'"),
    BUSY: (503, "SERVICE_UNAVAILABLE", "The database is busy. request="),
}


def test_an_error_before_a_request_is_queued_gets_an_envelope(tmp_path):
    with target_in(tmp_path, before=FAILING) as target:
        for key, (status, code, logged) in ERRORS.items():
            with target.connections() as [raw], raw.makefile("rb") as stream:
                raw.sendall(request(key) + request(target.key))
                answered, _, answer = read_answer(stream)
                assert (answered, answer["error"]["code"]) == (status, code)
                assert read_answer(stream)[0] == 200
            line = f"GET /v1/clients {status} .* request={answer['correlationId']}\n"
            wait_for(lambda line=line: re.search(line, target.log()))
            assert target.log().count(logged) == 1
