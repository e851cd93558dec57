"""CORS: preflights, and which responses a page of another origin may read."""

import pytest
from support.client import Api, app_fixture, full_key
from support.data import UNKNOWN_ID
from support.openapi_requests import ORIGIN

import acare
from acare.api.cors import Cors

OTHER_ORIGIN = "https://evil.example"
COLLECTION = "/v1/clients"

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

# What a page of the allowed origin may read is in test_headers.


@pytest.mark.parametrize(
    "origin",
    [
        OTHER_ORIGIN,
        f"{ORIGIN}.evil.example",
        "http://intranet.example",
        f"{ORIGIN}:8443",
        "null",
        "*",
        "",
        None,
    ],
)
def test_pages_of_other_origins_may_read_nothing(app, origin):
    api, headers = Api(app, full_key(app)), {} if origin is None else {"Origin": origin}
    for path, status in ((COLLECTION, 200), (f"{COLLECTION}/{UNKNOWN_ID}", 404), ("/healthz", 200)):
        answer = api.ask("GET", path, status=status, **headers)
        assert (allowed(answer), answer.headers["Vary"]) == (set(), "Origin")


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
    assert [(allowed(answer), answer.headers.get("Vary")) for answer in answers] == [(set(), None)] * 4


@pytest.mark.parametrize("origin", [ORIGIN, None, "", OTHER_ORIGIN, "null"])
def test_a_server_gets_the_headers_for_its_own_responses(origin):
    headers = dict(Cors((ORIGIN,)).headers_for(origin))
    assert headers["Vary"] == "Origin"
    assert headers.get("Access-Control-Allow-Origin") == (ORIGIN if origin == ORIGIN else None)
