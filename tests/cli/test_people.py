"""The commands about users and clients: find, history, user and transfer."""

import json

import pytest
from support.client import Api
from support.data import UNKNOWN_ID

ANA, BEN = "ana@example.com", "ben@example.com"


@pytest.fixture
def ana(caller):
    return caller(ANA, "agent")


def total(api):
    return api.get("/v1/clients").json["data"]["meta"]["total"]


# --- find


def test_find_shows_clients_of_all_users(run, ana, caller):
    first = ana.create(email="j@example.com", phone="(661) 555-0142")
    second = caller(BEN, "agent").create(first_name="Zoë", status="closed")
    lines = [
        f"{second['id']}  Zoë Lee  -  -  {BEN}  closed",
        f"{first['id']}  Jordan Lee  j@example.com  (661) 555-0142  {ANA}  active",
    ]
    assert run("find", "LEE").out.splitlines() == lines
    assert run("find", "6615550142").out.splitlines() == lines[1:]
    assert run("find", "unknown") == (0, "", "No clients found.\n")
    run("find", " ", status=2)


def test_find_prints_no_character_that_a_terminal_obeys(run, app, ana):
    client = ana.create(last_name="Lee")
    app.database.write(lambda c: c.execute("UPDATE clients SET last_name = ? || 'Lee'", ("\x1b[31m\x9b",)))
    line = f"{client['id']}  Jordan \\x1b[31m\\x9bLee  -  -  {ANA}  active\n"
    assert run("find", "jordan").out == line
    assert "\x9b" not in run("history", client["id"]).out + run("find", "jordan", "--json").out


@pytest.mark.parametrize("text", ["zoe", "5550142", "zoe@example"])
def test_find_deleted_shows_what_to_erase(run, ana, text):
    ana.create(first_name="Ana")
    gone = ana.create(first_name="Zoe", last_name="O'Brien", email="zoe@example.com", phone="6615550142")
    ana.delete(gone["id"])
    assert run("find", text).out == ""
    found = run("find", text, "--deleted")
    assert (found.out.count("\n"), found.err.count("acare erase")) == (1, 1)
    assert found.out.startswith(f"{gone['id']}  Zoe O'Brien  zoe@example.com  6615550142  {ANA}  deleted 20")
    run("erase", gone["id"])
    assert run("find", text, "--deleted").out == ""


def test_find_gives_json(run, ana):
    client = ana.create(phone="5")
    (found,) = json.loads(run("find", "jordan", "--json").out)
    assert found == {
        "id": client["id"], "name": "Jordan Lee", "email": None, "phone": "5", "owner": ANA,
        "status": "active", "deleted_at": None,
    }  # fmt: skip
    assert run("find", "x", "--json").out == "[]\n"


# --- history and undelete


def test_history_shows_who_changed_what(run, ana):
    client = ana.create(notes="a")
    ana.put(client["id"], {"notes": "b"})
    first, *lines = run("history", client["id"]).out.splitlines()
    assert first == f"Jordan Lee, client of {ANA}"
    assert '    first_name: "Jordan"' in lines
    assert '    notes: "a" → "b"' in lines
    assert [event["version"] for event in json.loads(run("history", client["id"], "--json").out)] == [1, 2]


def test_undelete_prints_who_it_is_and_the_version(run, ana):
    client = ana.create(email="j@example.com")
    ana.delete(client["id"])
    printed = run("undelete", client["id"]).out
    assert printed.startswith(f"Undeleted Jordan Lee <j@example.com>, owner {ANA}")
    assert "at version 2" in printed
    assert total(ana) == 1


@pytest.mark.parametrize("command", ["history", "undelete", "erase"])
def test_an_unknown_client_is_named_in_one_line(run, ana, command):
    assert UNKNOWN_ID in run(command, UNKNOWN_ID, status=1).err


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
    lines = run("user", "list").out.splitlines()
    assert lines[0].split() == [listed[0]["id"], "broker", "disabled", "1", "client", ANA]
    assert lines[1].split() == [ben_id, "broker", "enabled", "0", "clients", BEN]


def test_a_disabled_user_is_refused_until_enabled(run, ana):
    ana.get("/v1/clients")
    run("user", "disable", ANA)
    ana.get("/v1/clients", status=401)
    assert f"the user {ANA} is disabled" in run("key", "create", "--user", ANA, status=1).err
    run("user", "enable", ANA.upper())
    ana.get("/v1/clients")


@pytest.mark.parametrize(("old", "new"), [("broker@localhost", BEN), (ANA, "Ana@Example.com")])
def test_a_renamed_user_keeps_clients_and_keys(run, caller, old, new):
    api = caller(old)
    client = api.create()
    assert run("user", "rename", old, new).err == f"Renamed {old} to {new}.\n"
    assert api.get(f"/v1/clients/{client['id']}").json["data"] == client
    assert [user["email"] for user in json.loads(run("user", "list", "--json").out)] == [new]


@pytest.mark.parametrize(
    "command",
    [
        "user set-role unknown@example.com agent",
        "user disable unknown@example.com",
        "user rename unknown@example.com new@example.com",
        "user rename ana@example.com BEN@example.com",
        "user add ana@example.com",
        "key revoke --user unknown@example.com",
        "transfer --from unknown@example.com --to ana@example.com",
        "transfer --from ana@example.com --to ANA@example.com",
    ],
)
def test_a_wrong_user_is_named_in_one_line(run, ana, caller, command):
    caller(BEN, "agent")
    printed = run(*command.split(), status=1)
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "example.com" in printed.err or "same user" in printed.err


def test_all_keys_of_a_user_are_revoked(run, ana, caller):
    other, ben = caller(ANA, "agent"), caller(BEN, "agent")
    assert run("key", "revoke", "--user", ANA).err == f"Revoked 2 keys of {ANA}.\n"
    for key, status in ((ana, 401), (other, 401), (ben, 200)):
        key.get("/v1/clients", status=status)


# --- transfer


def test_all_clients_are_handed_over(run, ana, caller):
    ben = caller(BEN, "agent")
    client = ana.create()
    ana.create()
    own = ben.create()
    said = f"Transferred 2 clients from {ANA} to {BEN}.\n"
    assert run("transfer", "--from", ANA, "--to", BEN).out == said
    assert (total(ana), total(ben)) == (0, 3)
    moved = ben.get(f"/v1/clients/{client['id']}").json["data"]
    assert moved == {**client, "user_id": own["user_id"], "version": 2, "updated_at": moved["updated_at"]}
    assert f'    owner: "{ANA}" → "{BEN}"\n' in run("history", client["id"]).out


def test_chosen_clients_are_handed_over_or_none(run, ana, caller):
    ben = caller(BEN, "agent")
    first, second = (ana.create()["id"] for _ in range(2))
    line = ("transfer", "--from", ANA, "--to", BEN, "--client", first)
    refused = run(*line, "--client", ben.create()["id"], status=1)
    assert "nothing was transferred" in refused.err
    assert total(ana) == 2
    assert run(*line).out.startswith("Transferred 1 client")
    assert [client["id"] for client in ana.get("/v1/clients").json["data"]["clients"]] == [second]


def test_nothing_is_handed_to_a_disabled_user(run, ana):
    ana.create()
    run("user", "add", BEN)
    run("user", "disable", BEN)
    assert "is disabled" in run("transfer", "--from", ANA, "--to", BEN, status=1).err
    run("user", "disable", ANA)
    run("user", "enable", BEN)
    assert run("transfer", "--from", ANA, "--to", BEN).out.startswith("Transferred 1 client")


def test_a_stale_version_is_refused_after_a_transfer(run, app, ana, caller):
    client = ana.create()
    run("user", "add", BEN)
    run("transfer", "--from", ANA, "--to", BEN)
    answer = Api(app, caller().key).put(client["id"], {"notes": "x", "version": 1}, status=409)
    assert answer.json["error"]["details"]["currentVersion"] == 2
