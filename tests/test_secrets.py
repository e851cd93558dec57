"""What must not leak: keys, and which ids exist."""

import functools
import hashlib
import io
import itertools
import json
import logging

import pytest
from support import keys
from support.backups import back_up
from support.client import Api
from support.data import JORDAN, TIMESTAMP, UNKNOWN_ID
from support.wsgi import call

import acare
from acare.auth import OPERATOR
from acare.cli.log import Formatter
from acare.maintenance.restore import restore

COLLECTION = "/v1/clients"


def ask(app, method, path, body=None, **headers):
    """Status, headers and body of a response, with a fixed request id and without the time."""
    path, _, query = path.partition("?")
    environ = {
        f"HTTP_{name.upper()}": value for name, value in {"x_request_id": "the-same", **headers}.items()
    }
    content = b"" if body is None else json.dumps(body).encode()
    status, sent, answer = call(app, method, path, query, content, **environ)
    return status, sorted(sent), TIMESTAMP.sub("", answer.decode())


def new_key(app, email="broker@example.com", role="broker", scopes=("read", "write"), **others):
    return keys.new_key(app.keys, email, {"clients": list(scopes)} if scopes else {}, role=role, **others)


# --- keys

# Where a key may be put by mistake: method, path, headers and body.
PLACES = {
    "X-API-Key": lambda key: ("GET", COLLECTION, {"x_api_key": key}),
    "API-Key": lambda key: ("GET", COLLECTION, {"api_key": key}),
    "another header": lambda key: ("GET", COLLECTION, {"x_api_key": key, "user_agent": key}),
    "request id": lambda key: ("GET", COLLECTION, {"x_api_key": key, "x_request_id": key}),
    "part of a request id": lambda key: ("GET", COLLECTION, {"x_request_id": f"a-{key}"}),
    "client id": lambda key: ("GET", f"{COLLECTION}/{key}", {"x_api_key": key}),
    "path": lambda key: ("GET", f"/{key}/{key}", {}),
    "filter": lambda key: ("GET", f"{COLLECTION}?status={key}&page={key}", {"x_api_key": key}),
    "body": lambda key: ("POST", COLLECTION, {"x_api_key": key}, key),
    "fields": lambda key: ("POST", COLLECTION, {"x_api_key": key}, {**JORDAN, "tags": {key: key}, key: key}),
    "If-Match": lambda key: ("DELETE", f"{COLLECTION}/{UNKNOWN_ID}", {"x_api_key": key, "if_match": key}),
    "Idempotency-Key": lambda key: ("POST", COLLECTION, {"x_api_key": key, "idempotency_key": key}, []),
}


@pytest.fixture(params=["text", "json"])
def log(request, tmp_path):
    """An app that logs as ``acare serve`` does, and a function that returns its log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatter = Formatter(request.param)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def access(line):
        written.write(f"{formatter.format_access(line)}\n")

    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off", access_log=access) as app:
        yield app, written.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_key_is_in_no_response_and_no_log(log):
    app, written = log
    key = new_key(app).key
    found = []
    for name, place in PLACES.items():
        method, path, headers, *body = place(key)
        if key in str(ask(app, method, path, *body, **headers)).lower():
            found.append(name)
    assert (found, written().lower().count(key)) == ([], 0)
    assert len(written().splitlines()) >= len(PLACES)


def test_a_key_is_not_in_the_log_of_a_defect(log, monkeypatch):
    app, written = log
    key = new_key(app).key

    def fail(*arguments, **options):
        raise RuntimeError("a defect")

    for store, name in ((app.lists, "page"), (app.keys._database, "read")):
        monkeypatch.setattr(store, name, fail)
        status, _, content = ask(app, "GET", COLLECTION, x_api_key=key)
        assert status.startswith("500")
        assert key not in content
    assert "a defect" in written()
    assert key not in written()


def test_a_key_is_in_no_file(tmp_path):
    """Neither in the database and its log, nor in a backup, nor in what a restore keeps."""
    path = tmp_path / "acare.db"

    def contents():
        return {each: each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}

    with acare.create_app(database=path, rate_limit="off") as app:
        made = new_key(app)
        caller = Api(app, made.key)
        caller.put(caller.create()["id"], {"notes": "x"})
        app.keys.revoke(OPERATOR, new_key(app).id)
        backup = back_up(path, tmp_path / "backups")
        files = contents()
    restore(backup, path)
    files |= contents()
    forms = (made.key.encode(), bytes.fromhex(made.key), made.key[8:-4].encode())
    assert len(files) >= 6
    assert [each for each, form in itertools.product(files, forms) if form in files[each]] == []
    assert sum(hashlib.sha256(made.key.encode()).digest() in content for content in files.values()) >= 3


# --- spellings of a path


@pytest.mark.parametrize(
    "path",
    ["//v1/clients", "//v1/clients/{id}", "v1/clients", "/v1//clients", "/./v1/clients"],
)
def test_no_spelling_of_a_path_bypasses_the_checks(tmp_path, path):
    """Each is an unknown path or needs a key and a token."""
    with acare.create_app(database=tmp_path / "acare.db") as app:
        client = Api(app, new_key(app).key).create()
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            status, headers, _ = ask(app, method, path.format(id=client["id"]), {"notes": "x", **JORDAN})
            if status != "404 Not Found":
                assert (method, status) == (method, "401 Unauthorized")
                assert "ratelimit-remaining" in [name.lower() for name, _ in headers]


# --- which ids exist

REQUESTS = [
    *(("GET", None), ("HEAD", None), ("DELETE", None), ("PATCH", {"notes": "x"}), ("POST", JORDAN)),
    *(("OPTIONS", None), ("PUT", {"notes": "x"}), ("PUT", {"budget_min": 10**12}), ("PUT", [])),
    *(("PUT", {"notes": "x", "version": version}) for version in (7, 1, 0)),
]
CONDITIONS = [{}, {"if_match": '"1"'}, {"if_match": '"7"'}, {"if_match": "*"}, {"if_none_match": '"1"'}]
ENDED = "2001-01-01T00:00:00.000Z"

# Callers that may not see a client of Bob's: their keys.
CALLERS = {
    "no key": lambda app: "",
    "unknown key": lambda app: "0" * 64,
    "Bob's expired key": lambda app: new_key(app, "bob@example.com", "agent", expires_at=ENDED).key,
    "Bob's key without a scope": lambda app: new_key(app, "bob@example.com", "agent", ()).key,
    "another agent": lambda app: new_key(app, "ana@example.com", "agent").key,
}


@pytest.fixture
def bob(app):
    return Api(app, new_key(app, "bob@example.com", "agent").key)


@pytest.fixture
def client(bob):
    """A client of Bob's."""
    return bob.create(budget_max=100, notes="Bob's secret", tags=["vip"])


@pytest.mark.parametrize("make", CALLERS.values(), ids=CALLERS)
def test_an_invisible_client_looks_like_an_unknown_id(app, bob, client, make):
    """And like a malformed one, to the byte, whatever the request."""
    send = functools.partial(ask, app, x_api_key=make(app))
    for (method, body), conditions in itertools.product(REQUESTS, CONDITIONS):
        invisible, *others = (
            send(method, f"{COLLECTION}/{each}", body, **conditions)
            for each in (client["id"], UNKNOWN_ID, f"{UNKNOWN_ID[:-1]}g", f"{{{client['id']}}}")
        )
        assert others == [invisible] * 3, (method, body, conditions)
    assert bob.list()["clients"] == [client]
