"""Callers named by the host that acare is embedded in: who they are, and which writes they may send."""

import pytest
from support.data import JORDAN
from webtest import TestApp

import acare
from acare.errors import UserError
from acare.fields import validate_create
from acare.store.history import HistoryStore

ANA = "ana@example.com"
JSON = "application/json"


@pytest.fixture
def hosted(tmp_path, new_database):
    """An app whose host knows the user by a cookie."""
    (tmp_path / "acare.db").write_bytes(new_database)
    options = {"database": tmp_path / "acare.db", "rate_limit": "off"}
    with acare.create_app(**options, identify=lambda env: env.get("HTTP_COOKIE")) as app:
        app.users.add(ANA, "agent")
        yield app


def send(
    app, method="POST", body=b'{"first_name": "A", "last_name": "B", "client_type": "buyer"}', **headers
):
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
    path = "/v1/users/me" if method == "GET" else "/v1/clients"
    return TestApp(app).request(path, method=method, body=body, headers=sent, status="*")


def test_the_user_named_by_the_host_is_the_caller(hosted):
    assert send(hosted, "GET", b"", Cookie="ANA@example.com").json["data"]["email"] == ANA
    made = send(hosted, Cookie=ANA, Content_Type=JSON)
    assert made.status_int == 201
    event, *_ = HistoryStore(hosted.database).events(made.json["data"]["id"])
    assert (event.user, event.key) == (ANA, "host")


@pytest.mark.parametrize("cookie", [None, "stranger@example.com", "", ANA + " "])
def test_a_request_without_a_user_of_the_host_is_401(hosted, cookie):
    assert send(hosted, "GET", b"", Cookie=cookie).status_int == 401


def test_a_disabled_user_of_the_host_is_401(hosted):
    assert send(hosted, "GET", b"", Cookie=ANA).status_int == 200
    hosted.users.disable(ANA)
    assert send(hosted, "GET", b"", Cookie=ANA).status_int == 401


def test_a_key_takes_precedence_over_the_host(hosted):
    key = hosted.keys.create("ben@example.com", {"all": ["read"]}).key
    answer = send(hosted, "GET", b"", Cookie=ANA, X_API_Key=key)
    assert answer.json["data"]["email"] == "ben@example.com"
    assert send(hosted, "GET", b"", Cookie=ANA, X_API_Key="x").status_int == 401


# What a browser sends with the session of its user for each kind of request that a page can make.
WRITES = {
    "fetch of the same origin": (201, {"Content_Type": JSON, "Sec_Fetch_Site": "same-origin"}),
    "with a charset": (201, {"Content_Type": "application/json; charset=utf-8"}),
    "a browser that does not say": (201, {"Content_Type": JSON}),
    "no page at all": (201, {"Content_Type": JSON, "Sec_Fetch_Site": "none"}),
    "fetch of another site": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "cross-site"}),
    "fetch of a subdomain": (403, {"Content_Type": JSON, "Sec_Fetch_Site": "same-site"}),
    "a form": (403, {"Content_Type": "application/x-www-form-urlencoded"}),
    "a form with a file": (403, {"Content_Type": "multipart/form-data; boundary=x"}),
    "a form as text, no-cors fetch of a string": (403, {"Content_Type": "text/plain;charset=UTF-8"}),
    "a Blob without a type": (403, {}),
    "a type that is JSON for a part of it": (403, {"Content_Type": "text/plain; application/json"}),
    "a form on the host's own page": (403, {"Content_Type": "text/plain", "Sec_Fetch_Site": "same-origin"}),
}


@pytest.mark.parametrize(("status", "headers"), WRITES.values(), ids=WRITES)
def test_only_a_page_of_the_host_can_write_with_its_session(hosted, status, headers):
    answer = send(hosted, Cookie=ANA, **headers)
    assert answer.status_int == status
    if status == 403:
        assert answer.json["error"]["code"] == "CROSS_SITE_REQUEST"
    ana = acare.Caller.for_user(hosted, ANA)
    assert hosted.clients.page(ana, page=1, limit=1).total == (status == 201)


def test_a_foreign_page_can_neither_change_nor_delete(hosted):
    client_id = hosted.clients.create(acare.Caller.for_user(hosted, ANA), validate_create(JORDAN)).id
    for method, sent, status in (("PUT", "text/plain", 403), ("DELETE", None, 403), ("DELETE", JSON, 200)):
        headers = {"Cookie": ANA, **({"Content-Type": sent} if sent else {})}
        path = f"/v1/clients/{client_id}"
        body = b'{"notes": "x"}' if method == "PUT" else b""
        assert TestApp(hosted).request(path, method=method, headers=headers, body=body, status=status)


def test_any_page_may_write_with_a_key(hosted):
    key = hosted.keys.create(ANA, {"all": ["write"]}).key
    assert send(hosted, X_API_Key=key, Content_Type=JSON, Sec_Fetch_Site="cross-site").status_int == 201
    web = TestApp(hosted)
    typeless = web.request("/v1/clients", method="POST", body=b"{}", headers={"X-API-Key": key}, status="*")
    assert typeless.json["error"]["code"] == "VALIDATION_ERROR"


def test_an_embedder_uses_the_store_as_a_user(hosted):
    ana = acare.Caller.for_user(hosted, ANA)
    made = hosted.clients.create(ana, validate_create(JORDAN))
    assert hosted.clients.page(ana, page=1, limit=25, q="jor") == (1, [made.json])
    hosted.users.add("ben@example.com", "agent")
    ben = acare.Caller.for_user(hosted, "ben@example.com")
    assert hosted.clients.page(ben, page=1, limit=25).total == 0


def test_an_unknown_or_disabled_user_is_no_caller(hosted):
    hosted.users.disable(ANA)
    for email in (ANA, "stranger@example.com"):
        with pytest.raises(UserError, match=email):
            acare.Caller.for_user(hosted, email)


def test_the_key_of_the_host_is_not_listed(hosted):
    acare.Caller.for_user(hosted, ANA)
    assert acare.Caller.for_user(hosted, ANA).key_id == acare.Caller.for_user(hosted, ANA).key_id
    assert (hosted.keys.list(), hosted.keys.any(), hosted.keys.revoke_all(ANA)) == ([], False, 0)


def test_each_user_of_the_host_has_a_bucket(tmp_path):
    options = {"rate_limit": "1/900", "rate_limit_by": "key", "identify": lambda env: env.get("HTTP_COOKIE")}
    with acare.create_app(database=tmp_path / "limited.db", **options) as app:
        for email in (ANA, "ben@example.com"):
            app.users.add(email, "agent")
            assert [send(app, "GET", b"", Cookie=email).status_int for _ in range(2)] == [200, 429]
