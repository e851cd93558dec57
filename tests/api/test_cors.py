"""CORS: preflights, and which answers a page of another origin may read."""

import json

import pytest
import webtest
from support.client import Api
from support.data import JORDAN

import acare
from acare.api.cors import Cors

ORIGIN = "https://intranet.example"
EVIL = "https://evil.example"
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
READABLE = {"Access-Control-Allow-Origin": ORIGIN, "Vary": "Origin"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app that pages of one origin may call."""
    path = tmp_path_factory.mktemp("cors") / "acare.db"
    with acare.create_app(database=path, rate_limit="off", cors_origin=ORIGIN) as app:
        yield app


@pytest.fixture
def limited(tmp_path):
    """An app that lets four requests pass and no more, since its clock stands still."""
    with acare.create_app(
        database=tmp_path / "limited.db", rate_limit="4/900", cors_origin=ORIGIN, clock=lambda: 0
    ) as app:
        yield app


def ask(app, method, path, body=b"", status=200, key=None, **headers):
    """Headers with an underscore for each hyphen."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent |= {} if key is None else {"X-API-Key": key}
    sent |= {"Content-Type": "application/json"} if body else {}
    return webtest.TestApp(app, lint=False).request(
        path, method=method, headers=sent, body=body, status=status
    )


def preflight(app, path="/v1/clients", origin=ORIGIN, method="POST", names="x-api-key,content-type"):
    asked = {"Access_Control_Request_Method": method, "Access_Control_Request_Headers": names}
    return ask(app, "OPTIONS", path, Origin=origin, **asked)


def key_of(app):
    return app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key


def cors_headers(answer):
    return {name for name in answer.headers if name.lower().startswith("access-control")}


def vary(answer):
    return {name.strip().lower() for name in answer.headers.get("Vary", "").split(",")} - {""}


# --- preflights

ITEM = f"/v1/clients/{UNKNOWN}"
PATHS = ["/v1/clients", ITEM, "/v1/clients/x", "/v1/clients/", "/v1/nothing", "/nothing", "/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_preflight_is_answered_on_any_path_without_a_key(app, path, method):
    answer = preflight(app, path, method=method)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
    assert answer.headers["Access-Control-Allow-Headers"] == "x-api-key,content-type"
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_takes_no_token_and_is_never_429(limited, path):
    for _ in range(10):
        assert "RateLimit-Remaining" not in preflight(limited, path).headers
    assert ask(limited, "GET", "/v1/clients", status=401).headers["RateLimit-Remaining"] == "3"


def test_a_preflight_is_answered_when_the_bucket_is_empty(limited):
    for status in (401, 401, 401, 401, 429):
        ask(limited, "GET", "/v1/clients", status=status)
    assert preflight(limited).headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/v1/clients", "/nothing"])
def test_a_preflight_of_another_origin_allows_nothing(app, path):
    answer = preflight(app, path, origin=EVIL)
    assert not cors_headers(answer)
    assert vary(answer) == {"origin"}


def test_without_the_setting_a_preflight_takes_no_token_but_allows_nothing(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", rate_limit="1/900", clock=lambda: 0) as app:
        for _ in range(3):
            assert not cors_headers(preflight(app))


@pytest.mark.parametrize("missing", ["Origin", "Access_Control_Request_Method"])
def test_options_that_is_no_preflight_takes_a_token(limited, missing):
    headers = {"Origin": ORIGIN, "Access_Control_Request_Method": "PUT"}
    del headers[missing]
    answer = ask(limited, "OPTIONS", "/v1/clients", **headers)
    assert answer.headers["RateLimit-Remaining"] == "3"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_only_options_is_a_preflight(app, method):
    headers = {"Origin": ORIGIN, "Access_Control_Request_Method": "PUT"}
    ask(app, method, "/v1/clients", status=401, **headers)


@pytest.mark.parametrize("header", ["if-match", "idempotency-key", "traceparent", "X-A, X-B"])
def test_a_page_may_send_the_headers_that_it_asks_for(app, header):
    assert preflight(app, names=header).headers["Access-Control-Allow-Headers"] == header


@pytest.mark.parametrize("names", ["", "x" * 5000, "a;b", 'a"b', "<x>"])
def test_a_garbled_list_of_headers_is_not_echoed(app, names):
    assert "Access-Control-Allow-Headers" not in preflight(app, names=names).headers


# --- which answers a page may read

REFUSALS = [
    ("GET", "/v1/clients?page=0", b"", 400, {}),
    ("POST", "/v1/clients", b"{", 400, {}),
    ("GET", "/v1/clients", b"", 401, {"key": None}),
    ("GET", f"/v1/clients/{UNKNOWN}", b"", 404, {}),
    ("GET", "/v1/nothing", b"", 404, {}),
    ("GET", "/nothing", b"", 404, {}),
    ("PATCH", "/v1/clients", b"", 405, {}),
    ("POST", "/v1/clients", b"x" * 70_000, 413, {}),
    ("POST", "/v1/clients", b"{}", 415, {"Content_Encoding": "gzip"}),
    ("GET", "/v1/clients", b"", 200, {}),
    ("GET", "/healthz", b"", 200, {}),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: f"{each[0]} {each[1]} {each[3]}")
def test_a_page_of_an_allowed_origin_may_read_every_answer(app, refusal):
    method, path, body, status, headers = refusal
    answer = ask(app, method, path, body, status, **{"key": key_of(app), "Origin": ORIGIN, **headers})
    assert {name: answer.headers[name] for name in READABLE} == READABLE
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"ETag", "Idempotent-Replayed", "Location", "RateLimit-Remaining", "Retry-After"}
    assert "X-Request-ID" in exposed


def test_a_page_may_read_a_412(app):
    api = Api(app, key_of(app))
    path = f"/v1/clients/{api.create()['id']}"
    answer = ask(app, "DELETE", path, status=412, key=api.key, Origin=ORIGIN, If_Match='"9"')
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_page_may_read_a_500(app, monkeypatch):
    monkeypatch.setattr(app.clients, "page", lambda *_, **__: 1 / 0)
    answer = ask(app, "GET", "/v1/clients", status=500, key=key_of(app), Origin=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_of_five_fetches_the_fifth_is_a_429_that_the_page_can_read(limited):
    key = key_of(limited)
    answers = []
    for page in range(1, 6):  # each URL is new, so a browser sends a preflight before each
        path = f"/v1/clients?page={page}"
        allowed = preflight(limited, path, method="GET", names="x-api-key")
        assert allowed.headers["Access-Control-Allow-Headers"] == "x-api-key"
        answers.append(ask(limited, "GET", path, status="*", key=key, Origin=ORIGIN))
    assert [answer.status_int for answer in answers] == [200, 200, 200, 200, 429]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert answers[-1].headers["Retry-After"] == "225"


@pytest.mark.parametrize(
    "origin", [EVIL, f"{ORIGIN}.evil.example", "http://intranet.example", f"{ORIGIN}:8443", "null", "*", ""]
)
def test_a_page_of_another_origin_may_read_nothing(app, origin):
    answer = ask(app, "GET", "/v1/clients", key=key_of(app), Origin=origin)
    assert not cors_headers(answer)


def test_with_a_star_every_origin_is_allowed(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", cors_origin="*") as app:
        answer = ask(app, "GET", "/v1/clients", status=401, Origin=EVIL)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert preflight(app, origin=EVIL).headers["Access-Control-Allow-Origin"] == "*"


def test_without_the_setting_no_answer_mentions_cors(tmp_path):
    with acare.create_app(database=tmp_path / "a.db") as app:
        answer = ask(app, "GET", "/v1/clients", status=401, Origin=ORIGIN)
        assert app.cors is None
    assert not cors_headers(answer)
    assert vary(answer) == set()


# --- Vary


@pytest.mark.parametrize("origin", [None, ORIGIN, EVIL])
@pytest.mark.parametrize(
    ("path", "status"), [("/v1/clients", 200), (f"/v1/clients/{UNKNOWN}", 404), ("/x", 404)]
)
def test_every_answer_varies_with_the_origin(app, origin, path, status):
    headers = {} if origin is None else {"Origin": origin}
    assert vary(ask(app, "GET", path, status=status, key=key_of(app), **headers)) == {"origin"}


def test_a_304_varies_with_the_origin_too(app):
    api = Api(app, key_of(app))
    path = f"/v1/clients/{api.create()['id']}"
    assert vary(ask(app, "GET", path, status=304, key=api.key, If_None_Match="*")) == {"origin"}


def test_a_page_may_read_the_tag_and_the_replay_of_a_new_client(app):
    sent = {"key": key_of(app), "Origin": ORIGIN, "Idempotency_Key": "k"}
    answer = ask(app, "POST", "/v1/clients", json.dumps(JORDAN).encode(), 201, **sent)
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {"ETag", "Idempotent-Replayed", "Location"}


# --- for a server that answers before the app


def test_a_server_gets_the_headers_for_its_own_answers(app):
    assert READABLE.items() <= dict(app.cors.headers_for(ORIGIN)).items()


@pytest.mark.parametrize("origin", [None, "", EVIL, "null"])
def test_a_server_gets_vary_alone_for_another_origin(app, origin):
    assert app.cors.headers_for(origin) == [("Vary", "Origin")]


def test_a_star_among_others_is_no_wildcard():
    assert not Cors(("*", ORIGIN)).allows(EVIL)
