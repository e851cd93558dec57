"""``Prefer: handling=strict``: what is otherwise ignored is 400."""

import pytest
from support.client import Api, app_fixture, fields_of, full_key
from support.data import JORDAN

STRICT = {"Prefer": "handling=strict"}
COLLECTION = "/v1/clients"
app = app_fixture()


@pytest.fixture(scope="module")
def broker(app):
    return Api(app, full_key(app))


@pytest.mark.parametrize(
    ("header", "strict"),
    [
        ('handling="strict"', True),
        ("respond-async, wait=10,handling = strict ; foo=bar", True),
        ('foo="a\\",b", handling=strict', True),
        ("handling=lenient, handling=strict", False),
        ("foo; handling=strict", False),
        ('"' + "\\" * 5000, False),
    ],
)
def test_the_header_is_a_list_of_preferences(broker, header, strict):
    answer = broker.get(f"{COLLECTION}?color=red", "*", Prefer=header)
    applied = answer.headers.get("Preference-Applied") == "handling=strict"
    assert (answer.status_int == 400, applied) == (strict, strict)


@pytest.mark.parametrize("name", ["nickname", "id", "version", "created_at", "\ud800" * 200])
def test_a_create_has_only_fields_that_can_be_set(broker, name):
    answer = broker.ask("POST", COLLECTION, {**JORDAN, name: 1}, 400, **STRICT)
    assert fields_of(answer) == [name[:100].replace("\ud800", "?")]
    broker.ask("POST", COLLECTION, {**JORDAN, name: 1}, 201)


def test_a_record_can_be_read_changed_and_sent_back(broker):
    client = broker.create()
    sent = {**client, "notes": "x"}
    assert broker.ask("PUT", f"{COLLECTION}/{client['id']}", sent, **STRICT).json["data"]["version"] == 2


@pytest.mark.parametrize("name", ["id", "user_id", "created_at", "updated_at", "nickname"])
def test_another_value_in_a_field_of_the_server_is_400(broker, name):
    client = broker.create()
    path, sent = f"{COLLECTION}/{client['id']}", {**client, name: "x"}
    assert fields_of(broker.ask("PUT", path, sent, 400, **STRICT)) == [name]
    assert broker.get(path).json["data"] == client
    broker.ask("PUT", path, sent)


def test_a_stale_record_is_a_conflict(broker):
    client = broker.create()
    path = f"{COLLECTION}/{client['id']}"
    broker.put(client["id"], {"notes": "x"})
    broker.ask("PUT", path, {**client, "updated_at": "x"}, 409, **STRICT)
    del client["version"]
    broker.ask("PUT", path, {**client, "updated_at": "x"}, 412, If_Match='"1"', **STRICT)


@pytest.mark.parametrize("line", ["GET ", "DELETE ", "POST /restore"])
def test_a_body_that_would_be_ignored_is_400(broker, line):
    method, action = line.split(" ")
    path = f"{COLLECTION}/{broker.create()['id']}"
    if action:
        broker.ask("DELETE", path)
    assert fields_of(broker.ask(method, path + action, {"version": 1}, 400, **STRICT)) == ["body"]
    broker.ask(method, path + action, {"version": 1})
