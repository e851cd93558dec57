"""A conflict names the changed fields, so that a program can merge without losing a change."""

import pytest
from support.client import app_fixture
from support.data import ALL_FIELDS, JORDAN, OTHER

from acare.fields import FIELDS

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
        "changedBy": "broker@example.com",
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
