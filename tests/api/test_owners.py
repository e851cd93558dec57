"""History, restore and hand-over over the API."""

import pytest
from support.client import code_of, fields_of
from support.data import JORDAN, UNKNOWN_ID

from acare.auth import OPERATOR
from acare.errors import Refused
from acare.fields import ValidFields

ANA, BEN = "ana@example.com", "ben@example.com"


def history(api, client_id, status=200):
    return api.get(f"/v1/clients/{client_id}/history", status).json.get("data", {}).get("versions")


def restore(api, client_id, status=200):
    return api.ask("POST", f"/v1/clients/{client_id}/restore", status=status)


def hand_over(api, client_id, to, status=200, fields=(), **headers):
    """Give one client to another caller."""
    body = {"user_id": to.user_id(), **dict(fields)}
    return api.ask("POST", f"/v1/clients/{client_id}/owner", body, status, **headers)


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


def test_the_history_says_who_deleted_a_client_each_time(ana, api):
    client_id = ana.create()["id"]
    ana.delete(client_id)
    api.post(None, 200, f"/v1/clients/{client_id}/restore")
    api.delete(client_id)
    by = [version["by"] for version in history(ana, client_id) if version["action"] == "deleted"]
    assert by == ["broker@example.com", ANA]


def pages(api, client_id):
    """The versions on each page of a history."""
    before, more = "", True
    while more:
        data = api.get(f"/v1/clients/{client_id}/history?before={before}").json["data"]
        yield (versions := [event["version"] for event in data["versions"]])
        before, more = versions[-1], data["meta"]["hasMore"]


def test_a_page_of_a_history_has_200_versions(ana):
    client_id = ana.create()["id"]
    for _ in range(200):
        ana.put(client_id, {"notes": "x"})  # a version, even if nothing changes
    assert [*pages(ana, client_id)] == [[*range(201, 1, -1)], [1]]


def test_a_page_of_a_history_ends_after_4_mib(ana):
    client_id = ana.create()["id"]
    for n in range(90):
        ana.put(client_id, {"notes": f"{n}{'€' * 9990}"})  # 30 KiB
    first, second = pages(ana, client_id)
    assert (65 < len(first) < 75, len(first) + len(second)) == (True, 91)


def test_a_new_owner_sees_all_history_and_the_old_one_none(ana, ben, api):
    client_id = ana.create()["id"]
    hand_over(api, client_id, ben)
    newest, oldest = history(ben, client_id)
    assert (newest["action"], newest["by"], oldest["by"]) == ("handed_over", "broker@example.com", ANA)
    assert newest["changes"] == [{"field": "user_id", "from": ana.user_id(), "to": ben.user_id()}]
    history(ana, client_id, 404)


# --- restore


def test_an_earlier_owner_restores_nothing(ana, ben, api):
    client_id = ana.create()["id"]
    ana.delete(client_id)
    restore(ana, client_id)
    hand_over(api, client_id, ben)
    ben.delete(client_id)
    restore(ana, client_id, 404)
    assert restore(ben, client_id).json["data"]["user_id"] == ben.user_id()
    assert history(ben, client_id)[0]["by"] == BEN


def test_a_client_of_a_disabled_user_goes_to_the_broker_who_restores_it(ana, api):
    """It would otherwise belong to a person who has left."""
    client_id, ana_id = ana.create()["id"], ana.user_id()
    ana.delete(client_id)
    api.ask("PUT", f"/v1/users/{ana_id}", {"disabled": True})
    assert restore(api, client_id).json["data"]["user_id"] == api.user_id()
    newest = history(api, client_id)[0]
    assert (newest["action"], newest["by"]) == ("restored", "broker@example.com")
    assert newest["changes"] == [{"field": "user_id", "from": ana_id, "to": api.user_id()}]


# --- the owner


def test_a_client_gets_another_owner_as_a_new_version(ana, ben, api):
    client = ana.create()
    answer = hand_over(api, client["id"], ben, fields={"version": 1})
    moved = answer.json["data"]
    assert moved == {**client, "user_id": ben.user_id(), "version": 2, "updated_at": moved["updated_at"]}
    assert (answer.headers["ETag"], ana.total(), ben.total()) == ('"2"', 0, 1)
    ana.get(f"/v1/clients/{client['id']}", 404)


def test_a_stale_version_is_not_handed_over(ana, ben, api):
    client_id = ana.create()["id"]
    ana.put(client_id, {"notes": "x"})
    details = hand_over(api, client_id, ben, 409, {"version": 1}).json["error"]["details"]
    assert (details["changedFields"], details["changedBy"]) == (["notes"], ANA)
    hand_over(api, client_id, ben, 412, If_Match='"1"')
    assert "version" in fields_of(hand_over(api, client_id, ben, 400, {"version": None}))
    hand_over(api, client_id, ben, If_Match='"2"')


def test_a_hand_over_to_the_owner_makes_no_version(ana, ben, api):
    client = ana.create()
    assert hand_over(api, client["id"], ana).json["data"] == client
    hand_over(api, client["id"], ana, 409, {"version": 2})
    hand_over(api, client["id"], ana, 412, If_Match='"2"')
    assert len(history(ana, client["id"])) == 1


def test_a_change_with_the_present_owner_keeps_its_other_fields(app, ana):
    client_id = ana.create()["id"]
    changes = ValidFields(user_id=ana.user_id(), notes="kept")
    assert app.clients.update(OPERATOR, client_id, changes).version == 2
    assert ana.get(f"/v1/clients/{client_id}").json["data"]["notes"] == "kept"


def test_an_agent_hands_over_nothing_in_python_either(app, ana, ben):
    client_id, agent = ana.create()["id"], app.caller(ANA)
    with pytest.raises(Refused, match="only a broker"):
        app.clients.update(agent, client_id, ValidFields(user_id=ben.user_id()))
    with pytest.raises(Refused, match="only a broker"):
        app.clients.handover(agent, ANA, BEN)
    assert (ana.total(), ben.total()) == (1, 0)


@pytest.mark.parametrize("who", [UNKNOWN_ID, "disabled", "x", None])
def test_a_new_owner_must_exist_and_not_be_disabled(app, ana, ben, api, who):
    disabled = app.users.change(BEN, disabled=True).id
    client_id, to = ana.create()["id"], disabled if who == "disabled" else who
    assert fields_of(api.post({"user_id": to}, 400, f"/v1/clients/{client_id}/owner")) == ["user_id"]
    assert fields_of(api.post({"to": to}, 400, f"/v1/users/{ana.user_id()}/handover")) == ["to"]
    assert ana.total() == 1


def test_all_clients_of_a_user_are_handed_over(app, ana, ben, api):
    ids = [ana.create()["id"] for _ in range(3)]
    leaver = ana.user_id()
    app.users.change(ANA, disabled=True)
    moved = api.post({"to": ben.user_id()}, 200, f"/v1/users/{leaver}/handover").json["data"]
    assert (moved, ben.total()) == ({"clients": 3}, 3)
    assert [(event["version"], event["by"]) for event in history(ben, ids[0])] == [
        (2, "broker@example.com"),
        (1, ANA),
    ]
    again = api.post({"to": ben.user_id()}, 400, f"/v1/users/{ben.user_id()}/handover")
    assert fields_of(again) == ["to"]


def test_a_replay_shows_no_client_of_another_owner(ana, ben, api):
    def post():
        return ana.ask("POST", "/v1/clients", JORDAN, "*", Idempotency_Key="k")

    client_id = post().json["data"]["id"]
    hand_over(api, client_id, ben)
    assert (post().status_int, code_of(post())) == (404, "NOT_FOUND")
    ben.delete(client_id)
    assert post().status_int == 404
    restore(ben, client_id)
    hand_over(api, client_id, ana)
    assert (post().status_int, post().json["data"]["id"], ana.total()) == (201, client_id, 1)
