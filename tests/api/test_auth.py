"""Who may do what: keys, scopes, visibility, and the order of the gates."""

import hashlib
import sqlite3
from datetime import UTC, datetime

import pytest
from support.client import Api
from support.data import JORDAN
from webtest import TestApp

import acare

NOBODY = "550e8400-e29b-41d4-a716-446655440000"
UNKNOWN = "0123456789abcdef" * 4

EVERYTHING = [
    # method, path, body, the status for somebody who may
    ("GET", "/v1/clients", None, 200),
    ("HEAD", "/v1/clients", None, 200),
    ("POST", "/v1/clients", JORDAN, 201),
    ("GET", "/v1/clients/{id}", None, 200),
    ("HEAD", "/v1/clients/{id}", None, 200),
    ("PUT", "/v1/clients/{id}", {"notes": "x"}, 200),
    ("DELETE", "/v1/clients/{id}", None, 200),
]
READING = ("GET", "HEAD")
WRITING = ("POST", "PUT", "DELETE")


def call(caller, method, path, body=None, status=200):
    web = getattr(caller.web, method.lower() if body is None else f"{method.lower()}_json")
    arguments = (path,) if body is None else (path, body)
    return web(*arguments, headers=caller.headers, status=status)


def with_headers(app, headers, status):
    return TestApp(app).get("/v1/clients", headers=headers, status=status)


def new_key(app, **options):
    return app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker", **options)


def expire(app, key, when):
    statement = "UPDATE api_keys SET expires_at = ? WHERE id = ?"
    app.database.write(lambda connection: connection.execute(statement, (when, key.id)))


def ids(caller, query=""):
    return {client["id"] for client in caller.get(f"/v1/clients{query}").json["data"]["clients"]}


def total(caller, query=""):
    return caller.get(f"/v1/clients{query}").json["data"]["meta"]["total"]


@pytest.fixture
def ana(caller):
    return caller("ana@example.com", role="agent")


@pytest.fixture
def bob(caller):
    return caller("bob@example.com", role="agent")


# --- keys

WRONG_HEADERS = [
    pytest.param(lambda app, key: {}, id="none"),
    pytest.param(lambda app, key: {"X-API-Key": ""}, id="empty"),
    pytest.param(lambda app, key: {"X-API-Key": key[:63]}, id="short"),
    pytest.param(lambda app, key: {"X-API-Key": key + "0"}, id="long"),
    pytest.param(lambda app, key: {"X-API-Key": "A" + key[1:]}, id="upper-case"),
    pytest.param(lambda app, key: {"X-API-Key": key.upper()}, id="all upper-case"),
    pytest.param(lambda app, key: {"X-API-Key": "g" + key[1:]}, id="not hex"),
    pytest.param(lambda app, key: {"X-API-Key": "é" + key[1:]}, id="not ASCII"),
    pytest.param(lambda app, key: {"X-API-Key": f"Bearer {key}"}, id="with a word before it"),
    pytest.param(lambda app, key: {"Authorization": f"Bearer {key}"}, id="in another header"),
    pytest.param(lambda app, key: {"X-API-Key": UNKNOWN}, id="unknown"),
    pytest.param(lambda app, key: {"API-Key": UNKNOWN}, id="unknown in API-Key"),
    pytest.param(lambda app, key: {"X-API-Key": hashlib.sha256(key.encode()).hexdigest()}, id="the hash"),
    pytest.param(lambda app, key: {"X-API-Key": UNKNOWN, "API-Key": key}, id="the wrong one wins"),
]


@pytest.mark.parametrize("headers", WRONG_HEADERS)
def test_a_key_that_is_no_key_is_401(app, headers):
    answer = with_headers(app, headers(app, new_key(app).key), status=401)
    assert answer.json["error"]["code"] == "UnauthorizedError"


def revoked(app):
    key = new_key(app)
    app.keys.revoke(key.id)
    return key.key


def expired(app):
    key = new_key(app, expires_in_days=1)
    expire(app, key, "2001-01-01T00:00:00.000Z")
    return key.key


@pytest.mark.parametrize("make", [revoked, expired])
def test_a_key_that_is_no_longer_valid_is_401(app, make):
    with_headers(app, {"X-API-Key": make(app)}, status=401)


def test_every_401_looks_the_same(app):
    keys = [None, "short", UNKNOWN, UNKNOWN.upper(), revoked(app), expired(app)]
    answers = [with_headers(app, {} if key is None else {"X-API-Key": key}, 401) for key in keys]
    assert len({str(answer.json["error"]) for answer in answers}) == 1
    assert all(answer.headers["WWW-Authenticate"] for answer in answers)


def test_a_401_does_not_repeat_the_key(app):
    assert UNKNOWN not in str(with_headers(app, {"X-API-Key": UNKNOWN}, 401))


@pytest.mark.parametrize(("method", "path", "body", "_"), EVERYTHING)
def test_nothing_under_v1_goes_without_a_key(app, method, path, body, _):
    call(Api(app, None), method, path.format(id=NOBODY), body, status=401)


@pytest.mark.parametrize("name", ["X-API-Key", "API-Key", "x-api-key", "api-key"])
def test_a_key_goes_in_either_header(app, name):
    with_headers(app, {name: new_key(app).key}, status=200)


def test_the_key_in_x_api_key_wins(app, ana, bob):
    client = ana.create()
    both = {"X-API-Key": ana.key, "API-Key": bob.key}
    assert with_headers(app, both, 200).json["data"]["clients"] == [client]


def test_x_api_key_wins_over_a_wrong_api_key_header(app):
    with_headers(app, {"X-API-Key": new_key(app).key, "API-Key": UNKNOWN}, status=200)


def test_a_key_that_expires_later_is_valid(app):
    with_headers(app, {"X-API-Key": new_key(app, expires_in_days=1).key}, status=200)


def test_a_revoked_key_is_401_from_then_on(app):
    key = new_key(app)
    with_headers(app, {"X-API-Key": key.key}, status=200)
    app.keys.revoke(key.id)
    with_headers(app, {"X-API-Key": key.key}, status=401)


def test_revoking_one_key_of_a_user_leaves_the_others(app):
    first, second = new_key(app), new_key(app)
    app.keys.revoke(first.id)
    with_headers(app, {"X-API-Key": second.key}, status=200)


def test_two_keys_of_one_user_see_the_same_clients(caller):
    first, second = (caller("ana@example.com", role="agent") for _ in range(2))
    assert first.create()["id"] in ids(second)


# --- what is stored of a key


def test_only_a_hash_of_the_key_is_stored(tmp_path, app, api):
    api.create()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert hashlib.sha256(api.key.encode()).digest() in stored
    assert api.key.encode() not in stored
    assert bytes.fromhex(api.key) not in stored


def test_a_key_is_shown_by_its_first_8_and_last_4_characters(app):
    key = new_key(app)
    (listed,) = app.keys.list()
    assert listed["preview"].startswith(key.key[:8])
    assert listed["preview"].endswith(key.key[-4:])
    assert key.key[8:-4] not in str(listed)


def test_the_use_of_a_key_is_noted_to_the_minute(app, api):
    before = datetime.now(UTC)
    api.get("/v1/clients")
    app.database.write(lambda connection: None)  # after the note, which is queued
    after = datetime.now(UTC)
    minutes = {time.strftime("%Y-%m-%dT%H:%M:00.000Z") for time in (before, after)}
    assert app.keys.list()[0]["last_used_at"] in minutes


def test_a_key_that_was_never_used_has_no_last_use(app):
    new_key(app)
    assert app.keys.list()[0]["last_used_at"] is None


def test_the_second_use_of_a_key_in_a_minute_writes_nothing(app, api):
    """Of two uses that follow the first at once, one at least is in the same minute as that before it."""
    watching = sqlite3.connect(app.database.path)
    versions = []
    for _ in range(3):
        api.get("/v1/clients")
        app.database.write(lambda connection: None)  # after the note, which is queued
        versions += watching.execute("PRAGMA data_version").fetchone()
    watching.close()
    first, second, third = versions
    assert first == second or second == third


def test_a_request_that_is_refused_is_no_use_of_a_revoked_key(app):
    key = new_key(app)
    app.keys.revoke(key.id)
    with_headers(app, {"X-API-Key": key.key}, status=401)
    app.database.write(lambda connection: None)  # after a note, if one were queued
    assert app.keys.list()[0]["last_used_at"] is None


# --- scopes

SCOPES = [
    # scopes, the methods that they allow
    ({"clients": ["read"]}, READING),
    ({"clients": ["write"]}, WRITING),
    ({"clients": ["delete"]}, ("DELETE",)),
    ({"clients": ["read", "write"]}, READING + WRITING),
    ({"clients": ["read", "delete"]}, (*READING, "DELETE")),
    ({"all": ["read"]}, READING),
    ({"all": ["write"]}, WRITING),
    ({"all": ["delete"]}, ("DELETE",)),
    ({"all": ["read", "write"]}, READING + WRITING),
    ({"all": ["read"], "clients": ["write"]}, READING + WRITING),
    ({"all": [], "clients": []}, ()),
    ({"escrows": ["read", "write", "delete"]}, ()),
    ({"clients": ["admin", "*"]}, ()),
    ({}, ()),
]


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """An app for what does not depend on which clients there are besides."""
    path = tmp_path_factory.mktemp("busy") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


@pytest.mark.parametrize(("method", "path", "body", "status"), EVERYTHING)
@pytest.mark.parametrize(("scopes", "allowed"), SCOPES, ids=str)
def test_a_key_may_what_its_scopes_say(busy, scopes, allowed, method, path, body, status):
    client_id = Api(busy, new_key(busy).key).create()["id"]
    keyholder = Api(busy, busy.keys.create("broker@example.com", scopes).key)
    call(keyholder, method, path.format(id=client_id), body, status if method in allowed else 403)


@pytest.mark.parametrize(
    ("method", "path", "body"), [row[:3] for row in EVERYTHING if row[0] in WRITING], ids=WRITING
)
def test_a_write_without_the_scope_writes_nothing(caller, method, path, body):
    owner = caller()
    client = owner.create()
    call(caller(scopes={"clients": ["read"]}), method, path.format(id=client["id"]), body, status=403)
    assert owner.get("/v1/clients").json["data"]["clients"] == [client]


def test_a_403_says_which_scope_is_missing(caller):
    error = caller(scopes={"clients": ["read"]}).post(JORDAN, status=403).json["error"]
    assert error["code"] == "INSUFFICIENT_SCOPE"
    assert error["details"] == {"resource": "clients", "actions": ["write"]}


# --- visibility


def test_an_agent_lists_only_their_own_clients(ana, bob):
    mine = {ana.create()["id"] for _ in range(2)}
    bob.create()
    assert ids(ana) == mine


def test_a_broker_lists_all_of_the_agencys_clients(api, ana, bob):
    everyone = {caller.create()["id"] for caller in (api, ana, bob)}
    assert ids(api) == everyone


def test_an_agents_totals_are_of_their_own_clients(ana, bob):
    for caller in (ana, bob, bob):
        caller.create()
    assert (total(ana), total(bob)) == (1, 2)


def test_a_brokers_totals_are_the_agencys(api, ana, bob):
    for caller in (api, ana, bob, bob):
        caller.create()
    assert total(api) == 4


FILTERED = [
    ("?client_type=buyer", 1, 2),
    ("?status=closed", 2, 3),
    ("?client_type=buyer&status=closed", 1, 2),
    ("?client_type=both", 0, 0),
    ("?limit=1", 2, 3),
]


@pytest.mark.parametrize(("query", "hers", "all_of_them"), FILTERED)
def test_filters_and_visibility_both_hold(api, ana, bob, query, hers, all_of_them):
    ana.create(client_type="buyer", status="closed")
    ana.create(client_type="seller", status="closed")
    bob.create(client_type="buyer", status="closed")
    assert (total(ana, query), total(api, query)) == (hers, all_of_them)
    if "limit" not in query:
        assert (len(ids(ana, query)), len(ids(api, query))) == (hers, all_of_them)


def test_an_agents_pages_have_no_gaps_where_others_clients_are(ana, bob):
    mine = []
    for _ in range(3):
        mine.insert(0, ana.create()["id"])
        bob.create()
    pages = [ana.get(f"/v1/clients?limit=1&page={page}").json["data"] for page in (1, 2, 3)]
    assert [client["id"] for page in pages for client in page["clients"]] == mine
    assert [page["meta"]["hasMore"] for page in pages] == [True, True, False]


def test_a_brokers_pages_have_the_clients_of_all_newest_first(api, ana, bob):
    everyone = [caller.create()["id"] for caller in (ana, bob, api, bob, ana)][::-1]
    pages = [api.get(f"/v1/clients?limit=2&page={page}").json["data"] for page in (1, 2, 3)]
    assert [client["id"] for page in pages for client in page["clients"]] == everyone
    assert [page["meta"]["hasMore"] for page in pages] == [True, True, False]


ON_ONE = [(method, body) for method, path, body, _ in EVERYTHING if "{id}" in path]


@pytest.mark.parametrize(("method", "body"), [*ON_ONE, ("PUT", {"notes": "x", "version": 1})])
def test_an_agent_gets_404_for_another_agents_client(ana, bob, method, body):
    client = bob.create()
    call(ana, method, f"/v1/clients/{client['id']}", body, status=404)
    assert bob.get(f"/v1/clients/{client['id']}").json["data"] == client


def test_an_agent_gets_404_for_a_brokers_client(api, ana):
    ana.get(f"/v1/clients/{api.create()['id']}", status=404)


def test_what_is_invisible_looks_like_what_is_not_there(ana, bob):
    client_id = bob.create()["id"]
    answers = [ana.get(f"/v1/clients/{parse_id}", status=404) for parse_id in (client_id, NOBODY, "abc")]
    assert len({str(answer.json["error"]) for answer in answers}) == 1


@pytest.mark.parametrize(("method", "body"), ON_ONE)
def test_a_broker_does_anything_to_an_agents_client(api, ana, method, body):
    call(api, method, f"/v1/clients/{ana.create()['id']}", body, status=200)


def test_a_client_stays_the_agents_when_a_broker_updates_it(api, ana):
    client = ana.create()
    changed = api.put(client["id"], {"client_type": "both", "status": "closed"}).json["data"]
    assert changed["user_id"] == client["user_id"]
    assert (ids(ana), total(ana, "?client_type=both&status=closed")) == ({client["id"]}, 1)


def test_a_client_belongs_to_its_creator(ana, bob):
    hers = ana.create()["user_id"]
    assert bob.create(user_id=hers)["user_id"] != hers


# --- the order of the gates: what is refused first when two things are wrong

TOO_LARGE = {"padding": "x" * 70_000}
ORDER = [
    # the caller, method, path, body, the status that comes first
    ("nobody", "POST", "/v1/clients", TOO_LARGE, 413, "413 before 401"),
    ("nobody", "POST", "/v1/nothing", TOO_LARGE, 413, "413 before 404"),
    ("nobody", "GET", "/v1/nothing", None, 401, "401 before 404"),
    ("nobody", "GET", "/v1", None, 401, "401 before 404 at the root"),
    ("nobody", "DELETE", "/v1/clients", None, 401, "401 before 405"),
    ("nobody", "POST", "/v1/clients", [], 401, "401 before 400"),
    ("nothing", "GET", "/v1/nothing", None, 404, "404 for a path before 403"),
    ("nothing", "DELETE", "/v1/clients", None, 405, "405 before 403"),
    ("nothing", "PATCH", "/v1/clients/{id}", None, 405, "405 before 403 on one client"),
    ("nothing", "POST", "/v1/clients/{id}", [], 405, "405 before 400"),
    ("nothing", "GET", "/v1/clients?page=0", None, 403, "403 before 400 for a query"),
    ("reader", "POST", "/v1/clients", [], 403, "403 before 400"),
    ("reader", "PUT", "/v1/clients/{nobody}", {"notes": "x"}, 403, "403 before 404"),
    ("reader", "PUT", "/v1/clients/{id}", {"notes": "x", "version": 9}, 403, "403 before 409"),
    ("broker", "PUT", "/v1/clients/{nobody}", [], 400, "400 before 404"),
    ("broker", "PUT", "/v1/clients/abc", {}, 400, "400 before 404 for what is no id"),
    (
        "broker",
        "PUT",
        "/v1/clients/{nobody}",
        {"notes": "x", "version": 0},
        400,
        "400 for version before 404",
    ),
    ("broker", "PUT", "/v1/clients/{id}", {"status": "x", "version": 9}, 400, "400 before 409"),
    ("broker", "PUT", "/v1/clients/{id}", {"version": 9}, 400, "400 for nothing to write before 409"),
    ("broker", "PUT", "/v1/clients/{nobody}", {"notes": "x", "version": 9}, 404, "404 before 409"),
    ("agent", "PUT", "/v1/clients/{id}", {"notes": "x", "version": 9}, 404, "404 for another's before 409"),
]


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status"), [pytest.param(*row[:-1], id=row[-1]) for row in ORDER]
)
def test_the_gates_stand_in_their_order(busy, who, method, path, body, status):
    keys = {
        "nobody": None,
        "nothing": busy.keys.create("broker@example.com", {}, role="broker").key,
        "reader": busy.keys.create("broker@example.com", {"clients": ["read"]}).key,
        "broker": new_key(busy).key,
        "agent": busy.keys.create("ana@example.com", {"all": ["read", "write"]}).key,
    }
    client_id = Api(busy, keys["broker"]).create()["id"]
    call(Api(busy, keys[who]), method, path.format(id=client_id, nobody=NOBODY), body, status)


@pytest.fixture(scope="module")
def exhausted(tmp_path_factory):
    """An app whose one token is gone, for ever as its clock stands still."""
    path = tmp_path_factory.mktemp("exhausted") / "acare.db"
    with acare.create_app(database=path, rate_limit="1/900", clock=lambda: 0) as app:
        Api(app, None).get("/v1/clients", status=401)
        yield app


@pytest.mark.parametrize(
    ("who", "method", "path", "body"), [pytest.param(*row[:-2], id=row[-1]) for row in ORDER]
)
def test_429_comes_before_everything_else(exhausted, who, method, path, body):
    caller = Api(exhausted, None if who == "nobody" else new_key(exhausted).key)
    call(caller, method, path.format(id=NOBODY, nobody=NOBODY), body, status=429)
