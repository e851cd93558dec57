"""CORS: preflights, and which responses a page of another origin may read."""

import pytest
from support.client import Api, app_fixture, full_key
from support.data import JORDAN, UNKNOWN_ID

import acare
from acare.api.cors import Cors

ORIGIN, OTHER_ORIGIN = "https://intranet.example", "https://evil.example"
COLLECTION = "/v1/clients"
EXPOSED = {"ETag", "Idempotent-Replayed", "Location", "RateLimit-Limit", "RateLimit-Remaining",
           "RateLimit-Reset", "Retry-After", "X-Request-ID"}  # fmt: skip

app = app_fixture(cors_origin=ORIGIN)
limited = app_fixture(scope="function", rate_limit="4/900", cors_origin=ORIGIN, clock=lambda: 0)


def preflight(app, path=COLLECTION, origin=ORIGIN, method="POST", names="x-api-key,content-type"):
    asked = {"Access_Control_Request_Method": method, "Access_Control_Request_Headers": names}
    return Api(app).ask("OPTIONS", path, Origin=origin, **asked)


def allowed(answer):
    """The CORS headers of a response."""
    return {name for name in answer.headers if name.lower().startswith("access-control")}


# --- preflights

PATHS = [COLLECTION, f"{COLLECTION}/{UNKNOWN_ID}", f"{COLLECTION}/x", f"{COLLECTION}/", "/v1/nothing", "/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_preflight_is_answered_on_any_path_without_a_key(app, path, method):
    headers = preflight(app, path, method=method).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert method in headers["Access-Control-Allow-Methods"].split(", ")
    assert headers["Access-Control-Allow-Headers"] == "x-api-key,content-type"
    assert headers["Access-Control-Max-Age"] == "86400"


def test_a_preflight_takes_no_token_and_is_never_429(limited):
    for _ in range(10):
        assert "RateLimit-Remaining" not in preflight(limited).headers
    for status in (401, 401, 401, 401, 429):
        Api(limited).get(COLLECTION, status)
    assert preflight(limited).headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_preflight_of_another_origin_allows_nothing(app):
    answer = preflight(app, origin=OTHER_ORIGIN)
    assert (allowed(answer), answer.headers["Vary"]) == (set(), "Origin")


@pytest.mark.parametrize("missing", ["Origin", "Access_Control_Request_Method"])
def test_other_options_requests_take_a_token(limited, missing):
    headers = {"Origin": ORIGIN, "Access_Control_Request_Method": "PUT"}
    del headers[missing]
    answer = Api(limited).ask("OPTIONS", COLLECTION, **headers)
    assert answer.headers["RateLimit-Remaining"] == "3"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_only_options_is_a_preflight(app, method):
    headers = {"Origin": ORIGIN, "Access_Control_Request_Method": "PUT"}
    Api(app).ask(method, COLLECTION, status=401, **headers)


@pytest.mark.parametrize("names", ["if-match", "idempotency-key", "traceparent", "X-A, X-B"])
def test_a_page_may_send_the_headers_that_it_requests(app, names):
    assert preflight(app, names=names).headers["Access-Control-Allow-Headers"] == names


@pytest.mark.parametrize("names", ["", "x" * 5000, "a;b", 'a"b', "<x>"])
def test_an_invalid_list_of_headers_is_not_echoed(app, names):
    assert "Access-Control-Allow-Headers" not in preflight(app, names=names).headers


# --- readable responses

RESPONSES = [
    # method, path, body, status, headers
    ("GET", COLLECTION, None, 200, {}),
    ("POST", COLLECTION, JORDAN, 201, {"Idempotency_Key": "k"}),
    ("GET", "{new}", None, 304, {"If_None_Match": "*"}),
    ("GET", f"{COLLECTION}?page=0", None, 400, {}),
    ("GET", COLLECTION, None, 401, {"X_API_Key": "0" * 64}),
    ("GET", f"{COLLECTION}/{UNKNOWN_ID}", None, 404, {}),
    ("GET", "/nothing", None, 404, {}),
    ("PATCH", COLLECTION, None, 405, {}),
    ("DELETE", "{new}", None, 412, {"If_Match": '"9"'}),
    ("POST", COLLECTION, b"x" * 70_000, 413, {}),
    ("POST", COLLECTION, {}, 415, {"Content_Encoding": "gzip"}),
    ("GET", "/healthz", None, 200, {}),
]


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: f"{row[0]} {row[1]} {row[3]}")
@pytest.mark.parametrize("origin", [ORIGIN, OTHER_ORIGIN, None])
def test_pages_of_the_allowed_origin_may_read_every_response(app, row, origin):
    method, path, body, status, headers = row
    api = Api(app, full_key(app))
    path = path.replace("{new}", f"{COLLECTION}/{api.create()['id']}")
    answer = api.ask(method, path, body, status, **headers, **({"Origin": origin} if origin else {}))
    assert answer.headers["Vary"] == "Origin"
    if origin == ORIGIN:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
    else:
        assert allowed(answer) == set()


@pytest.mark.parametrize(
    "origin", [f"{ORIGIN}.evil.example", "http://intranet.example", f"{ORIGIN}:8443", "null", "*", ""]
)
def test_a_similar_origin_is_another_origin(app, origin):
    assert allowed(Api(app).ask("GET", COLLECTION, status=401, Origin=origin)) == set()


def test_a_page_may_read_a_500(app, monkeypatch):
    monkeypatch.setattr(app.clients, "page", lambda *_, **__: 1 / 0)
    answer = Api(app, full_key(app)).ask("GET", COLLECTION, status=500, Origin=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_page_may_read_a_429(limited):
    statuses = []
    for page in range(1, 6):  # each URL is new, so a browser sends a preflight before each
        preflight(limited, f"{COLLECTION}?page={page}", method="GET")
        answer = Api(limited).ask("GET", f"{COLLECTION}?page={page}", status="*", Origin=ORIGIN)
        statuses.append(answer.status_int)
    assert statuses == [401] * 4 + [429]
    assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Retry-After"]) == (ORIGIN, "225")


# --- the setting


def test_a_star_allows_every_origin(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", cors_origin="*") as app:
        answers = [Api(app).ask("GET", COLLECTION, status=401, Origin=OTHER_ORIGIN)]
        answers.append(preflight(app, origin=OTHER_ORIGIN))
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in answers] == ["*", "*"]


def test_a_star_in_a_list_is_not_a_wildcard():
    assert not Cors(("*", ORIGIN)).allows(OTHER_ORIGIN)


def test_without_the_setting_no_response_has_cors_headers(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", rate_limit="1/900", clock=lambda: 0) as app:
        answers = [preflight(app) for _ in range(3)]
        answers.append(Api(app).ask("GET", COLLECTION, status=401, Origin=ORIGIN))
        assert app.cors is None
    assert [(allowed(answer), answer.headers.get("Vary")) for answer in answers] == [(set(), None)] * 4


@pytest.mark.parametrize("origin", [ORIGIN, None, "", OTHER_ORIGIN, "null"])
def test_a_server_gets_the_headers_for_its_own_responses(app, origin):
    headers = dict(app.cors.headers_for(origin))
    assert headers["Vary"] == "Origin"
    assert headers.get("Access-Control-Allow-Origin") == (ORIGIN if origin == ORIGIN else None)
