"""The headers of responses: caching, CORS, rate limit; and all of them over a real socket."""

import http.client
import json
import socket
from contextlib import closing

import pytest
from support.client import Api, app_fixture, full_key
from support.data import JORDAN
from support.openapi_requests import ORIGIN, OTHERS, TABLE, scene_in

import acare

COLLECTION = "/v1/clients"
EXPOSED = {"ETag", "Idempotent-Replayed", "Location", "RateLimit-Limit", "RateLimit-Remaining",
           "RateLimit-Reset", "Retry-After", "X-Request-ID"}  # fmt: skip
app = app_fixture(rate_limit="100000/1", cors_origin=ORIGIN)
limited = app_fixture(scope="function", rate_limit="2/900", clock=lambda: 0)


@pytest.mark.parametrize("ask", [*TABLE, *OTHERS], ids=repr)
def test_every_response_has_its_headers(app, ask):
    with scene_in(app) as scene:
        path, answer = ask.run(scene, Origin=ORIGIN)
    headers = answer.headers
    may_be_stored = ask.status < 400 and "ETag" in headers
    assert headers["Cache-Control"] == ("private, no-cache" if may_be_stored else "no-store")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert set(headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
    vary = {"Origin", "Accept"} if (path, ask.status) == ("/", 200) else {"Origin"}
    assert set(headers["Vary"].split(", ")) == vary
    assert ("RateLimit-Remaining" in headers) is path.startswith("/v1")
    assert ("Retry-After" in headers) is (ask.status in (429, 503))


# --- rate limit


def rate(answer):
    return [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]


def test_an_empty_bucket_is_429_with_retry_after(limited):
    caller = Api(limited, full_key(limited))
    answers = [caller.get(COLLECTION, status) for status in (200, 200, 429)]
    assert [rate(answer) for answer in answers] == [["2", "1", "450"], ["2", "0", "900"], ["2", "0", "900"]]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None, None, "450"]
    assert answers[2].json["error"]["details"] == {"retryAfter": 450}
    assert not [name for name in answers[2].headers if name.lower().startswith("x-ratelimit")]


def test_the_default_is_500_requests_in_15_minutes(tmp_path):
    with acare.create_app(database=tmp_path / "acare.db", clock=lambda: 0) as app:
        assert rate(Api(app).get(COLLECTION, 401)) == ["500", "499", "2"]
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        assert "ratelimit" not in str(Api(app).get(COLLECTION, 401).headers).lower()


def test_the_bucket_belongs_to_the_peers_address(limited):
    """The key and the forwarded address do not matter."""
    key = full_key(limited)
    for peer, caller, status in (
        ("192.0.2.1", Api(limited), 401),
        ("192.0.2.1", Api(limited, key), 200),
        ("192.0.2.1", Api(limited, key), 429),
        ("192.0.2.2", Api(limited, key), 200),
    ):
        forged = {"X_Forwarded_For": f"203.0.113.{status % 7}", "Forwarded": f"for=203.0.113.{status % 7}"}
        caller.ask("GET", COLLECTION, status=status, environ={"REMOTE_ADDR": peer}, **forged)


def test_the_bucket_can_belong_to_the_key(tmp_path):
    """And to the address where no valid key is given."""
    settings = {"rate_limit": "1/900", "rate_limit_by": "key", "clock": lambda: 0}
    with acare.create_app(database=tmp_path / "acare.db", **settings) as app:
        first, second = Api(app, full_key(app)), Api(app, full_key(app))
        for caller, status in (
            (first, 200), (first, 429), (second, 200), (Api(app), 401), (Api(app, "0" * 64), 429),
        ):  # fmt: skip
            caller.get(COLLECTION, status)


# --- over a real socket


def headers_of(server, request):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(request)
        with closing(http.client.HTTPResponse(raw)) as answer:
            answer.begin()
            answer.read()
            return answer.headers


@pytest.mark.parametrize(
    "request_line", ["GET /healthz HTTP/1.1", "GET /v1/clients HTTP/1.1", "PATCH / HTTP/1.1", "nonsense"]
)
def test_a_real_response_has_each_header_once(server, request_line):
    headers = headers_of(server, f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    names = [name.lower() for name in headers]
    assert len(names) == len(set(names))
    assert not {"server", "x-powered-by"} & set(names)
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


def test_a_real_304_has_the_tag_and_no_body(server):
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        sent = {"X-API-Key": server.key, "Content-Type": "application/json"}
        connection.request("POST", COLLECTION, json.dumps(JORDAN), sent)
        with connection.getresponse() as made:
            location = made.headers["Location"]
            made.read()
        for _ in range(2):  # the connection stays usable
            connection.request("GET", location, headers={**sent, "If-None-Match": '"1"'})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["ETag"], answer.read()) == (304, '"1"', b"")
            assert answer.headers["Content-Length"] in (None, "0")
