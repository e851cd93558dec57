"""Users and keys over the API."""

import json

import pytest
from support.client import Api, code_of, fields_of
from support.data import ALL_SCOPES, UNKNOWN_ID
from support.keys import new_key

ANA, BEN = "ana@example.com", "ben@example.com"


def put_user(api, user, body, status=200):
    return api.ask("PUT", f"/v1/users/{user if isinstance(user, str) else user.user_id()}", body, status)


# --- users


def test_a_broker_adds_changes_and_disables_users(api, ana):
    made = api.post({"email": BEN, "role": "agent"}, 201, "/v1/users").json["data"]
    assert made == {"id": made["id"], "email": BEN, "role": "agent"}
    changed = put_user(api, made["id"], {"email": "Ben@example.com", "role": "broker"}).json["data"]
    assert changed == {"id": made["id"], "email": "Ben@example.com", "role": "broker"}
    disabled = put_user(api, made["id"], {"disabled": True}).json["data"]
    assert disabled == {**changed, "disabled": True}
    assert changed["id"] not in [user["id"] for user in api.get("/v1/users").json["data"]["users"]]
    assert disabled in api.get("/v1/users?disabled=true").json["data"]["users"]
    assert put_user(api, made["id"], {"disabled": False}).json["data"] == changed


@pytest.mark.parametrize("email", [ANA, ANA.upper()])
def test_an_address_belongs_to_one_user(ana, ben, api, email):
    assert code_of(api.post({"email": email, "role": "agent"}, 409, "/v1/users")) == "ALREADY_EXISTS"
    assert code_of(put_user(api, ben, {"email": email}, 409)) == "ALREADY_EXISTS"


def test_every_problem_of_a_user_is_named(api, ana):
    sent = {"email": "ana", "role": "owner", "disabled": "yes"}
    assert fields_of(api.post(sent, 400, "/v1/users")) == ["email", "role"]
    assert fields_of(put_user(api, ana, sent, 400)) == ["email", "role", "disabled"]
    assert fields_of(api.post({}, 400, "/v1/users")) == ["email", "role"]
    assert fields_of(api.post([], 400, "/v1/users")) == ["body"]
    assert fields_of(put_user(api, ana, {"disabled": None}, 400)) == ["body"]
    for unknown in (UNKNOWN_ID, "x"):
        put_user(api, unknown, {"role": "agent"}, 404)


@pytest.mark.parametrize("change", [{"role": "agent"}, {"disabled": True}])
def test_the_last_broker_stays_a_broker(api, ana, change):
    answer = put_user(api, api, change, 409)
    assert code_of(answer) == "LAST_BROKER"
    assert "is broker@example.com; make another user a broker first" in answer.json["error"]["message"]
    put_user(api, ana, {"role": "broker"})
    put_user(api, api, change)
    assert code_of(put_user(ana, ana, change, 409)) == "LAST_BROKER"


# --- keys


def create_key(api, status=201, **fields):
    return api.post(fields, status, "/v1/keys")


def listed(api):
    return api.get("/v1/keys?limit=100").json["data"]["keys"]


def test_keys_have_pages_with_valid_ones_first_and_newest_first(ana):
    made = [create_key(ana, name=f"{n}").json["data"] for n in range(3)]
    ana.ask("DELETE", f"/v1/keys/{made[1]['id']}")
    data = ana.get("/v1/keys?page=1&limit=2").json["data"]
    assert [key["name"] for key in data["keys"]] == ["2", "0"]
    assert data["meta"] == {"page": 1, "limit": 2, "total": 4, "totalPages": 2, "hasMore": True}
    assert ana.get("/v1/keys?page=2&limit=2").json["data"]["keys"][1]["name"] == "1"
    assert ana.get("/v1/keys?limit=101").json["data"]["meta"]["limit"] == 100
    assert fields_of(ana.get("/v1/keys?page=0&limit=x", 400)) == ["page", "limit"]


def test_a_new_key_works_and_is_shown_once(app, ana):
    made = create_key(ana, name="CRM").json["data"]
    key = made.pop("key")
    assert Api(app, key).get("/v1/users/me").json["data"]["email"] == ANA
    shown = next(key for key in listed(ana) if key["id"] == made["id"])
    assert shown == {**made, "last_used_at": shown["last_used_at"]}
    assert (made["preview"], made["name"], made["expires_at"]) == (f"{key[:8]}…{key[-4:]}", "CRM", None)
    assert (made["scopes"], key in json.dumps(listed(ana))) == ({"all": ["read", "write"]}, False)


GIVEN = [
    # scopes of the caller, of the new key, and whether the caller may give them
    ({"keys": ["write"]}, {"keys": ["write"]}, True),
    ({"keys": ["write"], "clients": ["write"]}, {"clients": ["delete", "create"]}, True),
    ({"all": ["write"]}, {"users": ["write", "write"], "all": ["delete"]}, True),
    ({"keys": ["write"]}, {}, True),
    ({"keys": ["write"]}, {"keys": ["read"]}, False),
    ({"keys": ["write"], "clients": ["delete", "create"]}, {"clients": ["write"]}, False),
    ({"keys": ["read", "write"], "clients": ["read", "write"]}, {"all": ["read"]}, False),
]


@pytest.mark.parametrize(("own", "given", "allowed"), GIVEN, ids=str)
def test_a_caller_gives_at_most_their_own_scopes(caller, own, given, allowed):
    answer = create_key(caller(scopes=own), 201 if allowed else 403, scopes=given)
    if allowed:
        assert answer.json["data"]["scopes"] == {name: [*dict.fromkeys(each)] for name, each in given.items()}
    else:
        assert code_of(answer) == "INSUFFICIENT_SCOPE"


def test_only_a_broker_creates_keys_for_others(app, ana, ben, api):
    assert code_of(create_key(ana, 403, user_id=ben.user_id())) == "BROKER_REQUIRED"
    assert code_of(create_key(ana, 403, user_id=UNKNOWN_ID)) == "BROKER_REQUIRED"
    made = create_key(api, user_id=ben.user_id(), scopes={"clients": ["read"]}).json["data"]
    assert made["user_id"] == Api(app, made["key"]).user_id() == ben.user_id()


SCOPES = ["all", {"escrows": ["read"]}, {"clients": "read"}, {"clients": [{}]}, {"\ud800": ["read"]}]
FIELDS = [
    *(("scopes", value) for value in SCOPES),
    *(("user_id", value) for value in (7, "x", UNKNOWN_ID)),
    *(("name", value) for value in ("", "x" * 101, 7, "a\nb")),
    ("invitation", "yes"),
    *(("expires_at", value) for value in ("2999-01-01", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=str)
def test_an_invalid_field_of_a_key_is_named(api, field, value):
    assert fields_of(create_key(api, 400, **{field: value})) == [field]


SOON, LATER = "2998-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
EXPIRY = [  # of the maker, as sent, and of the new key
    (SOON, None, SOON), (SOON, LATER, SOON), (LATER, SOON, SOON), (None, SOON, SOON), (None, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("own", "sent", "expires"), EXPIRY)
def test_a_key_expires_with_the_key_that_made_it(app, ana, own, sent, expires):
    maker = new_key(app.keys, ANA, ALL_SCOPES, expires_at=own)
    made = create_key(Api(app, maker.key), expires_at=sent).json["data"]
    assert (made["expires_at"], made["made_by"], made["made_with"]) == (expires, ANA, maker.id)


def test_a_user_has_at_most_100_valid_keys(app, ana):
    new_key(app.keys, ANA, {}, expires_at="2020-01-01T00:00:00.000Z")  # does not count
    while (answer := create_key(ana, "*")).status_int == 201:
        pass
    assert (code_of(answer), ana.get("/v1/keys").json["data"]["meta"]["total"]) == ("TOO_MANY_KEYS", 101)
    ana.ask("DELETE", f"/v1/keys/{listed(ana)[0]['id']}")
    create_key(ana)


def test_a_key_is_revoked_by_its_user_or_a_broker(app, ana, ben, api):
    first, second = (create_key(ana).json["data"] for _ in range(2))
    ben.ask("DELETE", f"/v1/keys/{first['id']}", status=404)
    for caller, key in ((ana, first), (api, second), (api, second)):
        assert caller.ask("DELETE", f"/v1/keys/{key['id']}").json["data"] == {}
        Api(app, key["key"]).get("/v1/clients", 401)
    assert all(key["revoked_at"] for key in listed(api) if key["id"] in (first["id"], second["id"]))
    for unknown in (UNKNOWN_ID, "x"):
        assert code_of(api.ask("DELETE", f"/v1/keys/{unknown}", status=404)) == "NOT_FOUND"


@pytest.mark.parametrize(("query", "left"), [("", [401, 200, 200]), ("?made=true", [401, 401, 401])])
def test_the_keys_made_with_a_key_are_revoked_with_it(app, api, query, left):
    keys, maker = [], api
    for _ in left:
        keys.append(create_key(maker).json["data"])
        maker = Api(app, keys[-1]["key"])
    api.ask("DELETE", f"/v1/keys/{keys[0]['id']}{query}")
    assert [Api(app, key["key"]).get("/v1/users/me", "*").status_int for key in keys] == left
