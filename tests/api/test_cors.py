"""CORS: preflights, and which responses a page of another origin may read."""

import pytest
from support.client import Api, app_fixture, full_key
from support.data import UNKNOWN_ID
from support.scenes import ORIGIN

import acare

OTHER_ORIGIN = "https://evil.example"
COLLECTION = "/v1/clients"

app = app_fixture(cors_origin=["https://first.example", ORIGIN])
limited = app_fixture(scope="function", rate_limit="4/900", cors_origin=ORIGIN, clock=lambda: 0)


def preflight(app, path=COLLECTION, origin=ORIGIN, method="POST", names="x-api-key,content-type"):
    asked = {"Access_Control_Request_Method": method, "Access_Control_Request_Headers": names}
    return Api(app).ask("OPTIONS", path, Origin=origin, **asked)


def allowed(answer):
    """The CORS headers of a response."""
    return {name for name in answer.headers if name.lower().startswith("access-control")}


@pytest.mark.parametrize("path", [COLLECTION, f"{COLLECTION}/{UNKNOWN_ID}", "/v1/nothing", "/"])
def test_a_preflight_is_answered_on_any_path_without_a_key(app, path):
    headers = preflight(app, path).headers
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, DELETE"
    assert headers["Access-Control-Allow-Headers"] == "x-api-key,content-type"
    assert headers["Access-Control-Max-Age"] == "86400"


def test_a_preflight_takes_no_token_and_is_never_429(limited):
    for _ in range(10):
        assert "RateLimit-Remaining" not in preflight(limited).headers
    for status in (401, 401, 401, 401, 429):
        answer = Api(limited).ask("GET", COLLECTION, status=status, Origin=ORIGIN)
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    preflight(limited)


@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
@pytest.mark.parametrize("origin", [{}, {"Origin": ORIGIN}])
@pytest.mark.parametrize("asked", [{}, {"Access_Control_Request_Method": "GET"}])
def test_any_other_request_takes_a_token(limited, method, origin, asked):
    if not (method == "OPTIONS" and origin and asked):
        answer = Api(limited).ask(method, COLLECTION, status="*", **origin, **asked)
        assert answer.headers["RateLimit-Remaining"] == "3"


@pytest.mark.parametrize(
    "origin",
    [OTHER_ORIGIN, f"{ORIGIN}.evil.example", "http://intranet.example", "null", None],
)
def test_pages_of_other_origins_may_read_nothing(app, origin):
    api, headers = Api(app, full_key(app)), {} if origin is None else {"Origin": origin}
    for path, status in ((COLLECTION, 200), (f"{COLLECTION}/{UNKNOWN_ID}", 404), ("/healthz", 200)):
        answer = api.ask("GET", path, status=status, **headers)
        assert (allowed(answer), "Origin" in answer.headers["Vary"]) == (set(), True)


def test_without_allowed_origins_no_response_depends_on_the_origin(tmp_path):
    with acare.create_app(database=tmp_path / "a.db") as app:
        assert "Origin" not in Api(app).get(COLLECTION, 401).headers["Vary"]


def test_a_star_allows_every_origin(tmp_path):
    with acare.create_app(database=tmp_path / "a.db", cors_origin="*") as app:
        answers = [Api(app).ask("GET", COLLECTION, status=401, Origin=OTHER_ORIGIN)]
        answers.append(preflight(app, origin=OTHER_ORIGIN))
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in answers] == ["*", "*"]
