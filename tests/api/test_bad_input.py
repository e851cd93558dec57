"""What is refused, with which status, code and field; and that nothing is written then."""

import json

import pytest
from support.client import Api
from support.data import JORDAN

import acare

CODES = {
    400: "VALIDATION_ERROR",
    404: "NOT_FOUND",
    409: "VERSION_CONFLICT",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
MAX_BODY = 64 * 1024
NOBODY = "550e8400-e29b-41d4-a716-446655440000"


def dump(app):
    """Everything that is known about clients."""
    with app.database.read() as connection:
        return [
            connection.execute(statement).fetchall()
            for statement in ("SELECT * FROM clients ORDER BY seq", "SELECT * FROM client_totals")
        ]


def send(caller, method, path, body=b"", content_type="application/json", status=200):
    """A request with a body as it is: bytes, or a value that becomes JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {**caller.headers, "Content-Type": content_type}
    return caller.web.request(path, method=method, headers=headers, body=sent, status=status)


def create_with(field, value):
    return {**JORDAN, field: value}


def padded(size):
    """A client to create whose body is of exactly ``size`` bytes."""
    body = json.dumps({**JORDAN, "padding": ""}).encode()
    return body[:-2] + b"x" * (size - len(body)) + body[-2:]


def nested(depth, begin=b"[", end=b"]"):
    return begin * depth + end * depth


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One app for all, since nothing that is refused leaves a trace in it."""
    path = tmp_path_factory.mktemp("bad_input") / "acare.db"
    with acare.create_app(database=path, rate_limit="off") as app:
        yield app


@pytest.fixture(scope="module")
def agent(app):
    return Api(app, app.keys.create("ana@example.com", {"clients": ["read", "write"]}).key)


@pytest.fixture(scope="module")
def clients(app, agent):
    """Ids for the paths: a client of the agent's and one of another's."""
    other = Api(app, app.keys.create("bob@example.com", {"all": ["read", "write"]}).key)
    return {"mine": agent.create(budget_min=100, budget_max=200)["id"], "other": other.create()["id"]}


@pytest.fixture
def refused(app, agent, clients):
    """Sends what must be refused and gives its error; nothing may have changed."""

    def send_it(method, path, body=b"", content_type="application/json", status=400):
        before = dump(app)
        answer = send(agent, method, path.format(**clients), body, content_type, status)
        assert dump(app) == before
        assert answer.json["error"]["code"] == CODES[status]
        return answer.json["error"]

    return send_it


def fields_of(error):
    return [problem["field"] for problem in error["details"]]


# --- the body as a whole, for create and update alike: what is sent, and the status; 400 names "body"

BODIES = [
    pytest.param(b"{'first_name': 'Jordan'}", 400, id="not JSON"),
    pytest.param(b'{"notes": "x"', 400, id="JSON that ends early"),
    pytest.param(b'{"notes": "x"} {}', 400, id="JSON and more"),
    pytest.param(b'{"notes": "x",}', 400, id="a comma too much"),
    pytest.param(b"[]", 400, id="a list"),
    pytest.param(b"null", 400, id="null"),
    pytest.param(b"true", 400, id="true"),
    pytest.param(b"3", 400, id="a number"),
    pytest.param(b'"notes"', 400, id="a string"),
    pytest.param(b"", 400, id="an empty body"),
    pytest.param(b"  \r\n", 400, id="white space"),
    pytest.param(b"\xef\xbb\xbf" + b'{"notes": "x"}', 400, id="a byte order mark"),
    pytest.param(b'{"notes": "\xff"}', 400, id="bad UTF-8"),
    pytest.param(b'{"notes": "\xed\xa0\x80"}', 400, id="a surrogate as UTF-8"),
    pytest.param('{"notes": "x"}'.encode("utf-16"), 400, id="UTF-16"),
    pytest.param(b'{"budget_min": NaN}', 400, id="NaN"),
    pytest.param(b'{"budget_min": Infinity}', 400, id="Infinity"),
    pytest.param(b'{"budget_min": -Infinity}', 400, id="-Infinity"),
    pytest.param(b'{"budget_min": 1e999}', 400, id="1e999"),
    pytest.param(b'{"budget_min": -1e999}', 400, id="-1e999"),
    pytest.param(b'{"notes": "x", "unknown": NaN}', 400, id="NaN in an unknown field"),
    pytest.param(b'{"property_preferences": {"pool": NaN}}', 400, id="NaN in preferences"),
    pytest.param(b'{"property_preferences": {"pool": 1e999}}', 400, id="1e999 in preferences"),
    pytest.param(b'{"budget_min": ' + b"9" * 5000 + b"}", 400, id="an integer of 5,000 digits"),
    pytest.param(nested(30_000), 400, id="30,000 nested lists"),
    pytest.param(nested(30_000, end=b""), 400, id="30,000 nested lists that do not end"),
    pytest.param(nested(10_000, b'{"a":', b"}"), 400, id="10,000 nested objects"),
    pytest.param(b'{"notes": ' + nested(30_000) + b"}", 400, id="30,000 nested lists in a field"),
    pytest.param(nested(100_000), 413, id="100,000 nested lists"),
    pytest.param(padded(MAX_BODY + 1), 413, id="one byte over 64 KiB"),
    pytest.param(b"x" * 1_000_000, 413, id="a megabyte"),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/clients"), ("PUT", "/v1/clients/{mine}")])
def test_a_bad_body_is_refused(refused, method, path, body, status):
    error = refused(method, path, body, status=status)
    assert status == 413 or fields_of(error) == ["body"]


MEDIA_TYPES = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "application/xml",
    "application/msgpack",
    "application/jsonp",
]


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/clients"), ("PUT", "/v1/clients/{mine}")])
@pytest.mark.parametrize("body", [b"first_name=Jordan", json.dumps(JORDAN).encode()], ids=["form", "JSON"])
def test_a_body_declared_as_anything_but_json_is_415(refused, method, path, media_type, body):
    refused(method, path, body, media_type, status=415)


# --- the fields: every row of the contract's table, and one step beyond what it allows

NO_TEXT = [
    pytest.param("a\0b", id="NUL"),
    pytest.param("a\x01b", id="a control character"),
    pytest.param("a\x1bb", id="escape"),
    pytest.param("a\x7fb", id="delete"),
    pytest.param("a\x85b", id="a C1 control character"),
    pytest.param("a\ud800b", id="a lone high surrogate"),
    pytest.param("a\udfff", id="a lone low surrogate"),
]
LINES = ("first_name", "last_name", "email", "phone", "source", "tags", "preferred_locations")


def text_in(field, text):
    """``text`` where ``field`` has text, so that nothing else is wrong with it."""
    if field in ("tags", "preferred_locations", "property_types"):
        return ["fine", text]
    return {"email": f"{text}@example.com", "phone": f"1{text}"}.get(field, text)


WRONG = [
    # field, value, what is wrong with it
    *((name, "", "empty") for name in ("first_name", "last_name")),
    *((name, "  \u3000 ", "white space") for name in ("first_name", "last_name")),
    *((name, None, "null") for name in ("first_name", "last_name", "client_type")),
    *((name, "x" * 101, "101 characters") for name in ("first_name", "last_name", "source")),
    *((name, 7, "a number") for name in ("first_name", "last_name", "email", "phone", "source", "notes")),
    *((name, ["x"], "a list") for name in ("first_name", "email", "phone", "source", "notes")),
    *((name, {"a": 1}, "an object") for name in ("last_name", "email", "client_type", "status")),
    *((name, False, "a boolean") for name in ("first_name", "phone", "client_type", "notes")),
    ("email", "a" * 250 + "@b.cd", "255 characters"),
    ("email", "jordan", "no @"),
    ("email", "a@b@c", "two @"),
    ("email", "@example.com", "nothing before @"),
    ("email", "jordan@", "nothing after @"),
    ("email", "jor dan@example.com", "a space"),
    ("email", "jordan@exam\u00a0ple.com", "a no-break space"),
    ("phone", "1" * 41, "41 characters"),
    ("phone", "none", "no digit"),
    ("client_type", "Buyer", "another case"),
    ("client_type", "tenant", "another word"),
    ("client_type", " buyer", "a space"),
    ("client_type", "", "empty"),
    ("client_type", ["buyer"], "a list"),
    ("client_type", 1, "a number"),
    ("status", "lost", "another word"),
    ("status", "ACTIVE", "another case"),
    ("status", "", "empty"),
    ("status", True, "a boolean"),
    *(
        (name, value, what)
        for name in ("budget_min", "budget_max", "pre_approval_amount")
        for value, what in (
            (-1, "below 0"),
            (-0.01, "just below 0"),
            (10**12 + 1, "one over the most"),
            (1e12 + 0.5, "half over the most"),
            (2**63, "over 64 bits"),
            (-(2**63) - 1, "under 64 bits"),
            (10**400, "an integer that no float has"),
            (1e300, "a huge fraction"),
            (True, "true"),
            (False, "false"),
            ("350000", "a string"),
            ("", "an empty string"),
            ([1], "a list"),
        )
    ),
    *((name, ["x"] * 51, "51 items") for name in ("tags", "preferred_locations")),
    *((name, "x", "a string") for name in ("tags", "preferred_locations", "property_preferences")),
    *((name, {"0": "x"}, "an object") for name in ("tags", "preferred_locations")),
    *((name, [1], "an item that is a number") for name in ("tags", "preferred_locations")),
    *((name, [None], "an item that is null") for name in ("tags", "preferred_locations")),
    *((name, [["x"]], "an item that is a list") for name in ("tags", "preferred_locations")),
    ("tags", ["x" * 51], "an item of 51 characters"),
    ("preferred_locations", ["x" * 201], "an item of 201 characters"),
    ("property_preferences", [], "a list"),
    ("property_preferences", 0, "a number"),
    ("property_preferences", False, "a boolean"),
    ("property_preferences", {"a": "x" * (8 * 1024 - 7)}, "one byte over 8 KiB"),
    ("property_preferences", {"a": "é" * 4093}, "two bytes over 8 KiB in UTF-8"),
    ("property_preferences", {"a": json.loads(nested(800))}, "800 nested lists"),
    *(
        ("property_preferences", {name: value}, f"{name}: {what}")
        for name in ("bedrooms_min", "bathrooms_min", "square_feet_min")
        for value, what in (
            (-1, "below 0"),
            (-0.5, "just below 0"),
            (True, "true"),
            ("3", "a string"),
            ([3], "a list"),
        )
    ),
    *(
        ("property_preferences", {"property_types": value}, f"property_types: {what}")
        for value, what in (
            ("house", "a string"),
            ({"a": "b"}, "an object"),
            ([1], "a number"),
            ([None], "[null]"),
        )
    ),
    ("pre_approved", 1, "1"),
    ("pre_approved", 0, "0"),
    ("pre_approved", "true", "a string"),
    ("pre_approved", "", "an empty string"),
    ("pre_approved", [], "a list"),
    ("notes", "x" * 10_001, "10,001 characters"),
]
WRONG_VALUES = [
    *(pytest.param(field, value, id=f"{field}: {what}") for field, value, what in WRONG),
    *(
        pytest.param(field, text_in(field, text.values[0]), id=f"{field}: {text.id}")
        for field in (*LINES, "notes")
        for text in NO_TEXT
    ),
    *(
        pytest.param(field, text_in(field, f"a{char}b"), id=f"{field}: {what}")
        for field in LINES
        for char, what in (("\n", "a line break"), ("\r", "a carriage return"), ("\t", "a tab"))
    ),
    *(
        pytest.param("property_preferences", place(text.values[0]), id=f"preferences: {text.id} {where}")
        for text in NO_TEXT
        for where, place in (
            ("in a value", lambda text: {"view": text}),
            ("in a key", lambda text: {text: 1}),
            ("in a list", lambda text: {"property_types": ["house", text]}),
            ("deep inside", lambda text: {"a": [{"b": [{text: "x"}]}]}),
        )
    ),
]


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_at_creation(refused, field, value):
    assert fields_of(refused("POST", "/v1/clients", create_with(field, value))) == [field]


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES)
def test_a_wrong_value_is_refused_in_an_update(refused, field, value):
    assert fields_of(refused("PUT", "/v1/clients/{mine}", {field: value})) == [field]


@pytest.mark.parametrize("field", JORDAN)
def test_a_missing_required_field_is_rejected_on_create(refused, field):
    body = {name: value for name, value in JORDAN.items() if name != field}
    assert fields_of(refused("POST", "/v1/clients", body)) == [field]


def test_everything_that_is_wrong_is_told_at_once(refused):
    body = {"first_name": "", "client_type": "tenant", "email": "x", "tags": "x", "budget_min": -1}
    wrong = {"first_name", "last_name", "client_type", "email", "tags", "budget_min"}
    assert set(fields_of(refused("POST", "/v1/clients", body))) == wrong


def test_crossed_budgets_are_told_with_all_else_that_is_wrong(refused):
    body = {"first_name": 7, "version": "x", "budget_min": 2, "budget_max": 1}
    wrong = ["version", "first_name", "budget_min", "budget_max"]
    assert fields_of(refused("PUT", "/v1/clients/{mine}", body)) == wrong


def test_each_detail_has_a_field_and_a_message(refused):
    (detail,) = refused("POST", "/v1/clients", create_with("client_type", "tenant"))["details"]
    assert detail.keys() == {"field", "message"}
    assert "buyer" in detail["message"]


RIGHT = [
    # field, value, what is right at the edge
    *((name, "x", "1 character") for name in ("first_name", "last_name", "source", "notes")),
    *((name, "x" * 100, "100 characters") for name in ("first_name", "last_name", "source")),
    *((name, "🏡" * 100, "100 emoji") for name in ("first_name", "last_name", "source")),
    ("email", "a" * 249 + "@b.cd", "254 characters"),
    ("email", "a@b", "3 characters"),
    ("email", "jörg+test@exämple.com", "unicode"),
    ("phone", "1" * 40, "40 characters"),
    ("phone", "1", "one digit"),
    ("phone", "(661) 555-0142", "as the vendor writes it"),
    ("phone", "+1 661 555 0123", "as others write it"),
    ("phone", "555-0142 ext. 7, evenings", "with words"),
    *(("client_type", word, word) for word in ("buyer", "seller", "both")),
    *(("status", word, word) for word in ("active", "inactive", "closed")),
    *(
        (name, value, what)
        for name in ("budget_min", "budget_max", "pre_approval_amount")
        for value, what in ((0, "0"), (0.01, "a cent"), (10**12, "the most"), (1e12, "the most, a fraction"))
    ),
    *((name, [], "no items") for name in ("tags", "preferred_locations")),
    *((name, [str(n) for n in range(50)], "50 items") for name in ("tags", "preferred_locations")),
    ("tags", ["x" * 50], "an item of 50 characters"),
    ("preferred_locations", ["x" * 200], "an item of 200 characters"),
    ("property_preferences", {}, "an empty object"),
    ("property_preferences", {"a": "x" * (8 * 1024 - 8)}, "exactly 8 KiB"),
    ("property_preferences", {"a": "é" * 4092}, "exactly 8 KiB in UTF-8"),
    ("property_preferences", {"bedrooms_min": 0, "bathrooms_min": 0, "square_feet_min": 0}, "zeros"),
    ("property_preferences", {"bathrooms_min": 2.5, "property_types": ["house", "condo"]}, "all known"),
    ("property_preferences", {"property_types": []}, "an empty list of types"),
    ("property_preferences", {"a\nb": "a\tb\r\n"}, "line breaks"),
    ("pre_approved", True, "true"),
    ("pre_approved", False, "false"),
    ("notes", "x" * 10_000, "10,000 characters"),
    ("notes", "a\nb\r\n\tc", "line breaks"),
]
RIGHT_VALUES = [pytest.param(field, value, id=f"{field}: {what}") for field, value, what in RIGHT]


@pytest.mark.parametrize(("field", "value"), RIGHT_VALUES)
def test_a_value_at_the_limit_is_accepted_on_create(agent, field, value):
    assert agent.create(**{field: value})[field] == value


@pytest.mark.parametrize(("field", "value"), RIGHT_VALUES)
def test_a_value_at_the_limit_is_accepted_on_update(agent, field, value):
    assert agent.put(agent.create()["id"], {field: value}).json["data"][field] == value


# --- budgets: the client of the path has 100 and 200

CROSSED = [
    pytest.param({"budget_min": 300, "budget_max": 299}, ["budget_min", "budget_max"], id="both"),
    pytest.param({"budget_min": 150.5, "budget_max": 150}, ["budget_min", "budget_max"], id="a fraction"),
    pytest.param({"budget_min": 201}, ["budget_min"], id="budget_min alone"),
    pytest.param({"budget_min": 200.01}, ["budget_min"], id="budget_min alone, by a cent"),
    pytest.param({"budget_max": 99}, ["budget_max"], id="budget_max alone"),
    pytest.param({"budget_max": 0}, ["budget_max"], id="budget_max alone, 0"),
    pytest.param({"budget_max": 50, "notes": "x"}, ["budget_max"], id="with another field"),
    pytest.param({"budget_max": 50, "version": 1}, ["budget_max"], id="with the version"),
]


@pytest.mark.parametrize(("body", "fields"), CROSSED)
def test_budgets_the_wrong_way_round_are_refused_in_an_update(refused, body, fields):
    assert fields_of(refused("PUT", "/v1/clients/{mine}", body)) == fields


def test_budgets_the_wrong_way_round_are_refused_at_creation(refused):
    error = refused("POST", "/v1/clients", {**JORDAN, "budget_min": 2, "budget_max": 1})
    assert fields_of(error) == ["budget_min", "budget_max"]


BUDGETS_IN_ORDER = [
    {"budget_min": 200},
    {"budget_max": 100},
    {"budget_min": 300, "budget_max": 300},
    {"budget_min": None, "budget_max": 1},
    {"budget_min": 10**12, "budget_max": None},
]


@pytest.mark.parametrize("body", BUDGETS_IN_ORDER, ids=str)
def test_budgets_in_order_are_taken(agent, body):
    client = agent.create(budget_min=100, budget_max=200)
    assert agent.put(client["id"], body).json["data"].items() >= body.items()


# --- version

WRONG_VERSIONS = [0, -1, None, True, False, "3", "", 1.5, [], [1], {}, -(2**63) - 1]


@pytest.mark.parametrize("version", WRONG_VERSIONS, ids=repr)
def test_a_version_that_is_no_integer_from_1_is_refused(refused, version):
    error = refused("PUT", "/v1/clients/{mine}", {"notes": "x", "version": version})
    assert fields_of(error) == ["version"]


@pytest.mark.parametrize("version", [2, 2**63 - 1, 2**63, 10**400], ids=["2", "2^63 - 1", "2^63", "10^400"])
def test_a_version_that_is_not_the_records_is_a_conflict(refused, version):
    error = refused("PUT", "/v1/clients/{mine}", {"notes": "x", "version": version}, status=409)
    assert error["details"].items() >= {"currentVersion": 1, "attemptedVersion": version}.items()


def test_a_version_may_be_written_as_a_float(agent):
    client_id = agent.create()["id"]
    assert (
        send(agent, "PUT", f"/v1/clients/{client_id}", b'{"notes": "x", "version": 1.0}').json["data"][
            "version"
        ]
        == 2
    )


# --- an update without anything to write

EMPTY_UPDATES = [{}, {"version": 1}, {"version": 99}, {"id": NOBODY, "user_id": NOBODY}, {"nickname": "Jo"}]


@pytest.mark.parametrize("body", EMPTY_UPDATES, ids=str)
def test_an_update_without_a_writable_field_is_refused(refused, body):
    assert fields_of(refused("PUT", "/v1/clients/{mine}", body)) == ["body"]


# --- the query

NO_COUNTS = "0 -1 abc 1.5 1e3 0x10 %2B1 %201 1_000 %D9%A1 null %00 %FF 00".split()
NO_TYPES = "tenant BUYER buyer,seller %20buyer buyer%00 %FF null".split()
NO_STATUSES = "lost Active active,closed active'-- %ED%A0%80".split()
QUERIES = [
    *((name, value) for name in ("page", "limit") for value in (*NO_COUNTS, "9" * 5000)),
    *(("client_type", value) for value in NO_TYPES),
    *(("status", value) for value in NO_STATUSES),
]


@pytest.mark.parametrize(("name", "value"), QUERIES, ids=lambda text: text[:20])
def test_a_wrong_value_in_a_query_is_refused(refused, name, value):
    assert fields_of(refused("GET", f"/v1/clients?{name}={value}")) == [name]


def test_everything_that_is_wrong_with_a_query_is_told_at_once(refused):
    error = refused("GET", "/v1/clients?page=0&limit=abc&client_type=x&status=y")
    assert set(fields_of(error)) == {"page", "limit", "client_type", "status"}


@pytest.mark.parametrize("query", ["%", "%zz", "&&&", "=", "a=%ED%A0%80", "\u00e9=1", "page", "a[]=1&a[]=2"])
def test_a_strange_query_that_says_nothing_is_ignored(agent, query):
    agent.get(f"/v1/clients?{query}")


# --- the id

IDS = [
    pytest.param("1", id="a number"),
    pytest.param("abc", id="a word"),
    pytest.param("%20", id="a space"),
    pytest.param("%00", id="NUL"),
    pytest.param("%FF", id="bad UTF-8"),
    pytest.param("%ED%A0%80", id="a surrogate"),
    pytest.param("{mine}0", id="one digit too many"),
    pytest.param("{mine}%00", id="an id and NUL"),
    pytest.param("{mine}%0A", id="an id and a line break"),
    pytest.param("{mine}' OR '1'='1", id="SQL"),
    pytest.param("%2E%2E", id="dots"),
    pytest.param("x" * 5000, id="5,000 characters"),
    pytest.param(NOBODY, id="nobody's"),
    pytest.param("{other}", id="another agent's"),
]


@pytest.mark.parametrize("client_id", IDS)
@pytest.mark.parametrize(
    ("method", "body"),
    [("GET", b""), ("PUT", {"notes": "x"}), ("PUT", {"notes": "x", "version": 9}), ("DELETE", b"")],
    ids=["GET", "PUT", "PUT with version", "DELETE"],
)
def test_an_id_that_is_not_a_client_of_the_callers_is_404(refused, method, body, client_id):
    error = refused(method, f"/v1/clients/{client_id}", body, status=404)
    assert error == {"code": "NOT_FOUND", "message": "Client not found."}


# --- 415


def encoded(caller, coding, body=JORDAN, status=415, **headers):
    """A POST whose body is declared to have a content coding."""
    sent = {**caller.headers, "Content-Type": "application/json", "Content-Encoding": coding, **headers}
    return caller.web.post("/v1/clients", json.dumps(body).encode(), sent, status=status)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "GZIP", "x", "identity, gzip", "gzip,identity"])
def test_a_body_with_a_content_coding_is_415(agent, app, coding):
    before = dump(app)
    answer = encoded(agent, coding)
    assert answer.json["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
    assert answer.headers["Accept-Encoding"] == "identity"
    assert "Accept" not in answer.headers
    assert dump(app) == before


@pytest.mark.parametrize("coding", ["identity", "Identity", " identity ", "identity, identity", ""])
def test_the_identity_coding_is_accepted(agent, coding):
    encoded(agent, coding, status=201)


def test_a_request_without_a_body_may_declare_any_coding(agent):
    agent.get("/v1/clients", **{"Content-Encoding": "gzip"})
    headers = {**agent.headers, "Content-Encoding": "gzip", "Content-Length": "0"}
    agent.web.request("/v1/clients", headers=headers, status=200)


def test_the_content_coding_is_judged_before_the_key(app):
    encoded(Api(app, None), "gzip", status=415)


def test_a_wrong_media_type_is_answered_with_the_right_one(agent):
    answer = send(agent, "POST", "/v1/clients", b"<a/>", "application/xml", status=415)
    assert answer.headers["Accept"] == "application/json"
    assert "Accept-Encoding" not in answer.headers


# --- sizes that are still right


def test_a_body_of_exactly_64_kib_is_taken(agent):
    send(agent, "POST", "/v1/clients", padded(MAX_BODY), status=201)


def test_a_body_that_is_too_large_says_how_large_it_may_be(refused):
    error = refused("POST", "/v1/clients", padded(MAX_BODY + 1), status=413)
    assert error["details"] == {"limit": MAX_BODY}
