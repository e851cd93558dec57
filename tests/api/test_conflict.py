"""A conflict names the changed fields, so that a program can merge without losing a change."""

import functools
import re
from pathlib import Path

import pytest
from support.client import app_fixture, at_once
from support.data import ALL_FIELDS, JORDAN, OTHER

from acare.fields import FIELDS
from acare.store.history import HistoryStore

README = (Path(__file__).resolve().parents[2] / "acare" / "api" / "README.md").read_text(encoding="utf-8")

app = app_fixture()


def refuse(api, client_id, lock, version):
    """The details of the error when a caller changes a client with a stale version or tag."""
    path, body = f"/v1/clients/{client_id}", {"notes": "mine"}
    if lock == "version":
        answer = api.ask("PUT", path, {**body, "version": version}, 409)
    else:
        answer = api.ask("PUT", path, body, 412, If_Match=f'"{version}"')
    return answer.json["error"]["details"]


def changed_fields(api, client_id, version=1):
    return refuse(api, client_id, "version", version)["changedFields"]


@pytest.mark.parametrize("lock", ["version", "If-Match"])
def test_details_have_versions_fields_and_time(api, lock):
    client_id = api.create()["id"]
    changed = api.put(client_id, {"status": "closed", "tags": ["vip"]}).json["data"]
    assert refuse(api, client_id, lock, 1) == {
        "currentVersion": 2,
        "attemptedVersion": 1,
        "changedFields": ["status", "tags"],
        "changedAt": changed["updated_at"],
    }


CHANGES = {
    # updates in order, and the fields that then differ from version 1
    "all fields": (ALL_FIELDS, [OTHER], [field.name for field in FIELDS]),
    "a field changed back": ({"notes": "a"}, [{"notes": "b", "phone": "1"}, {"notes": "a"}], ["phone"]),
    "an update that changed nothing": ({}, [JORDAN], []),
}


@pytest.mark.parametrize(("fields", "updates", "changed"), CHANGES.values(), ids=CHANGES)
def test_changed_fields_are_since_the_callers_version(api, fields, updates, changed):
    client_id = api.create(**fields)["id"]
    for update in updates:
        api.put(client_id, update)
    assert changed_fields(api, client_id) == changed


def test_a_version_that_never_existed_has_no_fields(api):
    details = refuse(api, api.create()["id"], "version", 10**17)
    assert (details["attemptedVersion"], details["changedFields"]) == (10**17, None)


@pytest.mark.parametrize(
    ("tags", "attempted", "changed"),
    [("garbage", None, None), ('W/"1"', None, None), ('""', None, None), ('"2", "1"', 2, ["notes"])],
)
def test_the_latest_version_that_was_named_counts(api, tags, attempted, changed):
    client_id = api.create()["id"]
    for notes in "ab":
        api.put(client_id, {"notes": notes})
    answer = api.ask("PUT", f"/v1/clients/{client_id}", {"notes": "x"}, 412, If_Match=tags)
    details = answer.json["error"]["details"]
    assert (details["attemptedVersion"], details["changedFields"]) == (attempted, changed)


def test_a_purged_version_has_no_fields(app, api):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    app.database.write(lambda connection: connection.execute("UPDATE client_history SET ended_at = '2000'"))
    HistoryStore(app.database).purge(1)
    assert changed_fields(api, client_id) is None


def test_changes_of_an_invisible_client_stay_hidden(api, caller):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    answer = caller("ana@example.com", role="agent").put(client_id, {"notes": "x", "version": 1}, 404)
    assert "details" not in answer.json["error"]


# --- the program in acare/api/README.md


@pytest.fixture
def loop(start):
    """The URL of a running server's collection, and the functions ``call`` and ``change`` of the program."""
    server = start("--rate-limit", "off")
    section = r"^## A program that loses no change$.*?^```python\n(.*?)^```$"
    functions = re.search(section, README, re.MULTILINE | re.DOTALL)[1].split("\njordan = ")[0]
    names = {}
    exec(functions.replace("http://127.0.0.1:8080", server.url).replace("YOUR_API_KEY", server.key), names)
    return f"{server.url}/v1/clients", names["call"], names["change"]


def test_eight_concurrent_edits_of_different_fields_succeed(loop):
    collection, call, change = loop
    url = f"{collection}/{call('POST', collection, JORDAN)['data']['id']}"
    edits = {
        "email": lambda n: f"jordan{n}@example.com",
        "phone": lambda n: f"555-{n}",
        "source": lambda n: f"source {n}",
        "notes": lambda n: f"notes {n}",
        "budget_max": lambda n: n,
        "tags": lambda n: [f"tag {n}"],
        "preferred_locations": lambda n: [f"place {n}"],
        "property_preferences": lambda n: {"bedrooms_min": n},
    }

    def edit(field, make):
        for n in range(1, 6):
            assert change(url, **{field: make(n)})[field] == make(n)

    at_once(*(functools.partial(edit, *each) for each in edits.items()))
    client = call("GET", url)["data"]
    assert {field: client[field] for field in edits} == {field: make(5) for field, make in edits.items()}
    assert client["version"] == 1 + 5 * len(edits)
