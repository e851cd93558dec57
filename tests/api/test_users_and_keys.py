"""History, restore, hand-over, users and keys over the API."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from support.client import Api
from support.data import JORDAN, UNKNOWN_ID

from acare.auth import OPERATOR
from acare.store.history import MAX_VERSIONS

ANA, BEN = "ana@example.com", "ben@example.com"


@pytest.fixture
def ana(caller):
    return caller(ANA, "agent")


@pytest.fixture
def ben(caller):
    return caller(BEN, "agent")


def me(api):
    return api.get("/v1/users/me").json["data"]["id"]


def history(api, client_id, status=200):
    return api.get(f"/v1/clients/{client_id}/history", status).json.get("data", {}).get("versions")


def restore(api, client_id, status=200):
    return api.ask("POST", f"/v1/clients/{client_id}/restore", status=status)


def hand_over(api, client_id, to, status=200, headers=None, **fields):
    """Give one client to another caller."""
    body = {"user_id": to if isinstance(to, str) else me(to), **fields}
    return api.ask("POST", f"/v1/clients/{client_id}/owner", body, status, **(headers or {}))


def put_user(api, user, body, status=200):
    return api.ask("PUT", f"/v1/users/{user if isinstance(user, str) else me(user)}", body, status)


def problems(answer):
    return [problem["field"] for problem in answer.json["error"]["details"]]


def code(answer):
    return answer.json["error"]["code"]


# --- history


def test_the_history_says_who_changed_what(ana, api):
    first = ana.create(phone="1")
    second = api.put(first["id"], {"phone": "2", "tags": ["vip"]}).json["data"]
    assert history(ana, first["id"]) == [
        {
            "version": 2,
            "at": second["updated_at"],
            "by": "broker@example.com",
            "action": "updated",
            "changes": [
                {"field": "phone", "from": "1", "to": "2"},
                {"field": "tags", "from": [], "to": ["vip"]},
            ],
        },
        {"version": 1, "at": first["created_at"], "by": ANA, "action": "created", "changes": []},
    ]


def test_a_history_has_the_last_versions(ana):
    client = ana.create()
    for n in range(MAX_VERSIONS):
        ana.put(client["id"], {"notes": str(n)})
    versions = [event["version"] for event in history(ana, client["id"])]
    assert versions == [*range(MAX_VERSIONS + 1, 1, -1)]


def test_a_deleted_client_has_a_history(ana, ben, api):
    client_id = ana.create()["id"]
    api.delete(client_id)
    newest = history(ana, client_id)[0]
    assert (newest["version"], newest["action"], newest["by"]) == (1, "deleted", "broker@example.com")
    history(ben, client_id, 404)


def test_a_new_owner_sees_the_complete_history_and_the_old_one_nothing(ana, ben, api):
    client_id = ana.create()["id"]
    hand_over(api, client_id, ben)
    newest, oldest = history(ben, client_id)
    assert (newest["action"], newest["by"], oldest["by"]) == ("handed_over", "broker@example.com", ANA)
    assert newest["changes"] == [{"field": "user_id", "from": me(ana), "to": me(ben)}]
    history(ana, client_id, 404)


def test_the_first_version_after_a_purge_is_not_called_imported(app, ana, api):
    client_id = ana.create()["id"]
    app.database.write(
        lambda c: c.execute("UPDATE clients SET imported_at = '2020', made_by = NULL").rowcount
    )
    assert history(ana, client_id)[0]["action"] == "imported"
    app.clients.transfer(OPERATOR, ANA, me(api))
    app.database.write(lambda c: c.execute("DELETE FROM client_history").rowcount)
    assert [event["action"] for event in history(api, client_id)] == ["updated"]


# --- restore


def test_a_restored_client_is_as_it_was_at_the_next_version(ana):
    client = ana.create(phone="1", tags=["vip"])
    ana.delete(client["id"])
    answer = restore(ana, client["id"])
    restored = answer.json["data"]
    assert restored == {**client, "version": 2, "updated_at": restored["updated_at"]}
    assert answer.headers["ETag"] == '"2"'
    assert ana.list()["clients"] == [restored]
    assert [event["by"] for event in history(ana, client["id"])] == [ANA, ANA, ANA]


def test_only_a_deleted_client_can_be_restored(ana, ben):
    client_id = ana.create()["id"]
    assert code(restore(ana, client_id, 409)) == "ALREADY_EXISTS"
    for caller, unknown in ((ana, UNKNOWN_ID), (ana, "x"), (ben, client_id)):
        assert code(restore(caller, unknown, 404)) == "NOT_FOUND"


def test_an_earlier_owner_restores_nothing(ana, ben, api):
    client_id = ana.create()["id"]
    ana.delete(client_id)
    restore(ana, client_id)
    hand_over(api, client_id, ben)
    ben.delete(client_id)
    restore(ana, client_id, 404)
    assert restore(ben, client_id).json["data"]["user_id"] == me(ben)


# --- the owner


def test_a_client_gets_another_owner_as_a_new_version(ana, ben, api):
    client = ana.create()
    answer = hand_over(api, client["id"], ben, version=1)
    moved = answer.json["data"]
    assert moved == {**client, "user_id": me(ben), "version": 2, "updated_at": moved["updated_at"]}
    assert (answer.headers["ETag"], ana.total(), ben.total()) == ('"2"', 0, 1)
    ana.get(f"/v1/clients/{client['id']}", 404)


def test_a_stale_version_is_not_handed_over(ana, ben, api):
    client_id = ana.create()["id"]
    ana.put(client_id, {"notes": "x"})
    details = hand_over(api, client_id, ben, 409, version=1).json["error"]["details"]
    assert (details["changedFields"], details["changedBy"]) == (["notes"], ANA)
    hand_over(api, client_id, ben, 412, {"If_Match": '"1"'})
    assert "version" in problems(hand_over(api, client_id, ben, 400, version=None))
    hand_over(api, client_id, ben, 200, {"If_Match": '"2"'})


@pytest.mark.parametrize("who", [UNKNOWN_ID, "disabled", "x", None])
def test_a_new_owner_must_exist_and_not_be_disabled(app, ana, ben, api, who):
    put_user(api, ben, {"disabled": True})
    client_id, to = ana.create()["id"], app.users.change(BEN).id if who == "disabled" else who
    assert problems(api.post({"user_id": to}, 400, f"/v1/clients/{client_id}/owner")) == ["user_id"]
    assert problems(api.post({"to": to}, 400, f"/v1/users/{me(ana)}/handover")) == ["to"]
    assert ana.total() == 1


def test_all_clients_of_a_user_are_handed_over(ana, ben, api):
    ids = [ana.create()["id"] for _ in range(3)]
    leaver = me(ana)
    put_user(api, leaver, {"disabled": True})
    moved = api.post({"to": me(ben)}, 200, f"/v1/users/{leaver}/handover").json["data"]
    assert (moved, ben.total()) == ({"clients": 3}, 3)
    assert [(event["version"], event["by"]) for event in history(ben, ids[0])] == [
        (2, "broker@example.com"), (1, ANA),
    ]  # fmt: skip
    again = api.post({"to": leaver}, 400, f"/v1/users/{leaver}/handover")
    assert problems(again) == ["to"]


def test_a_replay_shows_no_client_of_another_owner(ana, ben, api):
    def post():
        return ana.ask("POST", "/v1/clients", JORDAN, "*", Idempotency_Key="k")

    client_id = post().json["data"]["id"]
    hand_over(api, client_id, ben)
    assert (post().status_int, code(post())) == (404, "NOT_FOUND")
    ben.delete(client_id)
    assert post().status_int == 404
    restore(ben, client_id)
    hand_over(api, client_id, ana)
    assert (post().status_int, post().json["data"]["id"], ana.total()) == (201, client_id, 1)


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
    assert code(api.post({"email": email, "role": "agent"}, 409, "/v1/users")) == "ALREADY_EXISTS"
    assert code(put_user(api, ben, {"email": email}, 409)) == "ALREADY_EXISTS"


def test_every_problem_of_a_user_is_named(api, ana):
    sent = {"email": "ana", "role": "owner", "disabled": "yes"}
    assert problems(api.post(sent, 400, "/v1/users")) == ["email", "role"]
    assert problems(put_user(api, ana, sent, 400)) == ["email", "role", "disabled"]
    assert problems(api.post({}, 400, "/v1/users")) == ["email", "role"]
    assert problems(put_user(api, ana, {"disabled": None}, 400)) == ["body"]
    for unknown in (UNKNOWN_ID, "x"):
        put_user(api, unknown, {"role": "agent"}, 404)


@pytest.mark.parametrize("change", [{"role": "agent"}, {"disabled": True}])
def test_the_last_broker_stays_a_broker(api, ana, change):
    answer = put_user(api, api, change, 409)
    assert code(answer) == "LAST_BROKER"
    assert "is broker@example.com;" in answer.json["error"]["message"]  # as it is written
    put_user(api, ana, {"role": "broker"})
    put_user(api, api, change)
    assert code(put_user(ana, ana, change, 409)) == "LAST_BROKER"


# --- keys


def create_key(api, status=201, **fields):
    return api.post(fields, status, "/v1/keys")


def listed(api):
    return api.get("/v1/keys").json["data"]["keys"]


def test_a_new_key_works_and_is_shown_once(app, ana):
    made = create_key(ana, name="CRM").json["data"]
    key = made.pop("key")
    assert Api(app, key).get("/v1/users/me").json["data"]["email"] == ANA
    shown = next(each for each in listed(ana) if each["id"] == made["id"])
    assert shown == {**made, "last_used_at": shown["last_used_at"]}
    assert (made["preview"], made["name"], made["expires_at"]) == (f"{key[:8]}…{key[-4:]}", "CRM", None)
    assert (made["scopes"], key in json.dumps(listed(ana))) == ({"all": ["read", "write"]}, False)


GIVEN = [
    # scopes of the caller, of the new key, and whether the caller may give them
    ({"keys": ["write"]}, {"keys": ["write"]}, True),
    ({"keys": ["write"], "clients": ["write"]}, {"clients": ["delete"]}, True),
    ({"all": ["write"]}, {"users": ["write", "write"], "all": ["delete"]}, True),
    ({"keys": ["write"]}, {}, True),
    ({"keys": ["write"]}, {"keys": ["read"]}, False),
    ({"keys": ["write"], "clients": ["delete"]}, {"clients": ["write"]}, False),
    ({"keys": ["read", "write"], "clients": ["read", "write"]}, {"all": ["read"]}, False),
]


@pytest.mark.parametrize(("own", "given", "allowed"), GIVEN, ids=str)
def test_a_caller_gives_at_most_their_own_scopes(caller, own, given, allowed):
    answer = create_key(caller(scopes=own), 201 if allowed else 403, scopes=given)
    if allowed:
        assert answer.json["data"]["scopes"] == {name: [*dict.fromkeys(each)] for name, each in given.items()}
    else:
        assert code(answer) == "INSUFFICIENT_SCOPE"


def test_without_scopes_a_key_has_those_of_the_caller(caller):
    scopes = {"clients": ["read"], "keys": ["read", "write"]}
    assert create_key(caller(scopes=scopes)).json["data"]["scopes"] == scopes


def test_a_resource_without_actions_is_no_scope(api):
    given = {"clients": ["read"], "users": [], "keys": [], "all": []}  # as a generated Java client sends it
    assert create_key(api, scopes=given).json["data"]["scopes"] == {"clients": ["read"]}


def test_only_a_broker_creates_keys_for_others(app, ana, ben, api):
    assert code(create_key(ana, 403, user_id=me(ben))) == "BROKER_REQUIRED"
    assert code(create_key(ana, 403, user_id=UNKNOWN_ID)) == "BROKER_REQUIRED"
    made = create_key(api, user_id=me(ben), scopes={"clients": ["read"]}).json["data"]
    assert made["user_id"] == me(Api(app, made["key"])) == me(ben)


SCOPES = [
    [],
    "all",
    {"escrows": ["read"]},
    {"clients": "read"},
    {"clients": [{}]},
    {"": ["x"]},
]
FIELDS = [
    *(("scopes", value) for value in SCOPES),
    *(("user_id", value) for value in (7, "x", UNKNOWN_ID)),
    *(("name", value) for value in ("", "x" * 101, 7, "a\nb")),
    *(("expires_at", value) for value in (7, "", "soon", "2999-01-01", "2020-01-01T00:00:00Z",
                                          "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:59")),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=str)
def test_an_invalid_field_of_a_key_is_named(api, field, value):
    assert problems(create_key(api, 400, **{field: value})) == [field]


def test_a_key_expires_at_the_time_that_is_sent(app, api):
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    made = create_key(api, expires_at=soon.isoformat()).json["data"]
    assert datetime.fromisoformat(made["expires_at"]) == soon.replace(
        microsecond=soon.microsecond // 1000 * 1000
    )
    assert create_key(api, expires_at="2999-01-01T00:00:00+02:00").json["data"]["expires_at"] == (
        "2998-12-31T22:00:00.000Z"
    )
    assert create_key(api, expires_at=None, user_id=None, name=None).json["data"]["expires_at"] is None


def test_a_key_is_revoked_by_its_user_or_a_broker(app, ana, ben, api):
    first, second = (create_key(ana).json["data"] for _ in range(2))
    ben.ask("DELETE", f"/v1/keys/{first['id']}", status=404)
    for caller, key in ((ana, first), (api, second), (api, second)):
        assert caller.ask("DELETE", f"/v1/keys/{key['id']}").json["data"] == {}
        Api(app, key["key"]).get("/v1/clients", 401)
    assert all(each["revoked_at"] for each in listed(api) if each["id"] in (first["id"], second["id"]))
    for unknown in (UNKNOWN_ID, "x"):
        assert code(api.ask("DELETE", f"/v1/keys/{unknown}", status=404)) == "NOT_FOUND"
