"""What clients were, for the operator: who did what, bringing back, and forgetting for good."""

import functools
import json
import random
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import namedtuple
from contextlib import closing
from uuid import UUID

import pytest
from support.client import Api
from support.data import JORDAN, OTHER, WHOLE

from acare.auth import operator_for
from acare.cli import main, options
from acare.fields import clean_new, clean_update
from acare.store.clients import ClientStore
from acare.store.database import Database
from acare.store.history import HistoryStore
from acare.store.keys import KeyStore

NOBODY = "00000000-0000-4000-8000-000000000000"
NAME = "Zaphodina"  # of whoever is to be forgotten
COMMANDS = ("history", "undelete", "erase")

Printed = namedtuple("Printed", "code out err")


@pytest.fixture
def acare(app, capsys):
    """Runs a command on the app's database, while the app has it open."""

    def run(*arguments):
        code = main([*map(str, arguments), "--database", str(app.database.path)])
        return Printed(code, *capsys.readouterr())

    return run


@pytest.fixture
def changed(caller):
    """A client that ana made and bob changed and deleted; its versions and their keys."""
    ana, bob = caller("ana@example.com"), caller("bob@example.com")
    first = ana.create(notes="old")
    second = bob.put(first["id"], {"notes": "new", "tags": ["vip"]}).json["data"]
    bob.delete(first["id"])
    return first, second, ana, bob


TABLES = ("clients", "client_history", "idempotency_keys")


def events(acare, client_id):
    return json.loads(acare("history", client_id, "--json").out)


def rows(app, statement, *values):
    with app.database.read() as connection:
        return connection.execute(statement, values).fetchall()


def preview(key):
    return f"{key[:8]}…{key[-4:]}"


def ids(api):
    return [client["id"] for client in api.get("/v1/clients").json["data"]["clients"]]


# --- what the triggers keep


def test_each_version_that_was_replaced_is_kept_whole(app, api):
    first = api.create(**WHOLE)
    second = api.put(first["id"], OTHER).json["data"]
    api.put(first["id"], {"notes": "third"})
    kept = rows(app, "SELECT version, json FROM client_history WHERE client_id = ? ORDER BY 1", first["id"])
    assert [(version, json.loads(text)) for version, text in kept] == [(1, first), (2, second)]


def test_the_version_that_was_deleted_is_kept_whole(app, api):
    client = api.create(**WHOLE)
    api.delete(client["id"])
    ((version, text, deleted),) = rows(app, "SELECT version, json, deleted FROM client_history")
    assert (version, json.loads(text), deleted) == (1, client, 1)


def test_a_change_by_another_program_is_kept_too(app, api):
    client = api.create(notes="old")
    with closing(sqlite3.connect(app.database.path)) as connection, connection:
        connection.execute("UPDATE clients SET notes = 'by hand', version = version + 1")
        connection.execute("DELETE FROM clients")
    kept = rows(app, "SELECT version, json ->> 'notes', deleted FROM client_history ORDER BY version")
    assert kept == [(1, "old", 0), (2, "by hand", 1)]
    api.get(f"/v1/clients/{client['id']}", 404)


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"notes": "x", "version": 7}, 409), ({"client_type": "x"}, 400)]
)
def test_a_change_that_was_refused_leaves_nothing(app, api, body, status):
    api.put(api.create()["id"], body, status)
    assert rows(app, "SELECT count(*) FROM client_history") == [(0,)]


# --- acare history


def test_the_history_tells_who_did_what_when_and_from_what_to_what(acare, changed):
    first, second, ana, bob = changed
    made, updated, deleted = events(acare, first["id"])
    assert made.pop("client") == {**first, "owner": "ana@example.com"}
    assert updated.pop("client") == deleted.pop("client") == {**second, "owner": "ana@example.com"}
    assert made == {
        "at": first["created_at"],
        "action": "created",
        "version": 1,
        "key": preview(ana.key),
        "user": "ana@example.com",
        "changes": {},
    }
    assert updated == {
        "at": second["updated_at"],
        "action": "updated",
        "version": 2,
        "key": preview(bob.key),
        "user": "bob@example.com",
        "changes": {"notes": ["old", "new"], "tags": [[], ["vip"]]},
    }
    assert deleted == {**updated, "at": deleted["at"], "action": "deleted", "changes": {}}
    assert deleted["at"] >= second["updated_at"]


def test_the_history_as_text_has_a_line_for_each_event_and_each_change(acare, changed):
    first, second, ana, bob = changed
    printed = acare("history", first["id"])
    lines = printed.out.splitlines()
    stored = [
        '    first_name: "Jordan"',
        '    last_name: "Lee"',
        '    client_type: "buyer"',
        '    status: "active"',
        "    pre_approved: false",
    ]
    assert lines[:11] == [
        "Jordan Lee, client of ana@example.com",
        f"{first['created_at']}  version 1  created by ana@example.com ({preview(ana.key)})",
        *stored,
        '    notes: "old"',
        f"{second['updated_at']}  version 2  updated by bob@example.com ({preview(bob.key)})",
        '    notes: "old" → "new"',
        '    tags: [] → ["vip"]',
    ]
    assert lines[11].endswith(f"version 2  deleted by bob@example.com ({preview(bob.key)})")
    assert lines[12:] == [*stored, '    notes: "new"', '    tags: ["vip"]']
    assert (printed.code, printed.err) == (0, "")


def test_a_line_break_in_a_value_makes_no_line_of_the_history(acare, api):
    client_id = api.create(notes="a")["id"]
    api.put(client_id, {"notes": "b\n2026-01-01T00:00:00.000Z  version 9  deleted by nobody"})
    assert [
        line for line in acare("history", client_id).out.splitlines() if line.startswith("2026-01-01")
    ] == []


def test_a_client_that_was_never_changed_has_a_history_of_one_event(acare, api):
    assert [event["action"] for event in events(acare, api.create()["id"])] == ["created"]


def test_a_client_of_others_is_not_in_the_history(acare, api):
    client_id, other = api.create()["id"], api.create(first_name="Somebody")["id"]
    api.put(other, {"first_name": "Else"})
    assert len(events(acare, client_id)) == 1


def test_what_the_operator_did_is_told_as_the_operators(acare, changed):
    acare("undelete", changed[0]["id"])
    last = events(acare, changed[0]["id"])[-1]
    assert (last["action"], last["version"], last["key"], last["user"]) == ("undeleted", 3, None, None)
    assert acare("history", changed[0]["id"]).out.splitlines()[-1].endswith("undeleted by the operator")


def test_the_history_goes_on_after_a_return(acare, api):
    client_id = api.create()["id"]
    for _ in range(2):
        api.delete(client_id)
        acare("undelete", client_id)
    api.put(client_id, {"phone": "1"})
    assert [(event["action"], event["version"]) for event in events(acare, client_id)] == [
        ("created", 1), ("deleted", 1), ("undeleted", 2), ("deleted", 2), ("undeleted", 3), ("updated", 4),
    ]  # fmt: skip


# --- unknown ids


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_id_is_told_in_one_line(acare, api, command):
    api.delete(api.create()["id"])
    code, out, err = acare(command, NOBODY)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert repr(NOBODY) in err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("client_id", ["x", "", "' OR 1 --", f"{NOBODY}0", "a" * 64])
def test_what_is_no_id_is_a_mistake_and_not_an_unknown_one(command, capsys, client_id):
    with pytest.raises(SystemExit) as ended:
        main([command, client_id])
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert "UUID" in printed.err


@pytest.mark.parametrize("spell", [str.upper, lambda parse_id: parse_id.replace("-", "")])
def test_an_id_may_be_spelt_as_over_the_api(acare, api, spell):
    client_id = api.create()["id"]
    assert acare("history", spell(client_id)).code == 0
    assert acare("erase", spell(client_id)).code == 0
    api.get(f"/v1/clients/{client_id}", status=404)


@pytest.mark.parametrize("command", COMMANDS)
def test_where_there_is_no_database_none_is_made(tmp_path, capsys, command):
    assert main([command, NOBODY, "--database", str(tmp_path / "none.db")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_is_there_cannot_be_brought_back(acare, api):
    client = api.create()
    assert acare("undelete", client["id"]).code == 1
    assert api.get(f"/v1/clients/{client['id']}").json["data"] == client


# --- acare undelete


@pytest.mark.parametrize("fields", [{}, WHOLE, OTHER, {"notes": "\"\\ 😀 \n\t'", "budget_min": 0.1}], ids=str)
def test_a_client_that_comes_back_is_as_it_was_at_the_next_version(acare, api, fields):
    client = api.create(**fields)
    api.delete(client["id"])
    acare("undelete", client["id"])
    back = api.get(f"/v1/clients/{client['id']}").json["data"]
    assert back == {**client, "version": 2, "updated_at": back["updated_at"]}
    assert back["updated_at"] > client["updated_at"]


def test_numbers_come_back_as_they_were_whole_or_not(acare, api):
    client_id = api.create(budget_min=1, budget_max=2.5, property_preferences={"a": 1.0, "b": 2**70})["id"]
    before = api.get(f"/v1/clients/{client_id}").text.partition('"version"')[0]
    api.delete(client_id)
    acare("undelete", client_id)
    assert api.get(f"/v1/clients/{client_id}").text.partition('"version"')[0] == before


def test_a_client_that_comes_back_stands_where_it_stood(acare, api):
    newest_first = [api.create()["id"] for _ in range(5)][::-1]
    for client_id in (newest_first[0], newest_first[2], newest_first[4]):
        api.delete(client_id)
        acare("undelete", client_id)
    assert ids(api) == newest_first


def test_a_client_that_comes_back_counts_again(acare, api):
    client_id = api.create(status="closed")["id"]
    api.delete(client_id)
    acare("undelete", client_id)
    assert api.get("/v1/clients?status=closed").json["data"]["meta"]["total"] == 1


def test_a_client_that_comes_back_belongs_to_whom_it_belonged(acare, caller):
    ana, bob = caller("ana@example.com", role="agent"), caller("bob@example.com", role="agent")
    client_id = ana.create()["id"]
    ana.delete(client_id)
    acare("undelete", client_id)
    ana.get(f"/v1/clients/{client_id}")
    bob.get(f"/v1/clients/{client_id}", 404)


def test_the_tag_of_before_the_deletion_does_not_hold_after_the_return(acare, api):
    client_id = api.create()["id"]
    api.delete(client_id)
    acare("undelete", client_id)
    api.put(client_id, {"notes": "x", "version": 1}, 409)
    api.put(client_id, {"notes": "x", "version": 2})


def test_over_the_api_a_deletion_is_final(api):
    client = api.create()
    path = f"/v1/clients/{client['id']}"
    api.delete(client["id"])
    for method in ("GET", "PUT", "DELETE"):
        headers = {**api.headers, "Content-Type": "application/json"}
        body = json.dumps(client).encode() if method == "PUT" else b""
        api.web.request(path, method=method, headers=headers, body=body, status=404)
    assert api.create(id=client["id"])["id"] != client["id"]
    assert len(ids(api)) == 1


# --- acare purge


def age(app, days, version):
    statement = "UPDATE client_history SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"
    values = (f"-{days} days", version)
    app.database.write(lambda c: c.execute(f"{statement} WHERE version = ?", values).fetchall())


def test_what_ended_longer_ago_is_purged_and_what_ended_since_is_not(acare, app, api):
    client_id = api.create()["id"]
    for version in (1, 2, 3):
        api.put(client_id, {"notes": str(version)})
    age(app, 31, 1)
    age(app, 29, 2)
    assert acare("purge", "--older-than", "30") == (0, "Purged 1 old versions.\n", "")
    assert rows(app, "SELECT version FROM client_history ORDER BY version") == [(2,), (3,)]


def test_a_purge_leaves_every_client_as_it_is(acare, app, api):
    client_id = api.create()["id"]
    now = api.put(client_id, {"notes": "x"}).json["data"]
    age(app, 9, 1)
    acare("purge", "--older-than", "1")
    assert api.get(f"/v1/clients/{client_id}").json["data"] == now
    assert [event["version"] for event in events(acare, client_id)] == [2]


def test_a_client_whose_deletion_was_purged_does_not_come_back(acare, app, api):
    client_id = api.create()["id"]
    api.delete(client_id)
    age(app, 9, 1)
    acare("purge", "--older-than", "1")
    assert acare("undelete", client_id).code == 1


@pytest.mark.parametrize("days", ["-1", "1.5", "", "many", "999999", "1 day", "٣"])
def test_days_that_are_none_are_a_mistake(acare, capsys, days):
    with pytest.raises(SystemExit) as ended:
        acare("purge", "--older-than", days)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_purge_without_an_age_is_a_mistake(acare):
    with pytest.raises(SystemExit) as ended:
        acare("purge")
    assert ended.value.code == 2


# --- acare erase


def remains(folder, name=NAME):
    """The files in which the name still stands."""
    return [path.name for path in folder.iterdir() if name.encode() in path.read_bytes()]


def post_with_retry_key(api, key="k", **fields):
    headers = {**api.headers, "Idempotency-Key": key}
    return api.web.post_json("/v1/clients", {**JORDAN, **fields}, headers=headers, status=201)


def test_whoever_is_erased_is_gone_from_clients_history_and_stored_answers(acare, app, api):
    client_id = post_with_retry_key(api, first_name=NAME).json["data"]["id"]
    api.put(client_id, {"notes": NAME})
    api.delete(client_id)
    acare("undelete", client_id)
    printed = acare("erase", client_id)
    assert (printed.code, printed.out) == (0, f"Client {client_id} is erased.\n")
    for table, column in (
        ("clients", "id"),
        ("client_history", "client_id"),
        ("idempotency_keys", "client_id"),
    ):
        assert rows(app, f"SELECT count(*) FROM {table} WHERE {column} = ?", client_id) == [(0,)]


def test_others_are_as_they_were(acare, app, api):
    others = [post_with_retry_key(api, f"k{n}").json["data"] for n in range(3)]
    api.put(others[0]["id"], {"notes": "x"})
    before = [
        rows(app, f"SELECT * FROM {table}") for table in ("clients", "client_history", "idempotency_keys")
    ]
    acare("erase", post_with_retry_key(api, first_name=NAME).json["data"]["id"])
    after = [
        rows(app, f"SELECT * FROM {table}") for table in ("clients", "client_history", "idempotency_keys")
    ]
    assert after == before
    assert api.get("/v1/clients").json["data"]["meta"]["total"] == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_of_whoever_was_erased_nothing_is_remembered(acare, api, command):
    client_id = api.create(first_name=NAME)["id"]
    acare("erase", client_id)
    assert acare(command, client_id).code == 1
    api.get(f"/v1/clients/{client_id}", 404)


def test_after_an_erasure_the_retry_key_makes_a_new_client(acare, api):
    first = post_with_retry_key(api, first_name=NAME)
    acare("erase", first.json["data"]["id"])
    again = post_with_retry_key(api, first_name=NAME)
    assert "Idempotent-Replayed" not in again.headers


def test_it_says_that_backups_still_have_it(acare, api):
    assert "Backups" in acare("erase", api.create()["id"]).err


@pytest.mark.parametrize("length", [0, 10, 3900, 10_000])
@pytest.mark.parametrize("checkpoint", [True, False])
def test_the_name_is_in_no_file_any_more(acare, app, api, tmp_path, length, checkpoint):
    api.create()
    client_id = post_with_retry_key(api, first_name=NAME, notes="n" * length).json["data"]["id"]
    api.put(client_id, {"tags": [NAME] * 50})
    api.put(client_id, {"tags": []})
    assert remains(tmp_path)
    if checkpoint:
        app.database.rewrite()
    acare("erase", client_id)
    assert remains(tmp_path) == []


def live(database, seed, others, changes):
    """Clients come, change between short and long, and go; the id of the one who is to be forgotten."""
    chance = random.Random(seed)
    clients = ClientStore(database, new_id=lambda: UUID(int=chance.getrandbits(128)))
    KeyStore(database).create("ana@example.com", {})
    with database.read() as connection:
        ((user,),) = connection.execute("SELECT id FROM users").fetchall()
    broker = operator_for(user, "broker")

    def body(name):
        notes = "-" * chance.choice([0, 50, 200, 600, 1000, 1500, 2000, 3000, 5000])
        return {**JORDAN, "first_name": name, "notes": notes}

    def create(name):
        return clients.create(broker, clean_new(body(name))).id

    present, person = [], None
    for number in range(others + 1):
        if number == others // 2:
            person = create(NAME)
        else:
            present.append(create("Other"))
    for _ in range(changes):
        dice = chance.random()
        if dice < 0.4:
            clients.update(broker, person, clean_update(body(NAME))[0])
        elif dice < 0.8:
            clients.update(broker, chance.choice(present), clean_update(body("Other"))[0])
        elif dice < 0.9 and len(present) > 1:
            clients.delete(broker, present.pop(chance.randrange(len(present))))
        elif dice < 0.95:
            clients.delete(broker, person)
            HistoryStore(database).undelete(person)
        else:
            present.append(create("New"))
    return person


# With SQLite 3.46 these leave the name in a page's unused space: it moved to another page when one was
# split, and neither a deletion nor secure_delete reaches what it left behind.
@pytest.mark.parametrize(
    ("seed", "others", "changes"), [(32, 4, 80), (460, 12, 20), (826, 30, 20), (1508, 12, 20), (7, 30, 80)]
)
def test_what_moved_from_page_to_page_is_in_no_file_any_more(tmp_path, seed, others, changes):
    with closing(Database(tmp_path / "acare.db")) as database:
        person = live(database, seed, others, changes)
        HistoryStore(database).erase(person)
        assert remains(tmp_path) == []
        with database.read() as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_while_somebody_reads_an_old_snapshot_an_erasure_is_not_said_to_be_done(
    acare, app, api, tmp_path, monkeypatch
):
    """The log cannot be cut then; the same command does it when they are done."""
    monkeypatch.setattr(options, "Database", functools.partial(Database, busy_seconds=0.05))
    client_id = api.create(first_name=NAME)["id"]
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM clients").fetchall()
        code, out, err = acare("erase", client_id)
        assert (code, out, err.count("\n")) == (1, "", 1)
    acare("erase", client_id)
    assert remains(tmp_path) == []


# --- while a server runs


def test_all_of_it_works_while_a_server_runs_on_the_file(start, tmp_path):
    server = start("--rate-limit", "off")

    def ask(method, path, body=None):
        headers = {"X-API-Key": server.key, "Content-Type": "application/json"}
        data = body and json.dumps(body).encode()
        request = urllib.request.Request(server.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def run(*arguments):
        command = [sys.executable, "-m", "acare", *arguments, "--database", "served.db"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
        return done.stdout

    client_id = ask("POST", "/v1/clients", {**JORDAN, "first_name": NAME})[1]["data"]["id"]
    path = f"/v1/clients/{client_id}"
    assert ask("DELETE", path)[0] == 200
    assert "deleted by broker@localhost" in run("history", client_id)
    run("undelete", client_id)
    assert ask("GET", path)[1]["data"]["version"] == 2
    assert ask("PUT", path, {"notes": "x", "version": 2})[0] == 200
    run("erase", client_id)
    assert ask("GET", path)[0] == 404
    assert remains(tmp_path) == []
    assert ask("POST", "/v1/clients", JORDAN)[0] == 201


def test_an_erasure_among_writes_harms_none_of_them(app, api, acare, tmp_path):
    person, written, stop = api.create(first_name=NAME)["id"], [], threading.Event()

    def write(caller):
        while not stop.is_set():
            written.append(caller.create()["id"])

    threads = [threading.Thread(target=write, args=(Api(app, api.key),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert acare("erase", person).code == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert remains(tmp_path) == []
    assert rows(app, "SELECT count(*) FROM clients") == [(len(written),)]
