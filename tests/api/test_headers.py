"""The headers of answers: what keeps browsers and caches from doing what nobody meant."""

import http.client
import json
import socket
from contextlib import closing

import pytest
from support.client import Api
from support.data import JORDAN
from webtest import TestApp

import acare
from acare.errors import StoreUnavailable

NOBODY = "00000000-0000-4000-8000-000000000000"


def send(api, method, path, body=None, status=200, **headers):
    sent = {**api.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        sent["Content-Type"] = "application/json"
    data = b"" if body is None else json.dumps(body).encode()
    web = TestApp(api.web.app, lint=False)
    return web.request(path, method=method, headers=sent, body=data, status=status)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One for all tests here: each makes its own clients."""
    with acare.create_app(database=tmp_path_factory.mktemp("headers") / "acare.db", rate_limit="off") as app:
        yield app


ITEM = "/v1/clients/{id}"
# Method, path, body, status, headers: answers with an ETag, and answers without.
VALIDATED = [
    ("POST", "/v1/clients", JORDAN, 201, {}),
    ("GET", ITEM, None, 200, {}),
    ("HEAD", ITEM, None, 200, {}),
    ("GET", ITEM, None, 304, {"If_None_Match": '"1"'}),
    ("PUT", ITEM, {"notes": "x"}, 200, {}),
]
NOT_VALIDATED = [
    ("GET", "/v1/clients", None, 200, {}),
    ("HEAD", "/v1/clients", None, 200, {}),
    ("DELETE", ITEM, None, 200, {}),
    ("OPTIONS", ITEM, None, "2*", {}),
    ("GET", "/v1/clients?page=0", None, 400, {}),
    ("GET", "/v1/clients", None, 401, {"X_API_Key": "f" * 64}),
    ("GET", f"/v1/clients/{NOBODY}", None, 404, {}),
    ("GET", "/nothing", None, 404, {}),
    ("PATCH", ITEM, None, 405, {}),
    ("PUT", ITEM, {"notes": "x", "version": 9}, 409, {}),
    ("GET", "/healthz", None, 200, {}),
    ("GET", "/readyz", None, 200, {}),
    ("GET", "/openapi.json", None, 200, {}),
]


def run(api, method, path, body, status, headers):
    path = path.replace("{id}", api.create()["id"] if "{id}" in path else "")
    return send(api, method, path, body, status, **headers)


@pytest.mark.parametrize("request_", VALIDATED, ids=lambda each: f"{each[0]} {each[1]} {each[3]}")
def test_a_client_with_a_tag_may_be_stored_privately(api, request_):
    answer = run(api, *request_)
    assert answer.headers["ETag"]
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("request_", NOT_VALIDATED, ids=lambda each: f"{each[0]} {each[1]} {each[3]}")
def test_an_answer_without_a_tag_is_not_stored(api, request_):
    answer = run(api, *request_)
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "request_", [*VALIDATED, *NOT_VALIDATED], ids=lambda each: f"{each[0]} {each[1]} {each[3]}"
)
def test_no_browser_guesses_the_media_type(api, request_):
    assert run(api, *request_).headers["X-Content-Type-Options"] == "nosniff"


def test_a_500_is_not_stored_either(api, app, monkeypatch):
    monkeypatch.setattr(app.clients, "get", lambda *_: 1 / 0)
    answer = api.get(f"/v1/clients/{NOBODY}", 500)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# --- methods


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/clients", "GET, HEAD, OPTIONS, POST"),
        (f"/v1/clients/{NOBODY}", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/readyz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_and_405_send_the_same_allow_header(api, path, allowed):
    assert send(api, "PATCH", path, status=405).headers["Allow"] == allowed
    assert send(api, "OPTIONS", path).headers["Allow"] == allowed


@pytest.mark.parametrize("method", ["WEBSOCKET", "websocket", "BREW", "get"])
def test_an_unknown_method_is_405(api, method):
    answer = send(api, method, "/v1/clients", status=405)
    assert answer.json["correlationId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"])
def test_a_trailing_slash_is_an_unknown_path(api, method):
    answer = send(api, method, "/v1/clients/", status=404)
    assert answer.json["error"] == {"code": "NOT_FOUND", "message": "There is nothing at this path."}


def test_a_412_has_a_tag_and_is_not_stored(api):
    path = f"/v1/clients/{api.create()['id']}"
    answer = send(api, "PUT", path, {"notes": "x"}, 412, If_Match='"9"')
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_success_does_not_tell_methods(api, method):
    path = f"/v1/clients/{api.create()['id']}"
    assert "Allow" not in send(api, method, path).headers


# --- Retry-After


@pytest.mark.parametrize("status", [429, 503])
def test_429_and_503_have_retry_after(tmp_path, monkeypatch, status):
    with acare.create_app(database=tmp_path / "a.db", rate_limit="1/60") as app:
        caller = Api(app, app.keys.create("broker@example.com", {"all": ["read"]}).key)
        if status == 429:
            caller.get("/v1/clients")
        else:
            monkeypatch.setattr(
                app.clients, "page", lambda *_, **__: (_ for _ in ()).throw(StoreUnavailable())
            )
        answer = caller.get("/v1/clients", status)
    assert answer.headers["Retry-After"].isdigit()
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_server_that_is_not_ready_tells_when_to_ask_again(app, monkeypatch):
    monkeypatch.setattr(app, "draining", True)
    assert int(TestApp(app).get("/readyz", status=503).headers["Retry-After"]) >= 1


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/clients", 200), ("GET", "/x", 404)])
def test_other_answers_have_no_retry_after(api, method, path, status):
    assert "Retry-After" not in send(api, method, path, status=status).headers


# --- over a real socket


def headers_of(server, request):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(request)
        answer = http.client.HTTPResponse(raw)
        with closing(answer):
            answer.begin()
            answer.read()
            return answer.headers


@pytest.mark.parametrize(
    "request_line", ["GET / HTTP/1.1", "GET /v1/clients HTTP/1.1", "PATCH / HTTP/1.1", "nonsense"]
)
def test_a_real_answer_has_each_header_once(server, request_line):
    headers = headers_of(server, f"{request_line}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert headers["Server"] is None
    assert headers["X-Powered-By"] is None
    names = [name.lower() for name in headers]
    assert len(names) == len(set(names))


def test_what_is_no_request_is_not_kept_or_guessed_at_either(server):
    headers = headers_of(server, b"nonsense\r\n\r\n")
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_real_304_has_the_tag_and_no_body(server):
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        sent = {"X-API-Key": server.key, "Content-Type": "application/json"}
        connection.request("POST", "/v1/clients", json.dumps(JORDAN), sent)
        with connection.getresponse() as made:
            location = made.headers["Location"]
            made.read()
        for _ in range(2):  # the connection goes on after it
            connection.request("GET", location, headers={**sent, "If-None-Match": '"1"'})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["ETag"], answer.read()) == (304, '"1"', b"")
            assert answer.headers["Content-Length"] in (None, "0")
