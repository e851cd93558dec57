"""The commands about users and clients: find, history, user and handover."""

import json

import pytest
from support.data import JORDAN

ANA, BEN = "ana@example.com", "ben@example.com"


# --- find


def test_find_shows_clients_of_all_users(run, ana, caller):
    first = ana.create(email="j@example.com", phone="(661) 555-0142")
    second = caller(BEN, "agent").create(first_name="Zoë", status="closed")
    heading = "name        phone           email          id"
    lines = [
        f"Zoë Lee     -               -              {second['id']}",
        f"Jordan Lee  (661) 555-0142  j@example.com  {first['id']}",
    ]
    found = run("find", "LEE")
    assert found.out.splitlines() == [heading, *lines]
    assert found.err.startswith("2 clients match; ")
    found = run("find", "6615550142")
    assert (found.out.splitlines(), found.err) == ([heading, lines[1]], "")
    assert run("find", "zoe", "LEE").out.split()[4:6] == ["Zoë", "Lee"]
    assert run("find", "unknown").out == "name  phone  email  id\n"
    for words in ([""], [" "], ["a" * 100, "b" * 100]):
        assert "acare: TEXT must have 1 to 200 characters" in run("find", *words, status=2).err
    refused = run("find", *"abcdefghi", status=2)
    assert (refused.out, refused.err) == ("", "acare: TEXT must have at most 8 words\n")


def test_find_lists_the_clients_with_a_tag(run, ana):
    tagged = ana.create(tags=["VIP"])["id"]
    ana.create(tags=["VIPs", "due:2026-12-01"])
    found = json.loads(run("find", "--tag", "vip", "--json").out)
    assert [client["id"] for client in found] == [tagged]
    assert "--tag" in run("find", "--tag", "vip", "--deleted", status=2).err


def test_find_prints_no_character_that_a_terminal_obeys(run, app, ana):
    client = ana.create(last_name="Lee")
    update = "UPDATE clients SET version = version + 1, last_name = ? || 'Lee'"
    app.database.write(lambda c: c.execute(update, ("\x1b[31m\x9b",)))
    assert run("find", "jordan").out.splitlines()[1].startswith("Jordan \\x1b[31m\\x9bLee  ")
    assert "\x9b" not in run("history", client["id"]).out + run("find", "jordan", "--json").out


@pytest.mark.parametrize("text", ["zoe", "5550142", "zoe@example"])
def test_find_deleted_shows_what_to_erase(run, ana, text):
    ana.create(first_name="Ana")
    gone = ana.create(first_name="Zoe", last_name="O'Brien", email="zoe@example.com", phone="6615550142")
    ana.delete(gone["id"])
    assert json.loads(run("find", text, "--json").out) == []
    (found,) = json.loads(run("find", text, "--deleted", "--json").out)
    assert (found["id"], found["last_name"], found["deleted_at"][:2]) == (gone["id"], "O'Brien", "20")
    run("erase", "--yes", gone["id"])
    assert json.loads(run("find", text, "--deleted", "--json").out) == []


# --- what is stored about a person


@pytest.fixture
def stored(ana):
    """The ids of two clients: one was deleted, the other created with an idempotency key, and changed."""
    deleted = ana.create(first_name="Zoë", notes="first")["id"]
    ana.delete(deleted)
    changed = ana.ask("POST", "/v1/clients", JORDAN, 201, Idempotency_Key="key-1").json["data"]["id"]
    ana.put(changed, {"notes": "second"})
    return deleted, changed


def test_the_history_has_all_that_is_stored(run, stored):
    text = run("history", *stored).out
    deleted, changed = json.loads(text)
    assert (deleted["client"]["first_name"], deleted["owner"], '"Zoë"' in text) == ("Zoë", ANA, True)
    events = [(event["action"], event["by"]) for event in deleted["history"]]
    assert events == [("created", ANA), ("deleted", ANA)]
    assert [event["client"]["notes"] for event in changed["history"]] == [None, "second"]
    (response,) = changed["responses"]
    assert response["client"] == changed["history"][0]["client"]


# --- users


def test_users_are_added_listed_and_changed(run, ana):
    ana.create()
    ben_id = run("user", "add", BEN, "--role", "broker").out.strip()
    run("user", "set-role", ANA, "broker")
    run("user", "disable", ANA)
    listed = json.loads(run("user", "list", "--json").out)
    assert [(user["email"], user["role"], user["clients"]) for user in listed] == [
        (ANA, "broker", 1),
        (BEN, "broker", 0),
    ]
    heading, first, second = run("user", "list").out.splitlines()
    assert heading.split() == ["email", "role", "clients", "disabled_at", "id"]
    assert first.split() == [ANA, "broker", "1", listed[0]["disabled_at"], listed[0]["id"]]
    assert second.split() == [BEN, "broker", "0", "-", ben_id]


def test_a_disabled_user_is_refused_until_enabled(run, ana):
    ana.get("/v1/clients")
    run("user", "disable", ANA)
    ana.get("/v1/clients", status=401)
    assert f"{ANA} is disabled" in run("key", "create", "--user", ANA, status=2).err
    run("user", "enable", ANA.upper())
    ana.get("/v1/clients")


def test_disabling_a_user_tells_which_keys_of_others_stay_valid(run, app):
    app.users.add("dana@example.com", "broker")
    maker = app.caller(app.users.add(ANA, "broker").email)
    ben = app.users.add(BEN, "agent").id
    assert "still valid" not in run("user", "disable", ANA).err
    run("user", "enable", ANA)
    redeemed = app.keys.create(maker, user_id=ben, invitation=True).key
    app.keys.redeem(redeemed)
    app.keys.create(maker, user_id=ben, invitation=True)  # ends with its maker, as do the maker's own keys
    app.keys.create(maker)
    assert "1 key that this user made for others can" in run("user", "disable", ANA.upper()).err


def test_a_wrong_user_is_named_in_one_line(run, ana):
    printed = run("handover", "--from", "unknown@example.com", "--to", ANA, status=1)
    assert (printed.is_refusal(), "there is no user unknown@example.com;" in printed.err) == (True, True)
