"""Every response of the table has its headers (ci/test_openapi_schema validates it by the document)."""

import pytest
from support.client import app_fixture, fast_clock
from support.openapi_requests import OTHERS, TABLE
from support.scenes import ORIGIN, malformed, rejected, scene_in

EXPOSED = {
    "Content-Disposition",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
}

app = app_fixture(rate_limit="100000/1", cors_origin=ORIGIN, clock=fast_clock())


@pytest.mark.parametrize("ask", [*TABLE, *OTHERS], ids=repr)
def test_it_has_its_headers(app, ask):
    with scene_in(app) as scene:
        path, answer = ask.run(scene, Origin=ORIGIN)
    headers, is_api = answer.headers, path.startswith("/v1")
    may_be_stored = ask.status < 400 and "ETag" in headers
    assert headers["Cache-Control"] == ("private, no-cache" if may_be_stored else "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    is_refused = ask.prepare in (rejected, malformed)
    assert headers.get("Access-Control-Allow-Origin") == (None if is_refused else ORIGIN)
    exposed, origin = (set(), set()) if is_refused else (EXPOSED, {"Origin"})
    assert set(filter(None, headers.get("Access-Control-Expose-Headers", "").split(", "))) == exposed
    assert set(headers["Vary"].split(", ")) == {*origin, *(("X-API-Key", "API-Key") if is_api else ())}
    assert ("RateLimit-Remaining" in headers) is (is_api and not is_refused)
    assert ("Retry-After" in headers) is (ask.status in (429, 503))
