"""The commands about users and clients: find, user, transfer, and the keys of a user."""

import json

import pytest
from support.client import Api

from acare.cli import main
from acare.store.transfer import BATCH

ANA, BEN = "ana@example.com", "ben@example.com"


@pytest.fixture
def run(app, monkeypatch, capsys):
    """Runs a command on the app's database: its exit code, stdout and stderr."""
    monkeypatch.setenv("ACARE_DATABASE", str(app.database.path))

    def run(*arguments):
        try:
            code = main(arguments)
        except SystemExit as exit:
            code = exit.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def ana(caller):
    return caller(ANA, "agent")


# --- find


def test_find_shows_clients_of_all_users(run, ana, caller):
    first = ana.create(email="j@example.com", phone="(661) 555-0142")
    second = caller(BEN, "agent").create(first_name="Zoë", status="closed")
    lines = [
        f"{second['id']}  Zoë Lee  -  -  {BEN}  closed",
        f"{first['id']}  Jordan Lee  j@example.com  (661) 555-0142  {ANA}  active",
    ]
    assert run("find", "LEE") == (0, "\n".join(lines) + "\n", "")
    assert run("find", "6615550142") == (0, lines[1] + "\n", "")
    assert run("find", "zoe lee") == (0, lines[0] + "\n", "")
    assert run("find", "unknown") == (0, "", "No clients found.\n")
    assert run("find", " ")[0] == 2


@pytest.mark.parametrize("text", ["zoë", "ZOE o'b", "5550142", "zoe@example", "(661) 555-0142"])
def test_find_deleted_shows_what_to_erase(run, ana, text):
    there = ana.create(first_name="Ana")
    gone = ana.create(first_name="Zoe", last_name="O'Brien", email="zoe@example.com", phone="661 555-0142")
    back = ana.create(first_name="Ida")
    for client in (gone, back):
        ana.delete(client["id"])
    run("undelete", back["id"])
    assert run("find", text) == (0, "", "No clients found.\n")
    code, out, err = run("find", text, "--deleted")
    assert (code, out.count("\n"), err.count("acare erase")) == (0, 1, 1)
    assert out.startswith(f"{gone['id']}  Zoe O'Brien  zoe@example.com  661 555-0142  {ANA}  deleted 20")
    found = [client["id"] for client in json.loads(run("find", "lee", "--deleted", "--json")[1])]
    assert found == [back["id"], there["id"]]
    assert run("erase", gone["id"])[0] == 0
    assert run("find", text, "--deleted") == (0, "", "No clients found.\n")


def test_find_gives_json(run, ana):
    client = ana.create(phone="5")
    assert json.loads(run("find", "jordan", "--json")[1]) == [
        {
            "id": client["id"],
            "name": "Jordan Lee",
            "email": None,
            "phone": "5",
            "owner": ANA,
            "status": "active",
            "deleted_at": None,
        }
    ]
    assert run("find", "x", "--json") == (0, "[]\n", "")


# --- users


def test_users_are_added_listed_and_changed(run, ana):
    ana.create()
    code, out, _ = run("user", "add", BEN, "--role", "broker")
    ben_id = out.strip()
    assert code == 0
    assert run("user", "set-role", ANA, "broker")[0] == 0
    assert run("user", "disable", ANA)[0] == 0
    listed = json.loads(run("user", "list", "--json")[1])
    assert [(user["email"], user["role"], user["clients"]) for user in listed] == [
        (ANA, "broker", 1),
        (BEN, "broker", 0),
    ]
    lines = run("user", "list")[1].splitlines()
    assert lines[0].split() == [listed[0]["id"], "broker", "disabled", "1", "client", ANA]
    assert lines[1].split() == [ben_id, "broker", "enabled", "0", "clients", BEN]


def test_a_disabled_user_is_refused_until_enabled(run, ana):
    ana.get("/v1/clients")
    run("user", "disable", ANA)
    ana.get("/v1/clients", status=401)
    assert run("key", "create", "--user", ANA)[::2] == (
        1,
        f"acare: the user {ANA} is disabled; 'acare user enable {ANA}' enables it\n",
    )
    run("user", "enable", ANA.upper())
    ana.get("/v1/clients")


@pytest.mark.parametrize(
    "command",
    [
        "user set-role unknown@example.com agent",
        "user disable unknown@example.com",
        "user enable unknown@example.com",
        "user add ana@example.com",
        "key revoke --user unknown@example.com",
        "transfer --from unknown@example.com --to ana@example.com",
        "transfer --from ana@example.com --to unknown@example.com",
        "transfer --from ana@example.com --to ANA@example.com",
    ],
)
def test_a_wrong_user_is_named_in_one_line(run, ana, command):
    code, out, err = run(*command.split())
    assert (code, out, err.count("\n"), "example.com" in err or "same user" in err) == (1, "", 1, True)


def test_all_keys_of_a_user_are_revoked(run, app, ana, caller):
    other, ben = caller(ANA, "agent"), caller(BEN, "agent")
    assert run("key", "revoke", "--user", ANA) == (0, "", f"Revoked 2 keys of {ANA}.\n")
    for key, status in ((ana, 401), (other, 401), (ben, 200)):
        key.get("/v1/clients", status=status)
    assert run("key", "revoke")[0] == 2
    assert f"user={app.keys.list()[0]['user_id']}" in run("key", "list")[1]


# --- transfer


def test_all_clients_are_handed_over(run, app, ana, caller):
    ben = caller(BEN, "agent")
    client = ana.create()
    for _ in range(BATCH):
        ana.create()
    own = ben.create()
    said = f"Transferred {BATCH + 1} clients from {ANA} to {BEN}.\n"
    assert run("transfer", "--from", ANA, "--to", BEN) == (0, said, "")
    assert ana.get("/v1/clients").json["data"]["meta"]["total"] == 0
    assert ben.get("/v1/clients").json["data"]["meta"]["total"] == BATCH + 2
    moved = ben.get(f"/v1/clients/{client['id']}").json["data"]
    assert moved == {**client, "user_id": own["user_id"], "version": 2, "updated_at": moved["updated_at"]}
    assert ben.get(f"/v1/clients/{own['id']}").json["data"] == own
    assert f'    owner: "{ANA}" → "{BEN}"\n' in run("history", client["id"])[1]
    assert run("transfer", "--from", ANA, "--to", BEN)[1].startswith("Transferred 0 clients")


def test_chosen_clients_are_handed_over_or_none(run, ana, caller):
    ben = caller(BEN, "agent")
    first, second, third = (ana.create()["id"] for _ in range(3))
    other = ben.create()["id"]
    line = ("transfer", "--from", ANA, "--to", BEN, "--client", first)
    assert run(*line, "--client", other)[::2] == (
        1,
        f"acare: {ANA} has no client with the id {other}; nothing was transferred\n",
    )
    assert ana.get("/v1/clients").json["data"]["meta"]["total"] == 3
    assert run(*line, "--client", third)[1].startswith("Transferred 2 clients")
    assert [client["id"] for client in ana.get("/v1/clients").json["data"]["clients"]] == [second]


def test_nothing_is_handed_to_a_disabled_user(run, ana):
    ana.create()
    run("user", "add", BEN)
    run("user", "disable", BEN)
    assert "is disabled" in run("transfer", "--from", ANA, "--to", BEN)[2]
    run("user", "disable", ANA)
    run("user", "enable", BEN)
    assert run("transfer", "--from", ANA, "--to", BEN)[1].startswith("Transferred 1 client")


def test_a_stale_version_is_refused_after_a_transfer(run, app, ana, caller):
    client = ana.create()
    run("user", "add", BEN)
    run("transfer", "--from", ANA, "--to", BEN)
    answer = Api(app, caller().key).put(client["id"], {"notes": "x", "version": 1}, status=409)
    assert answer.json["error"]["details"]["currentVersion"] == 2
