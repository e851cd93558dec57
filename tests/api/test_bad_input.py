"""Requests that are rejected (test_fields has every value of a field); nothing is written."""

import pytest
from support.client import Api, app_fixture, fields_of
from support.data import CODES, JORDAN
from support.keys import new_key

COLLECTION, ITEM = "/v1/clients", "/v1/clients/{own}"
WRITES = pytest.mark.parametrize(("method", "path"), [("POST", COLLECTION), ("PUT", ITEM)])

app = app_fixture()


@pytest.fixture(scope="module")
def agent(app):
    return Api(app, new_key(app.keys, "ana@example.com", {"clients": ["read", "write"]}).key)


@pytest.fixture(scope="module")
def own(agent):
    """The id of a client."""
    return agent.create(budget_min=100, budget_max=200)["id"]


@pytest.fixture
def reject(app, agent, own):
    """Sends a request that must be rejected and change nothing; the response."""

    def stored():
        with app.database.read() as connection:
            tables = ("clients ORDER BY seq", "client_totals", "client_history")
            return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]

    def send(method, path, body=None, status=400, **headers):
        before = stored()
        answer = agent.ask(method, path.format(own=own), body, status, **headers)
        assert stored() == before
        assert answer.json["error"]["code"] == CODES[status]
        return answer

    return send


BODIES = {
    "not JSON": b"{'first_name': 'Jordan'}",
    "JSON and more": b'{"notes": "x"} {}',
    "a list": b"[]",
    "an empty body": b"",
    "a byte order mark": b'\xef\xbb\xbf{"notes": "x"}',
    "invalid UTF-8": b'{"notes": "\xff"}',
    "UTF-16": '{"notes": "x"}'.encode("utf-16"),
    "NaN": b'{"budget_min": NaN}',
    "NaN in an unknown field": b'{"notes": "x", "unknown": NaN}',
    "an integer of 5,000 digits": b'{"budget_min": ' + b"9" * 5000 + b"}",
    "30,000 nested lists": b"[" * 30_000 + b"]" * 30_000,
    "30,000 nested lists in a field": b'{"notes": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
}


@WRITES
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_invalid_body_is_400(reject, method, path, body):
    assert fields_of(reject(method, path, body)) == ["body"]


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", "application/jsonp"])
def test_a_body_declared_as_something_else_is_415(reject, media_type):
    answer = reject("POST", COLLECTION, JORDAN, 415, Content_Type=media_type)
    assert (answer.headers["Accept"], answer.headers.get("Accept-Encoding")) == ("application/json", None)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x", "identity, gzip"])
def test_a_content_coding_is_415(reject, coding):
    answer = reject("POST", COLLECTION, JORDAN, 415, Content_Encoding=coding)
    assert (answer.headers["Accept-Encoding"], answer.headers.get("Accept")) == ("identity", None)


def test_a_number_beyond_a_double_is_400_and_a_great_one_is_kept(reject, agent):
    for text in ("1" + "0" * 4200, "1e309", "-1e309"):
        body = f'{{"property_preferences": {{"a": [{{"b": {text}}}]}}}}'.encode()
        assert fields_of(reject("PUT", ITEM, body)) == ["property_preferences"]
    sent = {"lots": [2**53 + 1, {"area": 1e308}]}
    made = agent.create(property_preferences=sent)
    assert agent.get(f"/v1/clients/{made['id']}").json["data"]["property_preferences"] == sent


COUNTS = "0 -1 abc 1.5 1e3 0x10 %2B1 %201 1_000 %D9%A1 null %00 %FF 00".split()
QUERIES = {
    "page": [*COUNTS, "9" * 5000, "1&page=2"],
    "limit": [*COUNTS, "9" * 5000, "5&limit=5"],
    "client_type": "tenant BUYER buyer,seller %20buyer buyer%00 %FF null buyer&client_type=both".split(),
    "status": "lost Active active,closed active'-- %ED%A0%80 active&status=active".split(),
    "q": ["x" * 201, "a+b+c+d+e+f+g+h+i", "ana%00", "ana&q=zoe"],
    "email": ["ana"],
    "user_id": ["7"],
    "due": "2026-13-01 20261215 2026-12-5 2026-W01-1 soon ANY any&deleted=true".split(),
    "tag": ["x" * 51, "vip%00", "vip&tag=first", "vip&deleted=true"],
    "sort": ["email", "created_at&deleted=true"],
    "order": ["up", "ASC", "asc&deleted=true"],
    "price": ["-1", "1&deleted=true"],
    "bedrooms": ["1e999"],
    "bathrooms": ["many"],
    "location": ["-"],
    "property_type": ["x" * 201],
}


@pytest.mark.parametrize("name", QUERIES)
def test_an_invalid_value_in_a_query_is_400(reject, name):
    for value in QUERIES[name]:
        assert fields_of(reject("GET", f"{COLLECTION}?{name}={value}")) == [name], value


def test_a_repeated_parameter_is_named_as_such(reject):
    assert "must not be given more than once" in reject("GET", f"{COLLECTION}?page=1&page=2").text
