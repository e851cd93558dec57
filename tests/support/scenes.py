"""What a request needs before it is sent: callers, a client in some state, apps with other settings."""

import functools
import re
import secrets
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from support.client import Api, full_key
from support.data import JORDAN
from support.keys import new_key
from webtest import TestResponse

import acare
from acare.errors import StoreUnavailable
from acare.store import keys

#: An origin whose pages may call the apps.
ORIGIN = "https://intranet.example"

# The methods that find the caller.
AUTHENTICATION = ("with_key", "with_email", "forget")


broker_key = functools.lru_cache(maxsize=1)(full_key)  # a user may have only 100


class Scene:
    """What a request of the table may need: callers, a client, and apps with other settings."""

    def __init__(self, app, api, monkeypatch=None):
        self.app, self.api, self.monkeypatch = app, api, monkeypatch
        self.others = []  # apps other than the first

    def client_id(self):
        """A client at version 2."""
        client_id = self.api.create()["id"]
        self.api.put(client_id, {"notes": "the second version"})
        return client_id

    def deleted_id(self):
        client_id = self.client_id()
        self.api.delete(client_id)
        return client_id

    def user_id(self):
        """An agent who is not disabled."""
        return new_key(self.app.keys, "ben@example.com", {}).user_id

    def broker_id(self):
        """The only broker."""
        return self.api.user_id()

    def new_id(self):
        """A new agent."""
        return self.app.users.add(self.new_email(), "agent").id

    def new_email(self):
        return f"{secrets.token_hex(8)}@example.com"

    def key_id(self):
        return self.api.post({"scopes": {}}, 201, "/v1/keys").json["data"]["id"]

    def __getitem__(self, name):
        """The text for a name in braces: ``path.format_map(scene)``."""
        return getattr(self, name)()

    def break_store(self, error):
        def fail(*_, **__):
            raise error

        for store in vars(self.app).values():
            if type(store).__module__.startswith("acare.store"):
                for name in dir(store):
                    if re.match("[a-z]", name) and name not in AUTHENTICATION:  # no statement
                        self.monkeypatch.setattr(store, name, fail)
        self.monkeypatch.setattr(self.app.database, "check_write", fail)


@contextmanager
def scene_in(app):
    with pytest.MonkeyPatch.context() as monkeypatch:
        scene = Scene(app, Api(app, broker_key(app)), monkeypatch)
        yield scene
        for other in scene.others:
            other.close()


# --- callers; each function prepares the scene


def without_key(scene):
    return Api(scene.app)


def unscoped(scene):
    return Api(scene.app, new_key(scene.app.keys, "ana@example.com", {}).key)


def with_many_keys(scene):
    scene.monkeypatch.setattr(keys, "MAX_VALID_KEYS", 0)
    return scene.api


def invited(scene):
    """The holder of an invitation."""
    return Api(scene.app, scene.api.post({"invitation": True}, 201, "/v1/keys").json["data"]["key"])


def redeemed(scene):
    caller = invited(scene)
    caller.post({}, 201, "/v1/keys/redeem")
    return caller


def with_deleted(scene):
    scene.api.delete(scene.client_id())
    return scene.api


def unavailable(scene):
    scene.break_store(StoreUnavailable("The database is busy."))
    return scene.api


def defective(scene):
    scene.break_store(RuntimeError("a defect"))
    return scene.api


def rejected(scene, status=431, reason="the header is too large"):
    """A caller whose header the server has found to be too large."""
    status, headers, body = scene.app.refuse("192.0.2.1", status, reason)
    answer = TestResponse(body, status, headers)
    return SimpleNamespace(ask=lambda *asked, **headers: answer)


def malformed(scene):
    """A caller whose request the server has found to be malformed."""
    return rejected(scene, 400, "the Host header is missing")


def cross_site(scene):
    """A user who is signed in without a key, in a page of another site."""
    caller = another_app(identify=lambda env: "broker@example.com")(scene)
    return SimpleNamespace(ask=functools.partial(Api(caller.web.app).ask, Sec_Fetch_Site="cross-site"))


def unknown_user(scene):
    """A user who is signed in without a key, and unknown here."""
    return Api(another_app(identify=lambda env: "unknown@example.com")(scene).web.app)


def another_app(**options):
    """A caller of an app with other settings on the same file."""

    def prepare(scene):
        settings = {"rate_limit": "100000/1", "cors_origin": ORIGIN, **options}
        app = acare.create_app(database=scene.app.database.path, clock=lambda: 0, **settings)
        scene.others.append(app)
        return Api(app, scene.api.key)

    return prepare


def exhausted(scene):
    caller = another_app(rate_limit="1/900")(scene)
    caller.get("/v1/clients")
    return caller


def key_used(scene):
    """The idempotency key has already been used for Jordan."""
    scene.api.ask("POST", "/v1/clients", JORDAN, "*", Idempotency_Key="k")
    return scene.api


def handed_over(scene):
    """An agent whose client, created with the idempotency key, has another owner now."""
    caller = agent(scene)
    made = caller.ask("POST", "/v1/clients", JORDAN, "*", Idempotency_Key="handed-over").json
    if made["success"]:
        scene.api.post({"user_id": scene.new_id()}, 200, f"/v1/clients/{made['data']['id']}/owner")
    return caller


def agent(scene):
    return Api(scene.app, full_key(scene.app, "ana@example.com", "agent"))


def ana_exists(scene):
    agent(scene)
    return scene.api
