"""What every answer looks like, and what it and the log do not tell."""

import json
import logging
import re

import pytest
import webtest
from support.client import Api
from support.data import JORDAN

import acare
from acare.errors import StoreUnavailable

NOBODY = "550e8400-e29b-41d4-a716-446655440000"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECRET = "the secret that only the traceback tells"


def raising(error):
    def method(*args, **kwargs):
        raise error

    return method


def key_of(app):
    return app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key


def with_id(app, request_id, path="/healthz"):
    """What comes back when this X-Request-ID is sent."""
    return webtest.TestApp(app).get(path, headers={"X-Request-ID": request_id}, status="*")


def unlinted(app, method, path, headers=None, **environ):
    """A request with whatever a caller may send, which WebTest would warn about."""
    request = webtest.TestRequest.blank(path, environ=environ, headers=headers or {}, method=method)
    return webtest.TestApp(app, lint=False).do_request(request, status="*", expect_errors=True)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One app for all, since nothing here depends on which clients there are."""
    path = tmp_path_factory.mktemp("envelope") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


@pytest.fixture
def limited(tmp_path):
    """An app that takes two requests, and no more while its clock stands still."""
    with acare.create_app(database=tmp_path / "two.db", rate_limit="2/900", clock=lambda: 0) as app:
        yield app


# --- every status

SUCCESSES = [
    pytest.param(lambda api: api.get("/v1/clients"), id="200 for a list"),
    pytest.param(lambda api: api.get(f"/v1/clients/{api.create()['id']}"), id="200 for a client"),
    pytest.param(lambda api: api.post(JORDAN), id="201"),
    pytest.param(lambda api: api.put(api.create()["id"], {"notes": "x"}), id="200 for an update"),
    pytest.param(lambda api: api.delete(api.create()["id"]), id="200 for a delete"),
    pytest.param(lambda api: api.get("/healthz"), id="200 for health"),
]


def get_without_scope(api):
    app = api.web.app
    return Api(app, app.keys.create("ana@example.com", {}).key).get("/v1/clients", status=403)


def put_on_a_list(api):
    return api.web.put("/v1/clients", "", api.headers, status=405)


def post_form(api):
    return api.web.post("/v1/clients", {"first_name": "Jordan"}, api.headers, status=415)


def put_stale(api):
    return api.put(api.create()["id"], {"notes": "x", "version": 2}, status=409)


def put_unmatched(api):
    path, headers = f"/v1/clients/{api.create()['id']}", {**api.headers, "If-Match": '"2"'}
    return api.web.put_json(path, {"notes": "x"}, headers=headers, status=412)


ERRORS = {
    # what is wrong: status, code, what brings it about
    "bad body": (400, "VALIDATION_ERROR", lambda api: api.post([], status=400)),
    "bad query": (400, "VALIDATION_ERROR", lambda api: api.get("/v1/clients?page=0", status=400)),
    "no key": (401, "UnauthorizedError", lambda api: Api(api.web.app, None).get("/v1/clients", status=401)),
    "no scope": (403, "INSUFFICIENT_SCOPE", get_without_scope),
    "no client": (404, "NOT_FOUND", lambda api: api.get(f"/v1/clients/{NOBODY}", status=404)),
    "no path in v1": (404, "NOT_FOUND", lambda api: api.get("/v1/escrows", status=404)),
    "no path": (404, "NOT_FOUND", lambda api: api.get("/clients", status=404)),
    "no method": (405, "METHOD_NOT_ALLOWED", put_on_a_list),
    "stale": (409, "VERSION_CONFLICT", put_stale),
    "no match": (412, "PRECONDITION_FAILED", put_unmatched),
    "too large": (413, "CONTENT_TOO_LARGE", lambda api: api.post({"notes": "x" * 70_000}, status=413)),
    "form": (415, "UNSUPPORTED_MEDIA_TYPE", post_form),
}
ERROR_ROWS = [pytest.param(*row, id=f"{row[0]} {what}") for what, row in ERRORS.items()]


@pytest.mark.parametrize(
    "act", [*SUCCESSES, *(pytest.param(row[2], id=what) for what, row in ERRORS.items())]
)
def test_every_answer_is_json_in_utf8(api, act):
    answer = act(api)
    assert answer.content_type == "application/json"
    json.loads(answer.body.decode("utf-8"))


@pytest.mark.parametrize("act", SUCCESSES)
def test_a_success_has_data_and_a_timestamp(api, act):
    body = act(api).json
    assert body.keys() == {"success", "data", "timestamp"}
    assert body["success"] is True
    assert TIMESTAMP.fullmatch(body["timestamp"])


@pytest.mark.parametrize(("status", "code", "act"), ERROR_ROWS)
def test_an_error_has_a_code_a_message_and_the_id_of_the_request(api, status, code, act):
    answer = act(api)
    body = answer.json
    assert body.keys() == {"success", "error", "timestamp", "correlationId"}
    assert body["success"] is False
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    assert body["error"].keys() <= {"code", "message", "details"}
    assert TIMESTAMP.fullmatch(body["timestamp"])
    assert body["correlationId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("what", "kind"),
    [("bad body", list), ("bad query", list), ("no scope", dict), ("stale", dict), ("too large", dict)],
)
def test_details_are_a_list_for_validation_and_an_object_otherwise(api, what, kind):
    _, _, act = ERRORS[what]
    assert type(act(api).json["error"]["details"]) is kind


# --- paths and methods that are not there

PATHS = "/v1 /v1/ /v1/nothing /v2/clients /clients /healthz/x /v1/clients/a/b /V1/clients".split()


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_path_is_404(api, path):
    assert api.get(path, status=404).json["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/nothing", "/clients", "/v10", "/v1clients"])
def test_an_unknown_path_outside_v1_needs_no_key(app, path):
    Api(app, None).get(path, status=404)


METHODS = [
    ("PUT", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("DELETE", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("PATCH", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("POST", f"/v1/clients/{NOBODY}", {"GET", "HEAD", "PUT", "DELETE"}),
    ("PATCH", f"/v1/clients/{NOBODY}", {"GET", "HEAD", "PUT", "DELETE"}),
    ("FOO", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("FOO", f"/v1/clients/{NOBODY}", {"GET", "HEAD", "PUT", "DELETE"}),
    ("get", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("TRACE", "/v1/clients", {"GET", "HEAD", "POST"}),
    ("POST", "/healthz", {"GET", "HEAD"}),
    ("FOO", "/readyz", {"GET", "HEAD"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
def test_a_method_that_a_path_does_not_have_is_405_and_told_which_it_has(app, api, method, path, allowed):
    answer = unlinted(app, method, path, api.headers)
    assert (answer.status_int, answer.json["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["Allow"].split(", ")) - {"OPTIONS"} == allowed


def test_an_unknown_method_on_an_unknown_path_is_404(app, api):
    assert unlinted(app, "FOO", "/v1/nothing", api.headers).status_int == 404


@pytest.mark.parametrize("length", ["abc", "-1", "1.5"])
def test_a_content_length_that_is_no_number_is_400(app, api, length):
    answer = unlinted(app, "POST", "/v1/clients", api.headers, CONTENT_LENGTH=length)
    assert (answer.status_int, answer.json["error"]["code"]) == (400, "VALIDATION_ERROR")


# --- the request's id

GOOD_IDS = ["a", "7f3c9a", "2026-07-15T14:32:10.000Z", "a.b_c~d+e/f=g:h@i", "x" * 128, "0" * 32, NOBODY]
BAD_IDS = [
    pytest.param("", id="empty"),
    pytest.param("x" * 129, id="too long"),
    pytest.param("two words", id="a space"),
    pytest.param("a,b", id="a comma"),
    pytest.param('"quoted"', id="quotes"),
    pytest.param("<script>", id="markup"),
    pytest.param("é", id="not ASCII"),
    pytest.param("%0A", id="a percent sign"),
    pytest.param("0123456789abcdef" * 4, id="a key"),
]


@pytest.mark.parametrize("request_id", GOOD_IDS)
def test_a_well_formed_request_id_is_kept(app, request_id):
    answer = with_id(app, request_id, "/v1/clients")
    assert answer.headers["X-Request-ID"] == answer.json["correlationId"] == request_id


@pytest.mark.parametrize("request_id", BAD_IDS)
def test_an_ill_formed_request_id_is_replaced(app, request_id):
    answer = with_id(app, request_id, "/v1/clients")
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    assert answer.json["correlationId"] == answer.headers["X-Request-ID"]


def test_a_request_id_with_a_line_break_in_it_is_replaced(app):
    assert unlinted(app, "GET", "/healthz", HTTP_X_REQUEST_ID="a\n").headers["X-Request-ID"] != "a\n"


def test_each_request_has_an_id_of_its_own(app):
    answers = [Api(app, None).get("/healthz") for _ in range(2)]
    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 2


# --- when something breaks

STORE_METHODS = [
    ("page", lambda api, status: api.get("/v1/clients", status=status)),
    ("get", lambda api, status: api.get(f"/v1/clients/{NOBODY}", status=status)),
    ("create", lambda api, status: api.post(JORDAN, status=status)),
    ("update", lambda api, status: api.put(NOBODY, {"notes": "x"}, status=status)),
    ("delete", lambda api, status: api.delete(NOBODY, status=status)),
]


@pytest.fixture(params=STORE_METHODS, ids=[name for name, _ in STORE_METHODS])
def breaking(request, app, monkeypatch):
    """A store whose one method raises, and the call that comes to it."""
    name, act = request.param

    def break_it(error):
        monkeypatch.setattr(app.clients, name, raising(error))
        return act

    return break_it


def test_a_defect_is_500_with_an_error_id_and_nothing_internal(api, breaking):
    answer = breaking(RuntimeError(SECRET))(api, 500)
    error = answer.json["error"]
    assert error.keys() == {"code", "message", "errorId"}
    assert error["code"] == "INTERNAL_ERROR"
    assert answer.json["correlationId"] == answer.headers["X-Request-ID"]
    assert not re.search(f"{SECRET}|RuntimeError|Traceback|File", answer.text)


def test_a_defect_is_logged_with_its_traceback_and_both_ids(api, breaking, caplog):
    answer = breaking(RuntimeError(SECRET))(api, 500)
    assert answer.json["error"]["errorId"] in caplog.text
    assert answer.json["correlationId"] in caplog.text
    assert f"RuntimeError: {SECRET}" in caplog.text
    assert "Traceback" in caplog.text


def test_each_defect_has_an_error_id_of_its_own(api, breaking):
    act = breaking(RuntimeError(SECRET))
    assert act(api, 500).json["error"]["errorId"] != act(api, 500).json["error"]["errorId"]


def test_a_store_that_is_unavailable_is_503_and_says_when_to_come_back(api, breaking):
    answer = breaking(StoreUnavailable("The disk is full."))(api, 503)
    assert answer.json["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json["correlationId"] == answer.headers["X-Request-ID"]


def test_a_store_that_is_unavailable_is_logged(api, breaking, caplog):
    answer = breaking(StoreUnavailable("The disk is full."))(api, 503)
    assert "The disk is full." in caplog.text
    assert answer.json["correlationId"] in caplog.text


@pytest.mark.parametrize(("error", "status"), [(RuntimeError(SECRET), 500), (StoreUnavailable("Busy."), 503)])
def test_a_failure_while_the_key_is_looked_up_is_in_the_envelope(tmp_path, monkeypatch, error, status):
    monkeypatch.setattr("acare.store.keys.KeyStore.authenticate", raising(error))
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        body = Api(app, "0" * 64).get("/v1/clients", status=status).json
    assert body.keys() == {"success", "error", "timestamp", "correlationId"}


# --- rate limit headers


def rate(answer):
    return [answer.headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]


def test_an_empty_bucket_is_429_and_says_when_to_come_back(limited):
    caller = Api(limited, key_of(limited))
    answers = [caller.get("/v1/clients", status=status) for status in (200, 200, 429)]
    assert [rate(answer) for answer in answers] == [["2", "1", "450"], ["2", "0", "900"], ["2", "0", "900"]]
    assert answers[2].headers["Retry-After"] == "450"
    assert answers[2].json["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert answers[2].json["correlationId"] == answers[2].headers["X-Request-ID"]


def test_only_a_429_says_when_to_come_back(limited):
    assert "Retry-After" not in Api(limited, key_of(limited)).get("/v1/clients").headers


LIMITED = [
    pytest.param(lambda api: api.get("/v1/clients"), id="200"),
    pytest.param(lambda api: api.post(JORDAN), id="201"),
    *(
        pytest.param(act, id=f"{status} {what}")
        for what, (status, _, act) in ERRORS.items()
        if what not in ("no path", "stale", "no match")  # outside, or more than one request
    ),
]


@pytest.mark.parametrize("act", LIMITED)
def test_every_answer_under_v1_tells_the_limit_and_takes_a_token(limited, act):
    assert rate(act(Api(limited, key_of(limited)))) == ["2", "1", "450"]


def test_a_500_tells_the_limit_too(limited, monkeypatch):
    monkeypatch.setattr(limited.clients, "page", raising(RuntimeError(SECRET)))
    assert rate(Api(limited, key_of(limited)).get("/v1/clients", status=500)) == ["2", "1", "450"]


def test_the_other_names_of_the_rate_limit_headers_are_not_used(limited):
    answer = Api(limited, key_of(limited)).get("/v1/clients")
    assert not [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


def test_the_limit_is_500_in_15_minutes_unless_told_otherwise(tmp_path):
    with acare.create_app(database=tmp_path / "acare.db", clock=lambda: 0) as app:
        assert rate(Api(app, None).get("/v1/clients", status=401)) == ["500", "499", "2"]


def test_there_are_no_rate_limit_headers_when_it_is_off(api):
    assert not [name for name in api.get("/v1/clients").headers if name.startswith("RateLimit")]


def test_the_bucket_is_the_addresss_whatever_key_comes(limited):
    for status in (401, 200, 429):
        caller = Api(limited, None if status == 401 else key_of(limited))
        caller.get("/v1/clients", status=status)


def test_each_address_has_a_bucket_of_its_own(limited):
    addresses = ["192.0.2.1", "192.0.2.2"] * 3
    answers = [unlinted(limited, "GET", "/v1/clients", REMOTE_ADDR=address) for address in addresses]
    assert [answer.status_int for answer in answers] == [401, 401, 401, 401, 429, 429]


def test_a_forwarded_address_does_not_count(limited):
    claims = [{"X-Forwarded-For": f"192.0.2.{n}", "Forwarded": f"for=192.0.2.{n}"} for n in range(3)]
    answers = [unlinted(limited, "GET", "/v1/clients", headers) for headers in claims]
    assert [answer.status_int for answer in answers] == [401, 401, 429]


# --- OPTIONS


def test_options_needs_no_key_and_tells_the_methods(app):
    assert "POST" in webtest.TestApp(app).options("/v1/clients", status="2*").headers["Allow"]


# --- the access log


@pytest.fixture
def access(caplog):
    """The lines of the access log."""
    caplog.set_level(logging.INFO, logger="acare.access")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "acare.access"]


def test_each_request_is_one_line_with_its_id(api, access):
    answer = api.get("/v1/clients?page=1")
    (line,) = access()
    assert answer.headers["X-Request-ID"] in line
    assert re.search(r"\bGET /v1/clients 200\b", line)


@pytest.mark.parametrize(("status", "code", "act"), ERROR_ROWS)
def test_a_refused_request_is_logged_with_its_id(api, access, status, code, act):
    answer = act(api)
    assert answer.json["correlationId"] in access()[-1]
    assert f" {status} " in access()[-1]


KEY_IN = [
    pytest.param(lambda api, key: api.get("/v1/clients"), id="the header"),
    pytest.param(lambda api, key: api.get(f"/v1/clients/{key}", status=404), id="the path"),
    pytest.param(lambda api, key: api.get(f"/{key}/{key}", status=404), id="a path outside v1"),
    pytest.param(lambda api, key: api.get(f"/v1/clients/x{key}x{key}", status=404), id="within a word"),
    pytest.param(
        lambda api, key: api.get(f"/v1/clients/%{ord(key[0]):x}{key[1:]}", status=404), id="encoded"
    ),
    pytest.param(lambda api, key: api.get(f"/v1/clients?api_key={key}"), id="the query"),
    pytest.param(lambda api, key: api.get("/v1/clients", **{"X-Request-ID": key}), id="the request's id"),
    pytest.param(
        lambda api, key: api.get("/v1/clients", **{"X-Request-ID": f"a-{key}"}), id="part of the id"
    ),
    pytest.param(lambda api, key: api.get("/v1/clients", **{"User-Agent": key}), id="another header"),
    pytest.param(lambda api, key: api.put(key, {"notes": key}, status=404), id="a body"),
]


@pytest.mark.parametrize("act", KEY_IN)
def test_a_key_is_never_in_the_log(api, access, caplog, act):
    act(api, api.key)
    assert access()
    assert api.key not in caplog.text


def test_a_line_shows_the_callers_key_by_its_ends(api, access):
    api.get("/v1/clients")
    assert re.search(f"{api.key[:8]}.*{api.key[-4:]}", access()[0])


@pytest.mark.parametrize("path", ["/v1/clients/a%0Ab", "/a%0D%0Ab", "/a%1B[2J", "/a%C2%85b", "/%E2%80%A8"])
def test_a_path_cannot_break_a_line_of_the_log(api, access, path):
    api.get(path, status=404)
    (line,) = access()
    assert line.isprintable()
