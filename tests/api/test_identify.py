"""Callers named by the app that acare is embedded in: who they are, and which writes they may send."""

import pytest
from support.data import JORDAN
from webtest import TestApp

import acare
from acare.api.access_log import text_line
from acare.errors import UserError
from acare.fields import validate_create
from acare.store.history import HistoryStore

ANA = "ana@example.com"
JSON = "application/json"


@pytest.fixture
def lines():
    """The lines of the access log."""
    return []


@pytest.fixture
def embedded(tmp_path, new_database, lines):
    """An app embedded in a program that knows the user by a cookie."""
    (tmp_path / "acare.db").write_bytes(new_database)
    options = {"database": tmp_path / "acare.db", "rate_limit": "off"}
    options["access_log"] = lines.append
    with acare.create_app(**options, identify=lambda env: env.get("HTTP_COOKIE")) as app:
        app.users.add(ANA, "agent")
        yield app


def send(
    app, method="POST", body=b'{"first_name": "A", "last_name": "B", "client_type": "buyer"}', **headers
):
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    path = "/v1/users/me" if method == "GET" else "/v1/clients"
    return TestApp(app).request(path, method=method, body=body, headers=sent, status="*")


def test_the_user_named_by_identify_is_the_caller(embedded):
    assert send(embedded, "GET", b"", Cookie="ANA@example.com").json["data"]["email"] == ANA
    made = send(embedded, Cookie=ANA, Content_Type=JSON)
    assert made.status_int == 201
    event, *_ = HistoryStore(embedded.database).events(made.json["data"]["id"])
    assert (event.user, event.key) == (ANA, "host")


@pytest.mark.parametrize("cookie", [None, ""])
def test_a_request_without_a_user_is_401(embedded, cookie):
    assert send(embedded, "GET", b"", Cookie=cookie).status_int == 401


@pytest.mark.parametrize("user", ["stranger@example.com", ANA + " ", ANA])
def test_an_unknown_or_disabled_user_is_403_and_named(embedded, lines, user):
    embedded.users.disable(ANA)
    for method in ("GET", "POST"):
        answer = send(embedded, method, b"", Cookie=user, Content_Type=JSON)
        error = answer.json["error"]
        assert (answer.status_int, error["code"]) == (403, "INSUFFICIENT_SCOPE")
        assert (
            f"You are logged in as {user!r}, but this user is unknown or disabled here." in error["message"]
        )
    assert {line.key for line in lines} == {f"user:{user.replace(' ', '%20')}"}


def test_a_users_name_cannot_break_a_line_of_the_log(embedded, lines):
    send(embedded, "GET", b"", Cookie="a\n\x1b[2J\ud800" + "x" * 1000)
    assert text_line(lines[0], "now").isprintable()
    assert len(lines[0].key) < 300


def test_a_key_takes_precedence_over_identify(embedded):
    key = embedded.keys.create("ben@example.com", {"all": ["read"]}).key
    answer = send(embedded, "GET", b"", Cookie=ANA, X_API_Key=key)
    assert answer.json["data"]["email"] == "ben@example.com"
    assert send(embedded, "GET", b"", Cookie=ANA, X_API_Key="x").status_int == 401


SAME = {"Origin": "http://localhost:80"}
# What a browser sends with the session of its user for each kind of request that a page can make.
WRITES = {
    "fetch of the same origin": (201, {"Content_Type": JSON, "Sec_Fetch_Site": "same-origin", **SAME}),
    "with a charset": (201, {"Content_Type": "application/json; charset=utf-8"}),
    "a browser that does not say": (201, {"Content_Type": JSON}),
    "no page at all": (201, {"Content_Type": JSON, "Sec_Fetch_Site": "none"}),
    "fetch of another site": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "cross-site"}),
    "fetch of a subdomain": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "same-site"}),
    "a page of the same host": (201, {"Content_Type": JSON, "Origin": "https://localhost:80"}),
    "a page of the usual port": (201, {"Content_Type": JSON, "Origin": "http://localhost"}),
    "a page of another host": (403, {"Content_Type": JSON, "Origin": "http://evil.example"}),
    "a page of another port": (403, {"Content_Type": JSON, "Origin": "http://localhost:8080"}),
    "a page in a sandbox": (403, {"Content_Type": JSON, "Origin": "null"}),
    "a form": (403, {"Content_Type": "application/x-www-form-urlencoded"}),
    "a form as text, no-cors fetch of a string": (403, {"Content_Type": "text/plain;charset=UTF-8"}),
    "a Blob without a type": (403, {}),
    "a type that is JSON for a part of it": (403, {"Content_Type": "text/plain; application/json"}),
    "a form of the same origin": (403, {"Content_Type": "text/plain", **SAME}),
}


@pytest.mark.parametrize(("status", "headers"), WRITES.values(), ids=WRITES)
def test_only_a_page_of_the_same_origin_can_write(embedded, status, headers):
    answer = send(embedded, Cookie=ANA, **headers)
    assert answer.status_int == status
    if status == 403:
        assert answer.json["error"]["code"] == "CROSS_SITE_REQUEST"
    ana = acare.Caller.for_user(embedded, ANA)
    assert embedded.clients.page(ana, page=1, limit=1).total == (status == 201)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_foreign_page_can_neither_change_nor_delete(embedded, method):
    client_id = embedded.clients.create(acare.Caller.for_user(embedded, ANA), validate_create(JORDAN)).id
    path, headers = f"/v1/clients/{client_id}", {"Cookie": ANA, "Content-Type": "text/plain"}
    assert TestApp(embedded).request(path, method=method, headers=headers, body=b"{}", status=403)


def test_any_page_may_write_with_a_key(embedded):
    key = embedded.keys.create(ANA, {"all": ["write"]}).key
    assert send(embedded, X_API_Key=key, Content_Type=JSON, Sec_Fetch_Site="cross-site").status_int == 201


def test_an_embedder_uses_the_store_as_a_user(embedded):
    ana = acare.Caller.for_user(embedded, ANA)
    made = embedded.clients.create(ana, validate_create(JORDAN))
    assert embedded.clients.page(ana, page=1, limit=25, q="jor") == (1, [made.json])


def test_an_unknown_or_disabled_user_is_no_caller(embedded):
    embedded.users.disable(ANA)
    for email in (ANA, "stranger@example.com"):
        with pytest.raises(UserError, match=email):
            acare.Caller.for_user(embedded, email)


def test_each_user_can_have_a_bucket(tmp_path):
    options = {"rate_limit": "1/900", "rate_limit_by": "key", "identify": lambda env: env.get("HTTP_COOKIE")}
    with acare.create_app(database=tmp_path / "limited.db", **options) as app:
        for email in (ANA, "ben@example.com"):
            app.users.add(email, "agent")
            assert [send(app, "GET", b"", Cookie=email).status_int for _ in range(2)] == [200, 429]
