"""Callers named by the app that acare is embedded in: who they are, and which writes they may send."""

import pytest
from support.keys import new_key
from support.wsgi import call
from webtest import TestApp

import acare
from acare.api.access_log import text_line
from acare.errors import SettingError

ANA = "ana@example.com"
JSON = "application/json"
SIGN_IN = {"trusted_proxy": "192.0.2.1", "user_header": "Remote-Email"}


@pytest.fixture
def lines():
    """The lines of the access log."""
    return []


@pytest.fixture
def embedded(tmp_path, new_database, lines):
    """An app embedded in a program that knows the user by a cookie."""
    (tmp_path / "acare.db").write_bytes(new_database)
    options = {"database": tmp_path / "acare.db", "rate_limit": "off"}
    options |= {"access_log": lines.append, "identify": lambda env: env.get("HTTP_COOKIE")}
    with acare.create_app(**options) as app:
        app.users.add(ANA, "agent")
        yield app


def send(app, method="POST", path="/v1/clients", body=b"", **headers):
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    return TestApp(app).request(path, method=method, body=body, headers=sent, status="*")


def write(app, **headers):
    return send(app, body=b'{"first_name": "A", "last_name": "B", "client_type": "buyer"}', **headers)


def me(app, **headers):
    return send(app, "GET", "/v1/users/me", **headers)


def test_the_user_named_by_identify_is_the_caller(embedded, lines):
    assert me(embedded, Cookie="ANA@example.com").json["data"]["email"] == ANA
    made = write(embedded, Cookie=ANA, Content_Type=JSON)
    assert made.status_int == 201
    event, *_ = embedded.history.stored(made.json["data"]["id"])["history"]
    assert (event["by"], lines[-1].key) == (ANA, "session")


def test_a_user_without_a_key_has_no_invitation(embedded):
    answer = send(embedded, path="/v1/keys/redeem", Cookie=ANA, Content_Type=JSON)
    assert (answer.status_int, answer.json["error"]["details"]) == (401, {"reason": "missing"})


def test_each_user_has_a_bucket(embedded):
    embedded.users.add("ben@example.com", "agent")
    options = {"rate_limit": "1/900", "identify": lambda env: env.get("HTTP_COOKIE")}
    with acare.create_app(database=embedded.database.path, **options) as app:
        assert [me(app, Cookie=user).status_int for user in (ANA, "ben@example.com", ANA)] == [200, 200, 429]


@pytest.mark.parametrize("cookie", [None, ""])
def test_a_request_without_a_user_is_401(embedded, cookie):
    assert me(embedded, Cookie=cookie).status_int == 401


@pytest.mark.parametrize("user", ["stranger@example.com", ANA + " ", ANA, "an id"])
def test_an_unknown_or_disabled_user_is_403_and_named(embedded, lines, user):
    if user == "an id":
        user = embedded.caller(ANA).user_id
    embedded.users.change(ANA, disabled=user == ANA)
    answer = me(embedded, Cookie=user)
    assert (answer.status_int, answer.json["error"]["code"]) == (403, "INSUFFICIENT_SCOPE")
    assert f"signed in as {user!r}, but this user is unknown or disabled" in answer.json["error"]["message"]
    assert lines[0].key == f"user:{user.replace(' ', '%20')}"


def test_a_users_name_cannot_break_a_line_of_the_log(embedded, lines):
    me(embedded, Cookie="a\n\x1b[2J\x80" + "x" * 1000)
    assert text_line(lines[0]).isprintable()
    assert len(lines[0].key) < 300


def test_the_log_has_no_method_and_no_key_that_is_unknown(embedded, lines):
    call(embedded, "BREW", "/v1/clients", HTTP_X_API_KEY="0" * 64)
    assert (lines[0].method, lines[0].key) == ("-", "-")


def test_a_key_takes_precedence_over_identify(embedded):
    key = new_key(embedded.keys, "ben@example.com", {"all": ["read"]}).key
    assert me(embedded, Cookie=ANA, X_API_Key=key).json["data"]["email"] == "ben@example.com"
    assert me(embedded, Cookie=ANA, X_API_Key="x").status_int == 401


def test_only_the_trusted_proxy_names_the_user(embedded):
    embedded.users.change(ANA, email=(ana := "ånä@example.com"))
    with acare.create_app(database=embedded.database.path, **SIGN_IN) as app:
        for peer, sent, status in ((1, ana, 200), (1, f"{ana}, {ana}", 403), (1, "", 401), (2, ana, 401)):
            environ = {"REMOTE_ADDR": f"192.0.2.{peer}", "HTTP_REMOTE_EMAIL": sent.encode().decode("latin-1")}
            TestApp(app).get("/v1/users/me", extra_environ=environ, status=status)


def test_identify_excludes_pages_of_all_origins(tmp_path):
    with pytest.raises(SettingError, match=r"cors_origin '\*' cannot be combined with identify"):
        acare.create_app(database=tmp_path / "acare.db", cors_origin="*", identify=lambda env: ANA)


@pytest.mark.parametrize("returned", [5, ANA.encode(), "a\ud800@example.com"], ids=repr)
def test_a_wrong_identify_is_a_500_with_a_traceback(tmp_path, caplog, returned):
    with acare.create_app(database=tmp_path / "acare.db", identify=lambda env: returned) as app:
        answer, health = me(app), send(app, "GET", "/healthz")
    assert (answer.status_int, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert health.status_int == 200
    assert answer.headers["RateLimit-Remaining"] == "499"
    [record] = caplog.records
    assert answer.json["error"]["errorId"] in record.getMessage()
    assert record.exc_info is not None


SAME = {"Origin": "http://localhost:80"}
# What a browser sends with the session of its user for each kind of request that a page can make.
WRITES = {
    "fetch of the same origin": (201, {"Content_Type": JSON, "Sec_Fetch_Site": "same-origin", **SAME}),
    "a browser that does not say": (201, {"Content_Type": JSON}),
    "fetch of another site": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "cross-site"}),
    "fetch of a subdomain": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "same-site"}),
    "a page of the same host": (201, {"Content_Type": JSON, "Origin": "https://localhost:80"}),
    "a page of another host": (403, {"Content_Type": JSON, "Origin": "http://evil.example"}),
    "a page in a sandbox": (403, {"Content_Type": JSON, "Origin": "null"}),
    "a form": (403, {"Content_Type": "application/x-www-form-urlencoded"}),
    "a form as text, no-cors fetch of a string": (403, {"Content_Type": "text/plain;charset=UTF-8"}),
    "a type that is JSON for a part of it": (403, {"Content_Type": "text/plain; application/json"}),
}


@pytest.mark.parametrize(("status", "headers"), WRITES.values(), ids=WRITES)
def test_only_a_page_of_the_same_origin_can_write(embedded, status, headers):
    answer = write(embedded, Cookie=ANA, **headers)
    assert answer.status_int == status
    named = f"The page's origin is {headers.get('Origin', 'not named')}, the server's is"
    assert status == 201 or named in answer.json["error"]["message"]
    assert embedded.lists.page(embedded.caller(ANA), page=1, limit=1).total == (status == 201)


def test_any_page_may_write_with_a_key(embedded):
    key = new_key(embedded.keys, ANA, {"all": ["write"]}).key
    assert write(embedded, X_API_Key=key, Content_Type=JSON, Sec_Fetch_Site="cross-site").status_int == 201
