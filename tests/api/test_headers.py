"""The headers of responses: caching, rate limit, Retry-After; and all of them over a real socket."""

import http.client
import json
import socket
from contextlib import closing

import pytest
from support.client import Api, app_fixture, full_key
from support.data import JORDAN, UNKNOWN_ID

import acare

app = app_fixture()
limited = app_fixture(scope="function", rate_limit="2/900", clock=lambda: 0)

COLLECTION, ITEM = "/v1/clients", "/v1/clients/{id}"
# Method, path, body, status, headers.
WITH_TAG = [
    ("POST", COLLECTION, JORDAN, 201, {}),
    ("GET", ITEM, None, 200, {}),
    ("HEAD", ITEM, None, 200, {}),
    ("GET", ITEM, None, 304, {"If_None_Match": '"1"'}),
    ("PUT", ITEM, {"notes": "x"}, 200, {}),
]
WITHOUT_TAG = [
    ("GET", COLLECTION, None, 200, {}),
    ("HEAD", COLLECTION, None, 200, {}),
    ("DELETE", ITEM, None, 200, {}),
    ("OPTIONS", ITEM, None, 200, {}),
    ("GET", f"{COLLECTION}?page=0", None, 400, {}),
    ("GET", COLLECTION, None, 401, {"X_API_Key": "f" * 64}),
    ("GET", f"{COLLECTION}/{UNKNOWN_ID}", None, 404, {}),
    ("GET", "/nothing", None, 404, {}),
    ("PATCH", ITEM, None, 405, {}),
    ("PUT", ITEM, {"notes": "x", "version": 9}, 409, {}),
    ("POST", COLLECTION, b"x" * 70_000, 413, {}),
    ("POST", COLLECTION, b"x", 415, {"Content_Type": "text/plain"}),
    ("GET", "/healthz", None, 200, {}),
    ("GET", "/readyz", None, 200, {}),
    ("GET", "/openapi.json", None, 200, {}),
    ("GET", "/", None, 200, {}),
]


def name_of(request):
    return f"{request[0]} {request[1]} {request[3]}"


def run(api, method, path, body, status, headers):
    path = path.replace("{id}", api.create()["id"] if "{id}" in path else "")
    return api.ask(method, path, body, status, **headers)


@pytest.mark.parametrize("request_", [*WITH_TAG, *WITHOUT_TAG], ids=name_of)
def test_only_a_client_with_a_tag_may_be_stored(api, request_):
    answer = run(api, *request_)
    expected = "private, no-cache" if request_ in WITH_TAG else "no-store"
    assert ("ETag" in answer.headers) is (request_ in WITH_TAG)
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
        expected,
        "nosniff",
    )
    assert "Retry-After" not in answer.headers


def test_a_412_has_a_tag_and_may_not_be_stored(api):
    path = f"{COLLECTION}/{api.create()['id']}"
    answer = api.ask("PUT", path, {"notes": "x"}, 412, If_Match='"9"')
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")


def test_a_500_may_not_be_stored(app, api, monkeypatch):
    monkeypatch.setattr(app.clients, "get", lambda *_: 1 / 0)
    answer = api.get(f"{COLLECTION}/{UNKNOWN_ID}", 500)
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
        "no-store",
        "nosniff",
    )


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


LIMITED = [request for request in (*WITH_TAG, *WITHOUT_TAG) if "{id}" not in request[1]]


@pytest.mark.parametrize("request_", LIMITED, ids=name_of)
def test_the_limit_headers_are_on_every_response_in_v1(limited, request_):
    answer = run(Api(limited, full_key(limited)), *request_)
    if request_[1].startswith("/v1"):
        assert rate(answer) == ["2", "1", "450"]
    else:
        assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_the_limit_headers_are_on_a_500(limited, monkeypatch):
    monkeypatch.setattr(limited.clients, "page", lambda *_, **__: 1 / 0)
    assert rate(Api(limited, full_key(limited)).get(COLLECTION, 500)) == ["2", "1", "450"]


def test_the_default_is_500_requests_in_15_minutes(tmp_path):
    with acare.create_app(database=tmp_path / "acare.db", clock=lambda: 0) as app:
        assert rate(Api(app).get(COLLECTION, 401)) == ["500", "499", "2"]


def test_without_a_limit_there_are_no_limit_headers(api):
    assert not [name for name in api.get(COLLECTION).headers if name.startswith("RateLimit")]


def test_the_bucket_belongs_to_the_peers_address(limited):
    """Whatever the key and the forwarded address are."""
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
    "request_line", ["GET / HTTP/1.1", "GET /v1/clients HTTP/1.1", "PATCH / HTTP/1.1", "nonsense"]
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
        for _ in range(2):  # the connection goes on after it
            connection.request("GET", location, headers={**sent, "If-None-Match": '"1"'})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["ETag"], answer.read()) == (304, '"1"', b"")
            assert answer.headers["Content-Length"] in (None, "0")
