"""The five operations, as a program that was written for the hosted API sees them."""

import itertools
import json
import re

import pytest
from support.client import Api
from support.data import JORDAN

import acare

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOBODY = "550e8400-e29b-41d4-a716-446655440000"

UNSET = {
    "email": None,
    "phone": None,
    "status": "active",
    "source": None,
    "budget_min": None,
    "budget_max": None,
    "preferred_locations": [],
    "property_preferences": {},
    "pre_approved": False,
    "pre_approval_amount": None,
    "notes": None,
    "tags": [],
}
SET = {
    "email": "jordan.lee@example.com",
    "phone": "(661) 555-0142",
    "status": "inactive",
    "source": "Zillow",
    "budget_min": 350000,
    "budget_max": 475000.5,
    "preferred_locations": ["Bakersfield", "Delano"],
    "property_preferences": {"bedrooms_min": 3, "property_types": ["house"], "pool": {"heated": True}},
    "pre_approved": True,
    "pre_approval_amount": 460000,
    "notes": "First line.\nSecond line.",
    "tags": ["vip", "first-time"],
}
SERVERS = ("id", "user_id", "version", "created_at", "updated_at")
RECORD = {*JORDAN, *UNSET, *SERVERS}

STRANGE_TEXTS = [
    pytest.param("Zoë Ñandú 李小龙 مرحبا", id="unicode"),
    pytest.param("🏡👩‍👩‍👧", id="emoji"),
    pytest.param("\"double\" 'single' \\back\\ O'Brien", id="quotes"),
    pytest.param("<script>alert(1)</script> &amp; <b>", id="markup"),
    pytest.param("'; DROP TABLE clients; --", id="SQL"),
    pytest.param("\\u0041 \\n %00 {name} $1", id="escapes"),
    pytest.param("e\u0301 is not \u00e9", id="not normalized"),
]


def listed(api, query=""):
    return api.get(f"/v1/clients{query}").json["data"]


def meta(api, query=""):
    return listed(api, query)["meta"]


def names(api, query=""):
    return [client["first_name"] for client in listed(api, query)["clients"]]


def read(api, client_id):
    return api.get(f"/v1/clients/{client_id}").json["data"]


def without(record, *fields):
    return {name: value for name, value in record.items() if name not in fields}


def fill(api, *first_names):
    return [api.create(first_name=name) for name in first_names]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One app for all: see ``api``."""
    path = tmp_path_factory.mktemp("operations") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


@pytest.fixture
def api(caller, numbers=itertools.count()):  # noqa: B008 - it is meant to go on
    """An agent of its own for each test, who finds no clients but those that the test makes."""
    return caller(f"agent-{next(numbers)}@example.com", role="agent")


@pytest.fixture
def assorted(api):
    """One client of each type in each status, and one buyer more who is active."""
    for client_type in ("buyer", "seller", "both"):
        for status in ("active", "inactive", "closed"):
            api.create(client_type=client_type, status=status)
    api.create(client_type="buyer", status="active")
    return api


# --- the record


def test_the_record_has_twenty_fields():
    assert len(RECORD) == 20


def test_create_answers_with_the_whole_record(api):
    assert api.post(JORDAN).json["data"].keys() == RECORD


def test_get_answers_with_the_whole_record(api):
    assert read(api, api.create()["id"]).keys() == RECORD


def test_update_answers_with_the_whole_record(api):
    assert api.put(api.create()["id"], {"email": "a@b"}).json["data"].keys() == RECORD


def test_each_item_of_a_list_is_the_whole_record(api):
    clients = [api.create(**SET), api.create()]
    assert listed(api)["clients"] == clients[::-1]


def test_what_is_not_sent_at_creation_is_unset(api):
    client = api.create()
    assert {name: client[name] for name in UNSET} == UNSET


def test_every_writable_field_is_taken_at_creation(api):
    client = api.create(**SET)
    assert {name: client[name] for name in SET} == SET


def test_every_writable_field_is_taken_in_an_update(api):
    sent = {**SET, "first_name": "Sam", "last_name": "Ortiz", "client_type": "both"}
    client = api.put(api.create()["id"], sent).json["data"]
    assert {name: client[name] for name in sent} == sent


def test_what_was_answered_at_creation_is_what_is_read(api):
    client = api.create(**SET)
    assert read(api, client["id"]) == client


def test_what_was_answered_to_an_update_is_what_is_read(api):
    client = api.put(api.create()["id"], SET).json["data"]
    assert read(api, client["id"]) == client


def test_the_ids_are_uuids(api):
    client = api.create()
    assert UUID.fullmatch(client["id"])
    assert UUID.fullmatch(client["user_id"])


def test_a_client_belongs_to_the_user_of_the_key(app):
    key = app.keys.create("ana@example.com", {"clients": ["write"]})
    assert Api(app, key.key).create()["user_id"] == key.user_id


def test_the_times_are_utc_with_milliseconds(api):
    client = api.create()
    assert TIMESTAMP.fullmatch(client["created_at"])
    assert TIMESTAMP.fullmatch(client["updated_at"])


def test_a_new_client_is_at_version_1_and_was_updated_when_it_was_created(api):
    client = api.create()
    assert (client["version"], client["updated_at"]) == (1, client["created_at"])


@pytest.mark.parametrize("text", STRANGE_TEXTS)
@pytest.mark.parametrize("field", ["first_name", "last_name", "source", "notes"])
def test_text_is_stored_as_it_was_sent(api, field, text):
    assert read(api, api.create(**{field: text})["id"])[field] == text


@pytest.mark.parametrize("text", STRANGE_TEXTS)
def test_text_in_lists_and_objects_is_stored_as_it_was_sent(api, text):
    sent = {"tags": [text], "preferred_locations": [text], "property_preferences": {text: [text]}}
    client = api.create(**sent)
    assert {name: client[name] for name in sent} == sent


def test_text_that_came_as_plain_utf8_goes_as_plain_utf8(api):
    body = json.dumps({**JORDAN, "first_name": "Zoë 🏡"}, ensure_ascii=False).encode()
    headers = {**api.headers, "Content-Type": "application/json"}
    answer = api.web.post("/v1/clients", body, headers, status=201)
    assert "Zoë 🏡".encode() in answer.body


@pytest.mark.parametrize("field", ["first_name", "last_name", "phone", "source"])
def test_a_single_line_loses_the_white_space_around_it(api, field):
    assert api.create(**{field: " \u00a0 1 2 \u3000 "})[field] == "1 2"


def test_an_email_loses_the_white_space_around_it(api):
    assert api.create(email="  jordan@example.com ")["email"] == "jordan@example.com"


@pytest.mark.parametrize("field", ["tags", "preferred_locations"])
def test_an_item_of_a_list_loses_the_white_space_around_it(api, field):
    assert api.create(**{field: ["  Oak Park  "]})[field] == ["Oak Park"]


def test_notes_keep_their_line_breaks_and_white_space(api):
    assert api.create(notes="  a\r\n\tb\n")["notes"] == "  a\r\n\tb\n"


@pytest.mark.parametrize("field", ["email", "phone", "source", "notes"])
def test_an_empty_text_in_an_optional_field_is_null(api, field):
    assert api.create(**{field: ""})[field] is None


@pytest.mark.parametrize("field", ["email", "phone", "source", "notes"])
def test_an_empty_text_in_an_update_clears_the_field(api, field):
    client = api.create(**SET)
    assert api.put(client["id"], {field: ""}).json["data"][field] is None


@pytest.mark.parametrize("field", ["email", "phone", "source"])
def test_a_single_line_of_white_space_alone_is_null(api, field):
    assert api.create(**{field: "   "})[field] is None


@pytest.mark.parametrize("field", ["budget_min", "budget_max", "pre_approval_amount"])
@pytest.mark.parametrize("amount", [0, 350000, 10**12, 0.5, 350000.0, 350000.25])
def test_an_integer_stays_an_integer_and_a_fraction_a_fraction(api, field, amount):
    stored = read(api, api.create(**{field: amount})["id"])[field]
    assert (stored, type(stored)) == (amount, type(amount))


def test_numbers_in_preferences_stay_as_they_were_sent(api):
    sent = {"bedrooms_min": 3, "bathrooms_min": 2.5, "square_feet_min": 1800.0, "big": 10**30}
    assert json.dumps(api.create(property_preferences=sent)["property_preferences"]) == json.dumps(sent)


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_stays_a_boolean(api, value):
    assert read(api, api.create(pre_approved=value)["id"])["pre_approved"] is value


def test_unknown_preferences_are_kept(api):
    sent = {"garage": True, "schools": [{"name": "North", "rating": 8}], "view": None}
    assert api.create(property_preferences=sent)["property_preferences"] == sent


def test_an_email_need_not_be_unique(api):
    assert api.create(email="a@example.com")["id"] != api.create(email="a@example.com")["id"]


# --- list


def test_a_list_of_nothing_at_all_is_all_zeros(api):
    assert listed(api) == {
        "clients": [],
        "meta": {"page": 1, "limit": 25, "total": 0, "totalPages": 0, "hasMore": False},
    }


def test_a_list_is_newest_first(api):
    fill(api, "Ana", "Bea", "Cid")
    assert names(api) == ["Cid", "Bea", "Ana"]


def test_an_update_does_not_move_a_client_in_the_list(api):
    first, *_ = fill(api, "Ana", "Bea")
    api.put(first["id"], {"email": "ana@example.com"})
    assert names(api) == ["Bea", "Ana"]


def test_a_page_has_25_clients_unless_told_otherwise(api):
    fill(api, *map(str, range(26)))
    assert names(api) == [str(n) for n in range(25, 0, -1)]


@pytest.mark.parametrize(
    ("page", "expected", "has_more"),
    [(1, ["6", "5", "4"], True), (2, ["3", "2", "1"], True), (3, ["0"], False), (4, [], False)],
)
def test_pages_follow_each_other_without_gap_or_overlap(api, page, expected, has_more):
    fill(api, *"0123456")
    assert names(api, f"?limit=3&page={page}") == expected
    assert meta(api, f"?limit=3&page={page}") == {
        "page": page,
        "limit": 3,
        "total": 7,
        "totalPages": 3,
        "hasMore": has_more,
    }


def test_a_last_page_that_is_full_has_no_more(api):
    fill(api, *"0123")
    assert meta(api, "?limit=2&page=2") == {
        "page": 2,
        "limit": 2,
        "total": 4,
        "totalPages": 2,
        "hasMore": False,
    }


@pytest.mark.parametrize("page", [2, 10**6, 2**63, 10**22])
def test_a_page_past_the_end_is_empty(api, page):
    api.create()
    assert listed(api, f"?page={page}") == {
        "clients": [],
        "meta": {"page": page, "limit": 25, "total": 1, "totalPages": 1, "hasMore": False},
    }


@pytest.mark.parametrize("limit", [1, 99, 100])
def test_a_limit_up_to_100_holds(api, limit):
    assert meta(api, f"?limit={limit}")["limit"] == limit


@pytest.mark.parametrize("limit", [101, 1000, 10**22])
def test_a_limit_over_100_is_answered_with_100(api, limit):
    fill(api, *map(str, range(101)))
    answer = listed(api, f"?limit={limit}")
    assert len(answer["clients"]) == 100
    assert answer["meta"] == {"page": 1, "limit": 100, "total": 101, "totalPages": 2, "hasMore": True}


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", 10),
        ("?client_type=buyer", 4),
        ("?client_type=seller", 3),
        ("?client_type=both", 3),
        ("?status=active", 4),
        ("?status=inactive", 3),
        ("?status=closed", 3),
        ("?client_type=buyer&status=active", 2),
        ("?client_type=both&status=closed", 1),
    ],
)
def test_a_list_has_what_its_filters_let_through(assorted, query, total):
    wanted = dict(re.findall(r"(\w+)=(\w+)", query))
    answer = listed(assorted, query)
    assert (len(answer["clients"]), answer["meta"]["total"]) == (total, total)
    assert all(client.items() >= wanted.items() for client in answer["clients"])


def test_the_totals_count_after_the_filters(assorted):
    assert meta(assorted, "?client_type=buyer&limit=3") == {
        "page": 1,
        "limit": 3,
        "total": 4,
        "totalPages": 2,
        "hasMore": True,
    }


def test_filters_that_let_nothing_through_give_all_zeros(api):
    api.create(client_type="buyer")
    assert meta(api, "?client_type=seller") == {
        "page": 1,
        "limit": 25,
        "total": 0,
        "totalPages": 0,
        "hasMore": False,
    }


def test_a_client_that_changes_its_type_and_status_changes_the_totals(api):
    client = api.create(client_type="buyer", status="active")
    api.put(client["id"], {"client_type": "seller", "status": "closed"})
    assert meta(api, "?client_type=buyer&status=active")["total"] == 0
    assert meta(api, "?client_type=seller&status=closed")["total"] == 1


def test_a_deleted_client_leaves_the_list_and_the_total(api):
    _, gone, _ = fill(api, "Ana", "Bea", "Cid")
    api.delete(gone["id"])
    assert names(api) == ["Cid", "Ana"]
    assert meta(api)["total"] == 2


@pytest.mark.parametrize("query", ["?page=", "?limit=", "?client_type=", "?status=", "?page=&status="])
def test_a_blank_value_in_a_query_is_no_value(api, query):
    api.create()
    assert listed(api, query) == listed(api)


@pytest.mark.parametrize(
    "query", ["?sort=email", "?search=X", "?Page=2", "?clientType=seller", "?first_name=X"]
)
def test_unknown_parameters_are_ignored(api, query):
    api.create()
    assert listed(api, query) == listed(api)


# --- create


def test_create_says_where_the_client_is(api):
    answer = api.post(JORDAN)
    assert answer.headers["Location"] == f"/v1/clients/{answer.json['data']['id']}"


def test_create_says_where_the_client_is_below_the_path_that_the_app_is_mounted_at(api):
    below = {"SCRIPT_NAME": "/intranet"}
    answer = api.web.post_json("/v1/clients", JORDAN, headers=api.headers, extra_environ=below, status=201)
    assert answer.headers["Location"] == f"/intranet/v1/clients/{answer.json['data']['id']}"


def test_two_clients_that_are_alike_are_two_clients(api):
    assert api.create()["id"] != api.create()["id"]
    assert meta(api)["total"] == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", NOBODY),
        ("user_id", NOBODY),
        ("version", 7),
        ("version", "seven"),
        ("created_at", "2001-01-01T00:00:00.000Z"),
        ("updated_at", None),
    ],
)
def test_the_servers_fields_are_ignored_at_creation(api, field, value):
    client = api.create(**{field: value})
    assert client[field] != value
    assert client["version"] == 1


def test_unknown_fields_are_ignored_at_creation(api):
    assert api.create(nickname="Jo", json="{}").keys() == RECORD


@pytest.mark.parametrize("field", UNSET)
def test_null_at_creation_is_the_unset_value(api, field):
    assert api.create(**{field: None})[field] == UNSET[field]


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_json_body_may_be_declared_in_other_words(api, content_type):
    headers = {**api.headers, "Content-Type": content_type}
    api.web.post("/v1/clients", json.dumps(JORDAN), headers, status=201)


# --- get


def test_get_answers_404_for_nobody(api):
    assert api.get(f"/v1/clients/{NOBODY}", status=404).json["error"]["message"] == "Client not found."


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.replace("-", "")], ids=["upper", "no hyphen"])
def test_an_id_in_another_spelling_finds_the_same_client(api, spell):
    client = api.create()
    assert read(api, spell(client["id"])) == client


def test_an_update_and_a_delete_take_an_id_in_another_spelling(api):
    client_id = api.create()["id"]
    assert api.put(client_id.upper(), {"email": "a@b"}).json["data"]["id"] == client_id
    api.delete(client_id.replace("-", ""))
    api.get(f"/v1/clients/{client_id}", status=404)


# --- update


@pytest.mark.parametrize("field", SET)
def test_an_update_changes_what_was_sent_and_nothing_else(api, field):
    before = api.create(**SET)
    other = {**SET, **UNSET, "email": "b@c", "budget_min": 1, "status": "closed"}[field]
    after = api.put(before["id"], {field: other}).json["data"]
    changed = (field, "version", "updated_at")
    assert after[field] == other
    assert without(after, *changed) == without(before, *changed)


def test_preferences_are_replaced_not_merged(api):
    client = api.create(property_preferences={"bedrooms_min": 3, "pool": True})
    changed = api.put(client["id"], {"property_preferences": {"pool": False}}).json["data"]
    assert changed["property_preferences"] == {"pool": False}


def test_each_update_adds_one_to_the_version(api):
    client_id = api.create()["id"]
    assert [api.put(client_id, {"notes": "x"}).json["data"]["version"] for _ in range(3)] == [2, 3, 4]


def test_an_update_keeps_created_at_and_never_sets_updated_at_back(api):
    before = api.create()
    after = api.put(before["id"], {"notes": "x"}).json["data"]
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] >= before["updated_at"]


def test_updated_at_is_the_time_of_the_update(app, api):
    client_id = api.create()["id"]
    statement = "UPDATE clients SET created_at = ?1, updated_at = ?1 WHERE id = ?2"
    app.database.write(lambda c: c.execute(statement, ["2001-01-01T00:00:00.000Z", client_id]))
    assert api.put(client_id, {"notes": "x"}).json["data"]["updated_at"] > "2020"


def test_an_update_without_version_wins_over_what_came_before(api):
    client_id = api.create()["id"]
    api.put(client_id, {"email": "first@example.com"})
    assert api.put(client_id, {"email": "last@example.com"}).json["data"]["email"] == "last@example.com"


def test_an_update_with_the_records_version_is_written(api):
    client = api.create()
    assert api.put(client["id"], {"email": "a@b", "version": 1}).json["data"]["version"] == 2


@pytest.mark.parametrize("field", SET)
def test_a_stale_version_is_409_whichever_field_is_sent(api, field):
    client_id = api.create()["id"]
    api.put(client_id, {"notes": "somebody else"})
    error = api.put(client_id, {field: SET[field], "version": 1}, status=409).json["error"]
    assert error["code"] == "VERSION_CONFLICT"
    assert error["details"].items() >= {"currentVersion": 2, "attemptedVersion": 1}.items()


@pytest.mark.parametrize("version", [2, 3, 2**31, 2**63 - 1, 2**63, 10**30])
def test_a_version_from_the_future_is_409(api, version):
    error = api.put(api.create()["id"], {"notes": "x", "version": version}, status=409).json["error"]
    assert error["details"].items() >= {"currentVersion": 1, "attemptedVersion": version}.items()


def test_nothing_is_written_at_a_conflict(api):
    client_id = api.create()["id"]
    current = api.put(client_id, {"notes": "somebody else"}).json["data"]
    api.put(client_id, {"notes": "mine", "version": 1}, status=409)
    assert read(api, client_id) == current


def test_an_update_whose_if_match_does_not_hold_is_412_and_writes_nothing(api):
    client_id = api.create()["id"]
    current = api.put(client_id, {"notes": "somebody else"}).json["data"]
    headers = {**api.headers, "If-Match": '"1"'}
    api.web.put_json(f"/v1/clients/{client_id}", {"notes": "mine"}, headers=headers, status=412)
    assert read(api, client_id) == current


def test_of_two_updates_with_one_version_the_first_wins(api):
    client_id = api.create()["id"]
    api.put(client_id, {"notes": "first", "version": 1})
    api.put(client_id, {"notes": "second", "version": 1}, status=409)
    assert read(api, client_id)["notes"] == "first"


def test_a_record_that_was_read_can_be_sent_back_whole(api):
    record = read(api, api.create(**SET)["id"])
    answered = api.put(record["id"], record).json["data"]
    assert answered["version"] == 2
    assert without(answered, "version", "updated_at") == without(record, "version", "updated_at")


def test_a_record_that_was_read_can_be_changed_and_sent_back_whole_once(api):
    record = {**read(api, api.create(**SET)["id"]), "notes": "changed"}
    api.put(record["id"], record)
    api.put(record["id"], record, status=409)


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", NOBODY), ("user_id", NOBODY), ("created_at", "2001-01-01T00:00:00.000Z"), ("updated_at", None)],
)
def test_the_servers_fields_are_ignored_in_an_update(api, field, value):
    before = api.create()
    after = api.put(before["id"], {"notes": "x", field: value}).json["data"]
    assert after[field] != value
    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])


def test_unknown_fields_are_ignored_in_an_update(api):
    assert api.put(api.create()["id"], {"notes": "x", "nickname": "Jo"}).json["data"].keys() == RECORD


@pytest.mark.parametrize("field", UNSET)
def test_null_in_an_update_clears_to_the_unset_value(api, field):
    assert api.put(api.create(**SET)["id"], {field: None}).json["data"][field] == UNSET[field]


def test_an_update_that_changes_nothing_counts_as_one(api):
    client = api.create(notes="x")
    assert api.put(client["id"], {"notes": "x"}).json["data"]["version"] == 2


def test_update_answers_404_for_nobody(api):
    assert api.put(NOBODY, {"notes": "x"}, status=404).json["error"]["message"] == "Client not found."


# --- delete


def test_delete_answers_an_empty_object(api):
    assert api.delete(api.create()["id"]).json["data"] == {}


def test_a_deleted_client_is_404_from_then_on(api):
    client_id = api.create()["id"]
    api.delete(client_id)
    api.get(f"/v1/clients/{client_id}", status=404)
    api.put(client_id, {"notes": "x"}, status=404)
    api.put(client_id, {"notes": "x", "version": 1}, status=404)
    api.delete(client_id, status=404)


def test_delete_deletes_that_client_alone(api):
    kept, gone = fill(api, "Ana", "Bea")
    api.delete(gone["id"])
    assert listed(api)["clients"] == [kept]


def test_delete_needs_no_version_and_does_not_read_a_body(api):
    client_id = api.create()["id"]
    api.web.delete(f"/v1/clients/{client_id}", "{", headers=api.headers, status=200)


# --- HEAD, and what lies outside /v1


PATHS = ["/v1/clients", "/v1/clients?limit=1", "/v1/clients/{id}", "/healthz", "/readyz"]


@pytest.mark.parametrize("path", PATHS)
def test_head_answers_like_get_but_without_a_body(api, path):
    path = path.format(id=api.create(first_name="Zoë")["id"])
    head, get = api.head(path), api.get(path)
    assert head.body == b""
    assert (head.headers["Content-Length"], head.content_type) == (str(len(get.body)), get.content_type)


def test_head_answers_404_for_nobody(api):
    assert api.head(f"/v1/clients/{NOBODY}", status=404).body == b""


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_key_and_has_no_limit(tmp_path, path):
    with acare.create_app(database=tmp_path / "one.db", rate_limit="1/900", clock=lambda: 0) as app:
        nobody = Api(app, None)
        answers = [nobody.get(path) for _ in range(3)]
    assert not any(name.startswith("RateLimit") for answer in answers for name in answer.headers)


def test_readyz_is_503_while_the_server_is_stopping(app, monkeypatch):
    monkeypatch.setattr(app, "draining", True)
    assert Api(app, None).get("/readyz", status=503).json["error"]["code"] == "SERVICE_UNAVAILABLE"
    Api(app, None).get("/healthz")
