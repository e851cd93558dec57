"""``create_app`` embedded: several apps in one process, on any WSGI server."""

import io
import json
import math

import pytest
from support.client import Api, app_fixture, full_key
from support.clients import new
from support.data import JORDAN
from support.wsgi import call

import acare
from acare.api.body import MAX_BODY, MAX_DISCARDED
from acare.auth import OPERATOR
from acare.config import SETTINGS
from acare.errors import InvalidInput, Refused, SettingError
from acare.fields import ValidFields, validate_update

ANA = "ana@example.com"

north = app_fixture(scope="function", rate_limit="2/900", clock=lambda: 0)
south = app_fixture(scope="function", rate_limit="2/900", clock=lambda: 0)


def test_two_apps_in_one_process_share_nothing(north, south):
    """They share no clients, keys or buckets."""
    first, second = Api(north, full_key(north)), Api(south, full_key(south))
    first.create()
    assert (first.total(), second.total()) == (1, 0)
    first.get("/v1/clients", 429)
    Api(south, first.key).get("/v1/clients", 401)


def test_the_access_log_goes_to_a_logger(north, caplog):
    caplog.set_level("INFO", "acare.access")
    call(north, "GET", "/healthz")
    assert "192.0.2.7 GET /healthz 200" in caplog.text


# --- a body, mostly without a Content-Length

UNKNOWN_KEY = {"HTTP_X_API_KEY": "0" * 64}

BODIES = {  # its size and what a host passes on with it → the status, and whether all of it is read
    "64 KiB": (MAX_BODY, {}, 201, True),
    "64 KiB and 1 byte": (MAX_BODY + 1, {}, 413, True),
    "1 MiB": (2**20, {}, 413, True),
    "without an end": (MAX_DISCARDED * 2, {}, 413, False),
    "of a caller who waits": (2**20, {"HTTP_EXPECT": "100-continue"}, 413, False),
    "with a length": (500, {"CONTENT_LENGTH": "499", "wsgi.input_terminated": False}, 201, False),
    "compressed": (100, {"HTTP_CONTENT_ENCODING": "gzip"}, 415, True),
    "of an unknown caller": (100, UNKNOWN_KEY, 401, False),
    "of an unknown caller, too large": (2**20, {**UNKNOWN_KEY, "CONTENT_LENGTH": str(2**20)}, 413, False),
    "in place of an invitation": (100, {**UNKNOWN_KEY, "PATH_INFO": "/v1/keys/redeem"}, 401, False),
}


@pytest.mark.parametrize(("size", "environ", "status", "is_read"), BODIES.values(), ids=BODIES)
def test_a_body_is_read_to_its_end_or_limit(north, size, environ, status, is_read):
    stream = io.BytesIO(json.dumps(JORDAN).encode().ljust(size))
    host = {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer = call(north, "POST", "/v1/clients", **{"HTTP_X_API_KEY": full_key(north), **host, **environ})
    assert (int(answer[0][:3]), stream.tell() == size) == (status, is_read)


def test_without_a_proxy_no_peer_is_trusted(north):
    """Some hosts name no peer."""
    _, _, text = call(north, "GET", "/openapi.json", REMOTE_ADDR=None, HTTP_X_FORWARDED_PREFIX="/evil")
    assert json.loads(text)["servers"] == [{"url": "/"}]


# --- settings


INVALID_OPTIONS = [
    ({"ratelimit": "off"}, TypeError, "ratelimit"),
    ({"rate_limit": "lots"}, SettingError, "^rate_limit: "),
    ({"drain_seconds": True}, SettingError, "^drain_seconds: .* must be a whole"),
    ({"database": b"a.db"}, SettingError, "^database: .* must be a file name"),
    ({"database": ":memory:"}, SettingError, "^database: .* must be a file: each connection"),
]


@pytest.mark.parametrize(("options", "error", "text"), INVALID_OPTIONS)
def test_an_invalid_option_is_named_and_no_file_is_made(tmp_path, options, error, text):
    with pytest.raises(error, match=text):
        acare.create_app(**{"database": tmp_path / "a.db", **options})
    assert list(tmp_path.iterdir()) == []


def create(app, client, **arguments):
    return app.clients.create(app.caller(ANA), client, **arguments)


def update(app, changes, **arguments):
    (client, _), *_ = app.lists.export()
    return app.clients.update(OPERATOR, json.loads(client)["id"], changes, **arguments)


def test_an_update_takes_what_is_validated(north):
    north.users.add(ANA, "agent")
    client = create(north, new())
    validated = validate_update({"notes": "x", "version": 1})
    assert north.clients.update(OPERATOR, client.id, *validated).version == 2
    with pytest.raises(Refused, match="at version 2, not 1"):
        north.clients.update(OPERATOR, client.id, *validated)


WRONG = {  # what a program does by mistake, and what the error names
    "an e-mail address": ("email must be", lambda app: app.users.add("nope", "agent")),
    "a role": ("role must be one of agent, broker", lambda app: app.users.add("ben@example.com", "boss")),
    "a changed role": ("role must be", lambda app: app.users.change(ANA, role="boss")),
    "a resource": ("client: ", lambda app: create_key(app, scopes={"client": ["read"]})),
    "an action": ("raed", lambda app: create_key(app, scopes={"clients": ["raed"]})),
    "the end of a key": ("expires_at must be a time", lambda app: create_key(app, expires_at="tomorrow")),
    "a state of a user": ("disabled must be true", lambda app: app.users.change(ANA, disabled="yes")),
    "an invitation": ("invitation must be true", lambda app: create_key(app, invitation="no")),
    "a user": ("no@example.com does not exist or is disabled", lambda app: app.caller("no@example.com")),
    "a cursor": ("after must be", lambda app: app.feed.page(OPERATOR, after=5, limit=1)),
    "a filter": ("argument: stauts", lambda app: filtered(app, stauts="x")),
    "a status": ("status must be", lambda app: filtered(app, status="lost")),
    "a text": ("q must ", lambda app: filtered(app, q=5)),
    "a number": ("price must ", lambda app: filtered(app, price=math.nan)),
    "a date": ("due must ", lambda app: filtered(app, due=20261215)),
    "a client as a dict": ("client must come from validate_create", lambda app: create(app, dict(new()))),
    "changes as a client": ("client must come", lambda app: create(app, validate_update({"notes": "x"})[0])),
    "no changes": ("changes must come", lambda app: update(app, ValidFields())),
    "SQL as a name": ("changes must come", lambda app: update(app, {"notes = (SELECT 'x'), --": 1})),
}


def filtered(app, **filters):
    return app.lists.page(OPERATOR, page=1, limit=5, **filters)


def create_key(app, **arguments):
    return app.keys.create(OPERATOR, user_id=app.users.list(OPERATOR)[0]["id"], **arguments)


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_of_an_embedding_program_is_named(north, mistake):
    north.users.add(ANA, "agent")
    create(north, new())
    before = stored(north)
    text, make = WRONG[mistake]
    with pytest.raises((Refused, InvalidInput, TypeError), match=text):
        make(north)
    assert stored(north) == before


def stored(app):
    """The users, keys and clients."""
    clients = [client for client, _ in app.lists.export()]
    return app.users.list(OPERATOR), app.keys.list(OPERATOR).rows, clients


def test_the_environment_is_not_read(tmp_path, monkeypatch):
    for setting in SETTINGS:
        monkeypatch.setenv(setting.variable, "nonsense \N{SNOWMAN}")
    with acare.create_app(database=tmp_path / "a.db") as app:
        headers = Api(app, full_key(app)).get("/v1/clients").headers
    assert headers["RateLimit-Limit"] == "500"
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]
