"""Invitations: keys that can only be redeemed, once, for an ordinary key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from support.backups import back_up
from support.client import Api, code_of, fields_of, full_key
from support.data import ALL_SCOPES
from support.keys import new_key
from support.operations import OPERATIONS, method_and_path

import acare
from acare import timestamps
from acare.auth import OPERATOR
from acare.maintenance.restore import restore
from acare.store.purging import purge

ANA = "ana@example.com"
REDEEM = "/v1/keys/redeem"
SOON = timestamps.after(1)
ENDED = "2020-01-01T00:00:00.000Z"


def invite(api, status=201, **fields):
    answer = api.post({"invitation": True, **fields}, status, "/v1/keys")
    return answer.json["data"] if status == 201 else answer


def redeem(app, invitation, status=201, **fields):
    answer = Api(app, invitation["key"]).post(fields, status, REDEEM)
    return answer.json["data"] if status == 201 else answer


def reason(answer):
    assert code_of(answer) == "UnauthorizedError"
    return answer.json["error"]["details"]["reason"]


def days_until(time):
    return (datetime.fromisoformat(time) - datetime.fromisoformat(timestamps.now())) / timedelta(days=1)


# --- making one


def test_an_invitation_is_valid_for_a_week(api):
    made = invite(api)
    assert (made["invitation"], round(days_until(made["expires_at"]), 2)) == (True, 7)
    assert api.get("/v1/keys").json["data"]["keys"][0]["invitation"] is True


@pytest.mark.parametrize(("days", "is_valid"), [(1, True), (29.99, True), (30.01, False)])
def test_an_invitation_is_valid_for_at_most_30_days(api, days, is_valid):
    expires_at = timestamps.after(days)
    if is_valid:
        assert invite(api, expires_at=expires_at)["expires_at"] == expires_at
    else:
        assert fields_of(invite(api, 400, expires_at=expires_at)) == ["expires_at"]


# --- using one


def test_an_invitation_becomes_a_key_of_its_user(app, api, ana):
    invitation = invite(api, user_id=ana.user_id(), scopes={"clients": ["read"]}, name="Work phone")
    key = redeem(app, invitation)
    assert (key["email"], key["scopes"], key["invitation"]) == (ANA, {"clients": ["read"]}, False)
    assert (key["name"], key["expires_at"]) == ("Work phone", None)
    assert all(key[name] == invitation[name] for name in ("made_by", "made_with"))
    assert Api(app, key["key"]).get("/v1/users/me").json["data"]["email"] == ANA


def test_the_name_of_a_key_can_be_another_one(app, api):
    assert redeem(app, invite(api, name="Work phone"), name="Tablet")["name"] == "Tablet"


def test_an_invitation_can_be_redeemed_without_a_body(app, api):
    Api(app, invite(api)["key"]).ask("POST", REDEEM, status=201)


def test_an_invitation_works_once(app, api):
    invitation = invite(api)
    redeem(app, invitation)
    again = redeem(app, invitation, 401)
    assert reason(again) == "revoked"
    assert days_until(again.json["error"]["details"]["endedAt"]) == pytest.approx(0, abs=0.01)


def test_of_many_parallel_redemptions_one_succeeds(app, api):
    invitation = invite(api)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: redeem(app, invitation, "*").status_int, range(32)))
    assert sorted(answers) == [201] + [401] * 31
    assert api.get("/v1/keys").json["data"]["meta"]["total"] == 3  # with the first key of the broker


OTHERS = [f"GET {REDEEM}", f"PATCH {REDEEM}", f"POST {REDEEM}/", "POST /v1/nothing"]


@pytest.mark.parametrize("operation", [*OPERATIONS, *OTHERS])
def test_an_invitation_is_no_key_for_anything_else(app, api, operation):
    method, path = method_and_path(operation)
    answer = Api(app, invite(api)["key"]).ask(method, path.replace("{", "").replace("}", ""), {}, 401)
    assert reason(answer) == "invitation"


def test_an_ordinary_key_cannot_be_redeemed(app, api, ana):
    for key in (api.key, full_key(app, ANA, "agent"), new_key(app.keys, ANA, {}).key):
        assert fields_of(Api(app, key).post({}, 400, REDEEM)) == ["X-API-Key"]
    assert reason(Api(app).post({}, 401, REDEEM)) == "missing"
    assert reason(Api(app, "0" * 64).post({}, 401, REDEEM)) == "unknown"


# --- what ends one


def expire(app, key_id):
    values = {"ended": ENDED, "id": key_id}
    statement = "UPDATE api_keys SET expires_at = :ended WHERE id = :id"
    app.database.write(lambda connection: connection.execute(statement, values))


ENDS = {
    "it is revoked": lambda app, invitation, maker: app.keys.revoke(OPERATOR, invitation["id"]),
    "it has expired": lambda app, invitation, maker: expire(app, invitation["id"]),
    "its maker's key is revoked": lambda app, invitation, maker: app.keys.revoke(OPERATOR, maker.id),
    "its maker is disabled": lambda app, invitation, maker: app.users.change(maker.email, disabled=True),
    "its user is disabled": lambda app, invitation, maker: app.users.change(ANA, disabled=True),
}


@pytest.mark.parametrize("how", ENDS)
def test_an_invitation_ends_when(app, api, ana, how):
    maker = new_key(app.keys, "bea@example.com", ALL_SCOPES, role="broker")
    invitation = invite(Api(app, maker.key), user_id=ana.user_id())
    ENDS[how](app, invitation, maker)
    assert reason(redeem(app, invitation, 401)) == ("expired" if "expired" in how else "revoked")


def test_an_invitation_of_a_revoked_maker_stays_ended_after_a_purge(app, api):
    maker = new_key(app.keys, "bea@example.com", ALL_SCOPES, role="broker")
    invitation = invite(Api(app, maker.key))
    app.keys.revoke(OPERATOR, maker.id)
    statement = "UPDATE api_keys SET revoked_at = :ended WHERE id = :id"
    app.database.write(lambda connection: connection.execute(statement, {"ended": ENDED, "id": maker.id}))
    purge(app.database, 1)
    assert maker.id not in [key["id"] for key in app.keys.list(OPERATOR).rows]
    assert reason(redeem(app, invitation, 401)) == "revoked"


# --- what ends the key for which it was exchanged


@pytest.fixture
def bea(app):
    return new_key(app.keys, "bea@example.com", ALL_SCOPES, role="broker")


@pytest.mark.parametrize("ends", [SOON, None], ids=["a day later", "never"])
def test_the_key_expires_with_the_key_that_made_the_invitation(app, ends):
    maker = new_key(app.keys, "bea@example.com", ALL_SCOPES, expires_at=ends, role="broker")
    first = redeem(app, invite(Api(app, maker.key), expires_at=timestamps.after(0.5)))
    assert (first["expires_at"], first["made_with"]) == (ends, maker.id)


def test_a_broker_who_signs_out_does_not_sign_out_whom_she_invited(app, bea, ana):
    broker = Api(app, bea.key)
    key = redeem(app, invite(broker, user_id=ana.user_id()))["key"]
    broker.ask("DELETE", f"/v1/keys/{bea.id}")
    assert reason(broker.get("/v1/clients", 401)) == "revoked"
    Api(app, key).get("/v1/clients")


def test_the_key_is_revoked_with_its_makers_if_asked(app, bea, ana):
    broker = Api(app, bea.key)
    key = redeem(app, invite(broker, user_id=ana.user_id()))["key"]
    broker.ask("DELETE", f"/v1/keys/{bea.id}?made=true")
    assert reason(Api(app, key).get("/v1/clients", 401)) == "revoked"


def test_an_invitation_counts_as_a_key(app, ana):
    while (answer := ana.post({"invitation": True}, "*", "/v1/keys")).status_int == 201:
        last = answer.json["data"]
    assert (code_of(answer), ana.get("/v1/keys").json["data"]["meta"]["total"]) == ("TOO_MANY_KEYS", 100)
    redeem(app, last)  # takes the place of the invitation


# --- restores


@pytest.mark.parametrize(("is_missing", "status"), [(True, 401), (False, 201)])
def test_a_restore_revokes_invitations_only_if_the_keys_are_of_the_backup(tmp_path, is_missing, status):
    path = tmp_path / "acare.db"
    with acare.create_app(database=path) as app:
        invitation = invite(Api(app, full_key(app)))
        backup = back_up(path, tmp_path / "backups")
    if is_missing:
        path.unlink()
    restore(backup, path)
    with acare.create_app(database=path) as app:
        redeem(app, invitation, status)
