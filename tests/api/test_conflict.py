"""A conflict explains itself, so that a program can merge by itself and nobody's change is lost."""

import json
import re
import threading
from pathlib import Path

import pytest
from support.data import JORDAN, OTHER, WHOLE

import acare
from acare.fields import FIELDS
from acare.store.history import HistoryStore

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One for all tests here: each makes its own clients."""
    with acare.create_app(database=tmp_path_factory.mktemp("conflict") / "acare.db", rate_limit="off") as app:
        yield app


# How a stale caller may say which version it has, and what is answered then.
WAYS = {
    "version": (409, "VERSION_CONFLICT", lambda version: ({"version": version}, {})),
    "If-Match": (412, "PRECONDITION_FAILED", lambda version: ({}, {"If-Match": f'"{version}"'})),
}


def refuse(api, client_id, way, version, method="PUT"):
    """The details of the refusal of a change by a caller that has ``version``."""
    status, code, say = WAYS[way]
    body, headers = say(version)
    answer = api.web.request(
        f"/v1/clients/{client_id}",
        method=method,
        headers={**api.headers, "Content-Type": "application/json", **headers},
        body=json.dumps({"notes": "mine", **body}).encode(),
        status=status,
    )
    assert answer.json["error"]["code"] == code
    return answer.json["error"]["details"]


@pytest.mark.parametrize("way", WAYS)
def test_it_tells_both_versions_what_changed_and_when(api, way):
    client_id = api.create()["id"]
    now = api.put(client_id, {"status": "closed", "tags": ["vip"]}).json["data"]
    assert refuse(api, client_id, way, 1) == {
        "currentVersion": 2,
        "attemptedVersion": 1,
        "changedFields": ["status", "tags"],
        "changedAt": now["updated_at"],
    }


def test_a_deletion_that_is_refused_tells_it_too(api):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    details = refuse(api, client_id, "If-Match", 1, "DELETE")
    assert (details["currentVersion"], details["changedFields"]) == (2, ["phone"])


@pytest.mark.parametrize("field", WHOLE)
def test_each_field_that_changed_is_named_and_no_other(api, field):
    client_id = api.create(**WHOLE)["id"]
    api.put(client_id, {field: OTHER[field]})
    assert refuse(api, client_id, "version", 1)["changedFields"] == [field]


def test_all_fields_can_be_named_at_once(api):
    client_id = api.create(**WHOLE)["id"]
    api.put(client_id, OTHER)
    assert refuse(api, client_id, "version", 1)["changedFields"] == [field.name for field in FIELDS]


@pytest.mark.parametrize(("version", "changed"), [(1, ["phone", "source"]), (2, ["source"])])
def test_changed_fields_are_since_the_callers_version(api, version, changed):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    api.put(client_id, {"source": "web"})
    assert refuse(api, client_id, "version", version)["changedFields"] == changed


def test_a_field_that_was_changed_back_is_not_named(api):
    client_id = api.create(notes="old")["id"]
    api.put(client_id, {"notes": "new", "phone": "1"})
    api.put(client_id, {"notes": "old"})
    assert refuse(api, client_id, "version", 1)["changedFields"] == ["phone"]


def test_an_update_that_changed_nothing_leaves_no_field_to_name(api):
    client_id = api.create()["id"]
    api.put(client_id, JORDAN)
    assert refuse(api, client_id, "version", 1)["changedFields"] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", [9, 10**17])
def test_of_a_version_that_never_was_nothing_is_known(api, way, version):
    details = refuse(api, api.create()["id"], way, version)
    assert (details["currentVersion"], details["attemptedVersion"]) == (1, version)
    assert details["changedFields"] is None


@pytest.mark.parametrize("tags", ["garbage", 'W/"1"', '""'])
def test_where_no_version_was_named_there_is_none_to_tell(api, tags):
    path, headers = f"/v1/clients/{api.create()['id']}", {**api.headers, "If-Match": tags}
    answer = api.web.put_json(path, {"notes": "x"}, headers=headers, status=412)
    details = answer.json["error"]["details"]
    assert (details["attemptedVersion"], details["changedFields"]) == (None, None)


def test_of_several_tags_the_latest_version_counts(api):
    client_id = api.create()["id"]
    for notes in "abc":
        api.put(client_id, {"notes": notes})
    headers = {**api.headers, "If-Match": '"3", "1"'}
    answer = api.web.put_json(f"/v1/clients/{client_id}", {"notes": "x"}, headers=headers, status=412)
    assert answer.json["error"]["details"]["attemptedVersion"] == 3


def test_versions_before_a_deletion_survive_undelete(app, api):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    api.delete(client_id)
    HistoryStore(app.database).undelete(client_id)
    details = refuse(api, client_id, "version", 1)
    assert (details["currentVersion"], details["changedFields"]) == (3, ["phone"])


def test_of_a_version_that_was_purged_nothing_is_known(app, api):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    app.database.write(lambda connection: connection.execute("UPDATE client_history SET ended_at = '2000'"))
    HistoryStore(app.database).purge(1)
    details = refuse(api, client_id, "version", 1)
    assert (details["currentVersion"], details["changedFields"]) == (2, None)


def test_changes_of_an_invisible_client_stay_hidden(api, caller):
    client_id = api.create()["id"]
    api.put(client_id, {"phone": "1"})
    answer = caller("ana@example.com", role="agent").put(client_id, {"notes": "x", "version": 1}, 404)
    assert "details" not in answer.json["error"]


# --- the loop that the README shows


def readme_functions(url, key):
    """``call`` and ``change`` as "Safe writes" shows them, for a server."""
    safe_writes = re.search(r"^## Safe writes$.*?^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    functions = safe_writes.split("\njordan = ")[0]
    names = {}
    exec(functions.replace("http://127.0.0.1:8080", url).replace("YOUR_API_KEY", key), names)
    return names["call"], names["change"]


@pytest.fixture
def loop(start):
    """A running server's collection, and the README's two functions for it."""
    server = start("--rate-limit", "off")
    return f"{server.url}/v1/clients", *readme_functions(server.url, server.key)


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
    barrier, failed = threading.Barrier(len(edits)), []

    def edit(field, make):
        barrier.wait()
        try:
            for n in range(1, 6):
                assert change(url, **{field: make(n)})[field] == make(n)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=edit, args=each) for each in edits.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    client = call("GET", url)["data"]
    assert {field: client[field] for field in edits} == {field: make(5) for field, make in edits.items()}
    assert client["version"] == 1 + 5 * len(edits)


def test_the_loop_stops_at_a_conflict_in_the_same_field(loop):
    collection, call, change = loop
    url = f"{collection}/{call('POST', collection, JORDAN)['data']['id']}"
    change.__globals__["call"] = lambda method, url, *rest: (
        call(method, url, *rest) if method == "PUT" else stale  # as if it had read before the other wrote
    )
    stale = call("GET", url)
    call("PUT", url, {"notes": "theirs"})
    with pytest.raises(RuntimeError, match="same field"):
        change(url, notes="mine")
    assert call("GET", url)["data"]["notes"] == "theirs"
