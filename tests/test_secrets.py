"""What must not get out: keys, which ids exist, and other agents' clients."""

import contextlib
import hashlib
import io
import itertools
import json
import logging
import re
import sqlite3
from contextlib import closing

import pytest
from support.client import Api
from support.data import JORDAN

import acare
from acare.cli import main
from acare.server.logs import JsonFormatter, TextFormatter, access_as_json, access_as_text
from acare.store.backup import back_up
from acare.store.keys import AUTHENTICATE
from acare.store.restore import restore

NOBODY = "550e8400-e29b-41d4-a716-446655440000"
TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def ask(app, method, path, body=None, **headers):
    """A request whose id is always the same; the answer, whatever it is."""
    query = path.partition("?")[2]
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_X_REQUEST_ID": "the-same",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": io.StringIO(),
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    if body is not None:
        content = json.dumps(body).encode()
        environ |= {
            "wsgi.input": io.BytesIO(content),
            "CONTENT_LENGTH": str(len(content)),
            "CONTENT_TYPE": "application/json",
        }
    started = []
    content = b"".join(app(environ, lambda status, headers, exc_info=None: started.append((status, headers))))
    ((status, sent),) = started
    return status, sorted(sent), content


def but_for_the_time(answer):
    status, headers, content = answer
    return status, headers, TIMESTAMP.sub(b"", content)


# --- keys

# Where a key can be put by mistake, besides its header.
PLACES = {
    "its header": lambda key: ("GET", "/v1/clients", None, {"x_api_key": key}),
    "the other header": lambda key: ("GET", "/v1/clients", None, {"api_key": key}),
    "a malformed header": lambda key: ("GET", "/v1/clients", None, {"x_api_key": f"Bearer {key}"}),
    "Authorization": lambda key: ("GET", "/v1/clients", None, {"authorization": f"Bearer {key}"}),
    "the request's id": lambda key: ("GET", "/v1/clients", None, {"x_api_key": key, "x_request_id": key}),
    "the request's id, in capitals": lambda key: (
        "GET",
        "/v1/clients",
        None,
        {"x_api_key": key, "x_request_id": key.upper()},
    ),
    "a path, in capitals": lambda key: ("GET", f"/v1/clients/{key.upper()}", None, {}),
    "an id": lambda key: ("GET", f"/v1/clients/{key}", None, {"x_api_key": key}),
    "a path": lambda key: ("GET", f"/{key}", None, {}),
    "a filter": lambda key: ("GET", f"/v1/clients?status={key}&page={key}", None, {"x_api_key": key}),
    "a query": lambda key: ("GET", f"/v1/clients?api_key={key}", None, {}),
    "a body": lambda key: ("POST", "/v1/clients", key, {"x_api_key": key}),
    "every field": lambda key: (
        "POST",
        "/v1/clients",
        {name: {key: key} for name in (*JORDAN, "budget_min", "tags", "version", key)},
        {"x_api_key": key},
    ),
    "the version": lambda key: (
        "PUT",
        f"/v1/clients/{NOBODY}",
        {"notes": "x", "version": key},
        {"x_api_key": key},
    ),
    "If-Match": lambda key: ("DELETE", f"/v1/clients/{NOBODY}", None, {"x_api_key": key, "if_match": key}),
    "Idempotency-Key": lambda key: ("POST", "/v1/clients", [], {"x_api_key": key, "idempotency_key": key}),
}  # fmt: skip


@pytest.fixture(params=["text", "json"])
def log(request, tmp_path):
    """An app whose whole log goes where the command would send it, and what is in it by now."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter() if request.param == "json" else TextFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    as_line = access_as_json if request.param == "json" else access_as_text

    def access(line):
        written.write(as_line(0, line))

    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off", access_log=access) as app:
        yield app, written.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def new_key(app, email="broker@example.com", role="broker", scopes=("read", "write"), **options):
    return app.keys.create(email, {"clients": list(scopes)} if scopes else {}, role=role, **options)


def test_a_key_is_in_no_answer_and_no_log_wherever_it_was_put(log):
    app, written = log
    key = new_key(app).key
    found = []
    for name, place in PLACES.items():
        method, path, body, headers = place(key)
        if key in str(ask(app, method, path, body, **headers)).lower():
            found.append(name)
    assert (found, written().lower().count(key)) == ([], 0)
    assert len(written().splitlines()) >= len(PLACES)


def test_a_key_is_not_in_the_log_of_a_defect(log, monkeypatch):
    app, written = log
    key = new_key(app).key

    def fail(*arguments, **options):
        raise RuntimeError("a defect")

    for store, name in ((app.clients, "page"), (app.keys._database, "read")):
        monkeypatch.setattr(store, name, fail)
        status, _, content = ask(app, "GET", "/v1/clients", x_api_key=key)
        assert status.startswith("500")
        assert key not in content.decode()
    assert "a defect" in written()
    assert key not in written()


def test_a_key_is_in_no_file(tmp_path):
    """Neither in the database, its log and its index, nor in a backup, nor in what a restore keeps."""
    path = tmp_path / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        made = new_key(app)
        caller = Api(app, made.key)
        caller.put(caller.create()["id"], {"notes": "x"})
        app.keys.revoke(new_key(app).id)
        backup = back_up(path, tmp_path / "backups")
        files = {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    restore(backup, path)
    files |= {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    forms = (made.key.encode(), bytes.fromhex(made.key), made.key[8:-4].encode())
    assert len(files) >= 6
    assert [each for each, form in itertools.product(files, forms) if form in files[each]] == []
    assert sum(hashlib.sha256(made.key.encode()).digest() in content for content in files.values()) >= 3


def test_no_command_tells_a_key_but_the_one_that_makes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["key", "create", "--user", "ana@example.com"])
    key = re.search(r"\b[0-9a-f]{64}\b", capsys.readouterr().out)[0]
    for command in (["key", "list"], ["key", "list", "--json"], ["key", "revoke", key], ["backup"]):
        with contextlib.suppress(SystemExit):  # a key is no id
            main(command)
    printed = capsys.readouterr()
    assert key not in printed.out + printed.err


# --- how a key is looked up


def test_a_key_is_looked_up_by_its_sha256_in_an_index(app):
    with app.database.read() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {AUTHENTICATE}", {"sha256": b""}).fetchall()
    assert any(re.search(r"SEARCH api_keys USING INDEX \S+ \(sha256=\?\)", row[-1]) for row in plan)


def test_sqlite_never_gets_to_see_a_key(app):
    key = new_key(app).key
    statements = []
    with app.database.read() as connection:
        connection.set_trace_callback(statements.append)
    assert ask(app, "GET", "/v1/clients", x_api_key=key)[0] == "200 OK"
    assert any(hashlib.sha256(key.encode()).hexdigest() in statement.lower() for statement in statements)
    assert key not in str(statements)


class Incomparable(str):
    """A text that nobody compares: not whole, not in parts, not as a key of a dictionary."""

    __hash__ = None

    def refuse(self, *arguments):
        raise AssertionError("the key was compared")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = refuse
    startswith = endswith = find = index = count = refuse


def test_no_key_is_compared_in_python(app):
    key = new_key(app).key
    assert ask(app, "GET", "/v1/clients", x_api_key=Incomparable(key))[0] == "200 OK"
    assert ask(app, "GET", "/v1/clients", x_api_key=Incomparable("0" * 64))[0].startswith("401")


# --- the gates

WAYS_ROUND = [
    "//v1/clients",
    "///v1/clients",
    "//v1/clients/{id}",
    "v1/clients",
    "/v1//clients",
    "/./v1/clients",
]


@pytest.mark.parametrize("path", WAYS_ROUND)
def test_no_spelling_of_a_path_leads_round_the_gates(tmp_path, path):
    """What is not simply no path asks for a key, and for a token."""
    with acare.create_app(database=tmp_path / "acare.db") as app:
        client = Api(app, new_key(app).key).create()
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            status, headers, _ = ask(app, method, path.format(id=client["id"]), {"notes": "x", **JORDAN})
            if status != "404 Not Found":
                assert (method, status) == (method, "401 Unauthorized")
                assert "ratelimit-remaining" in [name.lower() for name, _ in headers]


# --- which ids exist

ON_ONE = {
    "GET": None,
    "HEAD": None,
    "PUT": {"notes": "x"},
    "DELETE": None,
    "PATCH": {"notes": "x"},
    "POST": JORDAN,
    "OPTIONS": None,
}
PUTS = {
    "a stale version": {"notes": "x", "version": 7},
    "the right version": {"notes": "x", "version": 1},
    "a budget above the other one": {"budget_min": 10**12},
    "nothing to write": {},
    "a wrong field": {"status": "x"},
    "a wrong version": {"notes": "x", "version": 0},
    "no object": [],
}
REQUESTS = [*ON_ONE.items(), *(("PUT", body) for body in PUTS.values())]
CONDITIONS = [{}, {"if_match": '"1"'}, {"if_match": '"7"'}, {"if_match": "*"}, {"if_none_match": '"1"'}]


def revoke(app, key):
    app.keys.revoke(key.id)


def expire(app, key):
    statement = "UPDATE api_keys SET expires_at = '2001-01-01T00:00:00.000Z' WHERE id = ?"
    app.database.write(lambda connection: connection.execute(statement, (key.id,)).fetchall())


KEYHOLDERS = {
    # who asks for a client of Bob's
    "nobody": lambda app: None,
    "an unknown key": lambda app: "0" * 64,
    "a malformed key": lambda app: "secret",
    "a key of Bob's that was revoked": lambda app: spoilt(app, revoke),
    "a key of Bob's that has expired": lambda app: spoilt(app, expire),
    "a key of Bob's without a scope": lambda app: new_key(app, "bob@example.com", "agent", ()).key,
    "a key of a broker's without a scope": lambda app: new_key(app, scopes=()).key,
    "another agent": lambda app: new_key(app, "ana@example.com", "agent").key,
    "another agent who reads": lambda app: new_key(app, "ana@example.com", "agent", ("read",)).key,
    "another agent who writes": lambda app: new_key(app, "ana@example.com", "agent", ("write",)).key,
    "another agent who deletes": lambda app: new_key(app, "ana@example.com", "agent", ("delete",)).key,
}


def spoilt(app, spoil):
    key = new_key(app, "bob@example.com", "agent")
    spoil(app, key)
    return key.key


@pytest.fixture
def bobs(app):
    """A client of Bob's, and Bob."""
    bob = Api(app, new_key(app, "bob@example.com", "agent").key)
    return bob, bob.create(budget_max=100, notes="Bob's secret", tags=["vip"])


@pytest.mark.parametrize("who", KEYHOLDERS.values(), ids=KEYHOLDERS)
def test_whoever_may_not_see_a_client_cannot_tell_whether_there_is_one(app, bobs, who):
    """To the byte, whatever is asked: of an id that exists, and of one that does not."""
    bob, client = bobs
    key = who(app)
    headers = {} if key is None else {"x_api_key": key}
    for (method, body), conditions in itertools.product(REQUESTS, CONDITIONS):
        of_bobs, of_nobodys = (
            but_for_the_time(ask(app, method, f"/v1/clients/{each}", body, **headers, **conditions))
            for each in (client["id"], NOBODY)
        )
        assert of_bobs == of_nobodys, (method, body, conditions)
    assert bob.get(f"/v1/clients/{client['id']}").json["data"] == client


def test_an_id_that_was_deleted_looks_like_one_that_never_was(app, bobs):
    bob, client = bobs
    bob.delete(client["id"])
    for method, body in REQUESTS:
        gone, never = (
            but_for_the_time(ask(app, method, f"/v1/clients/{each}", body, x_api_key=bob.key))
            for each in (client["id"], NOBODY)
        )
        assert gone == never, (method, body)


@pytest.mark.parametrize(
    "spell", [str.upper, lambda parse_id: parse_id.replace("-", ""), lambda parse_id: f"{{{parse_id}}}"]
)
def test_another_spelling_of_an_id_tells_no_more(app, bobs, spell):
    ana = new_key(app, "ana@example.com", "agent").key
    of_bobs, of_nobodys = (
        but_for_the_time(ask(app, "GET", f"/v1/clients/{spell(each)}", x_api_key=ana))
        for each in (bobs[1]["id"], NOBODY)
    )
    assert of_bobs == of_nobodys


# --- other agents' clients

QUERIES = [
    "?" + "&".join(part for part in (kind, status, size) if part)
    for kind in ("", "client_type=buyer", "client_type=seller", "client_type=both")
    for status in ("", "status=active", "status=closed")
    for size in ("", "limit=1", "limit=1&page=2", "limit=2&page=2", "limit=100&page=3")
]


def test_a_list_is_the_same_whether_others_have_clients_or_not(app, bobs):
    """Rows, totals and pages, for every filter."""
    bob, _ = bobs
    ana = Api(app, new_key(app, "ana@example.com", "agent").key)
    kinds = list(itertools.product(("buyer", "seller"), ("active", "closed")))
    for kind, status in kinds:
        ana.create(client_type=kind, status=status)
    before = [ana.get(f"/v1/clients{query}").json["data"] for query in QUERIES]
    for kind, status in [*kinds, ("both", "active")]:
        bob.create(client_type=kind, status=status)
    assert [ana.get(f"/v1/clients{query}").json["data"] for query in QUERIES] == before
    assert {client["user_id"] for page in before for client in page["clients"]} == {
        client["user_id"] for client in ana.get("/v1/clients").json["data"]["clients"]
    }


def test_a_list_has_nothing_of_others(app, bobs):
    ana = Api(app, new_key(app, "ana@example.com", "agent").key)
    ana.create()
    pages = "".join(ana.get(f"/v1/clients{query}").text for query in QUERIES)
    assert "secret" not in pages
    assert bobs[1]["user_id"] not in pages
    assert bobs[1]["id"] not in pages


def test_no_filter_of_a_caller_s_own_gets_at_others(app, bobs):
    bob_id = bobs[1]["user_id"]
    ana = Api(app, new_key(app, "ana@example.com", "agent").key)
    for query in (
        f"user_id={bob_id}",
        f"owner_id={bob_id}",
        "owner_id=",
        "role=broker",
        f"id={bobs[1]['id']}",
    ):
        assert ana.get(f"/v1/clients?{query}").json["data"]["meta"]["total"] == 0


def test_nobody_gives_a_client_away_or_takes_one(app, bobs):
    bob, client = bobs
    ana = Api(app, new_key(app, "ana@example.com", "agent").key)
    hers = ana.create(user_id=client["user_id"], id=client["id"])
    ana.put(hers["id"], {"notes": "x", "user_id": client["user_id"], "id": client["id"]})
    assert bob.get("/v1/clients").json["data"]["clients"] == [client]
    assert ana.get(f"/v1/clients/{hers['id']}").json["data"]["user_id"] == hers["user_id"]


def test_a_retry_key_is_its_user_s_own(app):
    """The same one of another agent's neither shows a client nor keeps one from being made."""
    bodies = [{**JORDAN, "notes": "Bob's secret"}, {**JORDAN, "notes": "Ana's"}]
    emails = ("bob@example.com", "ana@example.com")
    for email, body in zip(emails, bodies, strict=True):
        key = new_key(app, email, "agent").key
        status, _, content = ask(app, "POST", "/v1/clients", body, x_api_key=key, idempotency_key="1")
        assert status.startswith("201")
        assert json.loads(content)["data"]["notes"] == body["notes"]


def test_what_a_backup_holds_is_read_by_its_owner_alone(app, bobs, tmp_path):
    backup = back_up(app.database.path, tmp_path / "backups")
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("SELECT notes FROM clients").fetchall() == [("Bob's secret",)]
    assert {each.stat().st_mode & 0o077 for each in backup.parent.iterdir()} == {0}
