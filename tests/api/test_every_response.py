"""Every response of the table: its headers, and its place in the OpenAPI document, which has the envelope."""

import pytest
from support.client import app_fixture, fast_clock
from support.openapi import codes, find, follow
from support.openapi_requests import OTHERS, TABLE
from support.scenes import ORIGIN, scene_in
from webtest import TestApp

EXPOSED = {
    "Content-Disposition", "ETag", "Idempotent-Replayed", "Location", "Preference-Applied",
    "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "X-Request-ID",
}  # fmt: skip

app = app_fixture(rate_limit="100000/1", cors_origin=ORIGIN, clock=fast_clock())


@pytest.fixture(scope="module")
def document(app):
    return TestApp(app).get("/openapi.json").json


@pytest.fixture(scope="module", params=[*TABLE, *OTHERS], ids=repr)
def answered(request, app):
    """A request of the table, its path, and the response for a page of an allowed origin."""
    with scene_in(app) as scene:
        yield (request.param, *request.param.run(scene, Origin=ORIGIN))


def test_it_has_its_headers(answered):
    ask, path, answer = answered
    headers, is_api = answer.headers, path.startswith("/v1")
    may_be_stored = ask.status < 400 and "ETag" in headers
    assert headers["Cache-Control"] == ("private, no-cache" if may_be_stored else "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert set(headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
    vary = {"X-API-Key", "API-Key"} if is_api else {"Accept"} if (path, ask.status) == ("/", 200) else set()
    assert set(headers["Vary"].split(", ")) == {"Origin", *vary}
    assert ("RateLimit-Remaining" in headers) is (is_api and ask.status != 431)
    assert ("Retry-After" in headers) is (ask.status in (429, 503))
    assert ("Preference-Applied" in headers) is ("Prefer" in ask.headers)


def test_it_is_in_the_document(answered, document):
    """With its headers and its code; tests/ci/test_openapi_schema.py validates its body."""
    ask, path, answer = answered
    found = [each["responses"] for each in find(document, ask.method, path)]
    assert bool(found) is (ask in TABLE)
    for responses in found:
        response = follow(document, responses[str(answer.status_int)])
        headers = {name: follow(document, header) for name, header in response["headers"].items()}
        assert all(name in answer.headers for name, header in headers.items() if header.get("required"))
        if answer.status_int >= 400 and ask.method != "HEAD":
            assert answer.json["error"]["code"] in codes(document, response)
