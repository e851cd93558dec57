"""Paths and methods, request ids, the log, defects (test_every_response has the envelope)."""

import re

import falcon
import pytest
from support.client import Api, app_fixture
from support.data import JORDAN, UNKNOWN_ID

from acare import places, search_terms
from acare.errors import DatabaseRefused, StoreUnavailable

SECRET = "a secret of the traceback"
COLLECTION = "/v1/clients"
ITEM = f"{COLLECTION}/{UNKNOWN_ID}"
PLACE = f"{COLLECTION}?location=Shafter"

app = app_fixture()


def raising(error):
    def method(*args, **kwargs):
        raise error

    return method


# --- paths and methods

UNKNOWN_PATHS = """/v1 /v1/ /v1/nothing /v1/clients/a/b /v1/clients;x /v1/clients%00 /v1/%FF /v2/clients
    /V1/clients /v10 /v1clients /clients /nothing /healthz/x
    /v1/clients/ /v1/clients/x/history/ /healthz/ /web/""".split()


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_is_404(app, api, path):
    for method in ("GET", "POST", "FOO", "OPTIONS"):
        error = api.ask(method, path, status=404).json["error"]
        assert error == {"code": "NOT_FOUND", "message": "This path does not exist."}
    Api(app).get(path, 401 if path.startswith("/v1/") or path == "/v1" else 404)


METHODS = {
    COLLECTION: "GET, HEAD, OPTIONS, POST",
    ITEM: "DELETE, GET, HEAD, OPTIONS, PUT",
    "/": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize(("path", "allowed"), METHODS.items(), ids=METHODS)
def test_options_and_405_list_the_methods_of_a_path(app, api, path, allowed):
    for method in ("PATCH", "FOO", "get", "WEBSOCKET"):
        answer = api.ask(method, path, status=405)
        assert (answer.json["error"]["code"], answer.headers["Allow"]) == ("METHOD_NOT_ALLOWED", allowed)
        assert answer.json["error"]["message"] == f"This path supports only {allowed}."
    assert Api(app).ask("OPTIONS", path).headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/clients/{id}", "/healthz", "/readyz"])
def test_head_answers_like_get_but_without_a_body(api, path):
    path = path.format(id=api.create(first_name="Zoë")["id"])
    head, get = api.head(path), api.get(path)
    assert head.body == b""
    assert (head.headers["Content-Length"], head.content_type) == (str(len(get.body)), get.content_type)


# --- request ids

VALID_IDS = ["a", "2026-07-15T14:32:10.000Z", "a.b_c~d+e/f=g:h@i", "x" * 128, "0" * 32, UNKNOWN_ID]
INVALID_IDS = ["", "x" * 129, "two words", "a,b", '"quoted"', "<script>", "é", "%0A", "0123456789abcdef" * 4,
               "a\n"]  # fmt: skip


@pytest.mark.parametrize("request_id", VALID_IDS)
def test_a_valid_request_id_is_kept(app, request_id):
    answer = Api(app).ask("GET", COLLECTION, status=401, X_Request_ID=request_id)
    assert answer.headers["X-Request-ID"] == answer.json["correlationId"] == request_id


@pytest.mark.parametrize("request_id", INVALID_IDS)
def test_an_invalid_request_id_is_replaced(app, request_id):
    environ = {"HTTP_X_REQUEST_ID": request_id}
    answers = [Api(app).ask("GET", COLLECTION, status=401, environ=environ) for _ in range(2)]
    ids = {answer.headers["X-Request-ID"] for answer in answers}
    assert ids == {answer.json["correlationId"] for answer in answers}
    assert [re.fullmatch("[0-9a-f]{32}", request_id) is not None for request_id in ids] == [True, True]


# --- the log (cli/test_serve has whole lines, test_secrets shows that none has a key), errors of the server


@pytest.mark.parametrize("kind", [RuntimeError, DatabaseRefused])
def test_a_defect_is_500_with_an_error_id_in_the_log(app, api, monkeypatch, caplog, kind):
    monkeypatch.setattr(app.lists, "page", raising(kind(SECRET)))
    answer, other = (api.get(COLLECTION, 500) for _ in range(2))
    error = answer.json["error"]
    assert error["errorId"] != other.json["error"]["errorId"]
    assert not re.search(f"{SECRET}|{kind.__name__}|Traceback|File", answer.text)
    for text in (error["errorId"], answer.json["correlationId"], f"{kind.__name__}: {SECRET}", "Traceback"):
        assert text in caplog.text


@pytest.mark.parametrize("cause", [None, OSError("locked")])
def test_an_unavailable_database_is_logged_with_the_cause(app, api, monkeypatch, caplog, cause):
    error = StoreUnavailable("The database is busy.")
    error.__cause__ = cause
    monkeypatch.setattr(app.lists, "page", raising(error))
    answer = api.get(COLLECTION, 503).json
    logged = "" if cause is None else " cause=OSError('locked')"
    assert f"The database is busy.{logged} request={answer['correlationId']}" in caplog.text
    assert answer["error"] == {"code": "SERVICE_UNAVAILABLE", "message": "The database is busy."}


def test_a_request_that_falcon_rejects_lists_its_problem(app, api, monkeypatch):
    monkeypatch.setattr(app.lists, "page", raising(falcon.HTTPBadRequest()))
    error = api.get("/v1/clients", 400).json["error"]
    assert (error["code"], error["details"]) == (
        "VALIDATION_ERROR",
        [{"field": "request", "message": "is malformed"}],
    )


@pytest.mark.parametrize("function", ["search_words", "has_place"])
def test_a_defect_in_a_function_of_sql_is_no_damage(api, monkeypatch, function):
    ask = {
        "search_words": lambda status: api.post(JORDAN, status),
        "has_place": lambda status: api.get(PLACE, status),
    }
    api.create(preferred_locations=["Shafter"])
    for module in (search_terms, places):
        monkeypatch.setattr(module, "strings", raising(KeyError(SECRET)))
    assert ask[function](500).json["error"]["errorId"]
