"""The history of clients as the commands show it: who changed what, restoring, purging and erasing."""

import json
from types import SimpleNamespace

import pytest
from support import command
from support.clients import new
from support.data import JORDAN, OTHER
from support.files import files_with

from acare.auth import OPERATOR
from acare.store import purging

NAME = "Zaphodina"  # of the person to erase


@pytest.fixture
def acare(app):
    """Runs a command on the app's database, while the app has it open."""
    return lambda *arguments: command.run(*arguments, "--database", app.database.path)


TABLES = ("clients", "client_history", "idempotency_keys")


def rows(app, statement, *values):
    with app.database.read() as connection:
        return connection.execute(statement, values).fetchall()


def ids(api):
    return [client["id"] for client in api.get("/v1/clients").json["data"]["clients"]]


def test_the_tables_about_a_client_are_known(app):
    """acare history shows their rows, and acare erase deletes them. The others have no data of the person."""
    tables = "pragma_table_list AS tables, pragma_table_info(tables.name) AS columns"
    named = rows(
        app, f"SELECT tables.name FROM {tables} WHERE tables.type = 'table' AND columns.name = 'client_id'"
    )
    others = {"client_changes", "erasures"}
    assert {"clients", *(name for (name,) in named)} == {*TABLES, *others}


# --- a deleted client


NUMBERS = {"budget_min": 1, "budget_max": 2.5, "property_preferences": {"a": 1.0, "b": 2**70}}


@pytest.mark.parametrize("fields", [OTHER, NUMBERS], ids=str)
def test_a_restored_client_has_all_fields_at_the_next_version(api, fields):
    client = api.create(**fields)
    text = api.get(f"/v1/clients/{client['id']}").text.partition('"version"')[0]
    api.delete(client["id"])
    api.post({}, 200, f"/v1/clients/{client['id']}/restore")
    answer = api.get(f"/v1/clients/{client['id']}")
    back = answer.json["data"]
    assert back == {**client, "version": 2, "updated_at": back["updated_at"]}
    assert (back["updated_at"] > client["updated_at"], answer.text.partition('"version"')[0]) == (True, text)
    api.put(client["id"], {"notes": "x", "version": 1}, 409)
    api.put(client["id"], {"notes": "x", "version": 2})


def test_a_restored_client_has_its_place_among_clients_of_one_time(acare, api, tmp_path):
    """All clients of one import can have it."""
    row = json.dumps({**JORDAN, "owner": "broker@example.com", "created_at": "2026-01-01T00:00:00.000Z"})
    (tmp_path / "in.jsonl").write_text(f"{row}\n" * 3)
    acare("import", tmp_path / "in.jsonl", "--on-duplicate", "create")
    newest, middle, oldest = ids(api)
    api.delete(middle)
    api.post({}, 200, f"/v1/clients/{middle}/restore")
    assert ids(api) == [newest, middle, oldest]


# --- acare purge


def age(app, days, version):
    statement = "UPDATE client_history SET ended_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"
    values = (f"-{days} days", version)
    app.database.write(lambda c: c.execute(f"{statement} WHERE version = ?", values).fetchall())


@pytest.mark.parametrize(
    ("ages", "left"),
    [({1: 31, 2: 29}, [2, 3]), ({2: 31}, [1, 2, 3])],
    ids=["in order", "the version 1 ended while the clock was ahead"],
)
def test_purge_deletes_the_oldest_versions_without_a_gap(acare, app, api, ages, left):
    client_id = api.create()["id"]
    for version in (1, 2, 3):
        api.put(client_id, {"notes": str(version)})
    for version, days in ages.items():
        age(app, days, version)
    assert acare("purge", "--keep-days", "30").out.startswith(f"Purged {3 - len(left)} old version")
    assert [
        version for (version,) in rows(app, "SELECT version FROM client_history ORDER BY version")
    ] == left


def test_a_purge_beside_writes_ends(store, user, database, sql, monkeypatch):
    """Others write between its steps, and each commit adds rows to the feed of changes."""
    for _ in range(8):
        store.delete(OPERATOR, store.create(user, new()).id)
    sql("UPDATE client_history SET ended_at = '2020-01-01T00:00:00.000Z'")
    pauses = iter(range(20))

    def write(seconds):
        next(pauses)
        for _ in range(5):
            store.delete(OPERATOR, store.create(user, new()).id)

    monkeypatch.setattr(purging, "ROWS", 3)
    monkeypatch.setattr(purging, "time", SimpleNamespace(sleep=write))
    assert purging.purge(database, 1) == 8
    assert next(pauses) > 2


# --- acare erase


@pytest.mark.parametrize("length", [0, 10_000])
@pytest.mark.parametrize("checkpoint", [True, False])
def test_the_name_is_in_no_file_any_more(acare, app, api, tmp_path, length, checkpoint):
    api.create()
    body = {**JORDAN, "first_name": NAME, "notes": "n" * length}
    client_id = api.ask("POST", "/v1/clients", body, 201, Idempotency_Key="k").json["data"]["id"]
    api.put(client_id, {"tags": [NAME] * 50})
    api.put(client_id, {"tags": []})
    assert files_with(tmp_path, NAME)
    if checkpoint:
        app.database.empty_wal()
    acare("erase", "--yes", client_id)
    assert files_with(tmp_path, NAME) == []
