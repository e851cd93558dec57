"""/openapi.json is complete, true, and easy for code generators."""

import json
import re

import pytest
from support.client import Api, app_fixture, fast_clock, full_key
from support.data import JORDAN
from support.openapi import codes, find, follow, operations
from support.openapi_requests import COLLECTION, TABLE
from support.scenes import ORIGIN
from webtest import TestApp

from acare.api.envelope import ERRORS
from acare.api.operations import OPERATIONS

app = app_fixture(rate_limit="100000/1", cors_origin=ORIGIN, clock=fast_clock())


@pytest.fixture(scope="module")
def document(app):
    return TestApp(app).get("/openapi.json").json


@pytest.fixture(scope="module")
def broker(app):
    return Api(app, full_key(app))


# --- it is complete


ROWS = [row for row in OPERATIONS if row.path.startswith("/v1")]
COMMON = {"400", "401", "413", "415", "429", "500", "503"}


def test_it_agrees_with_the_table_of_operations(document):
    """About every operation, its right, its query parameters, and the statuses that all operations have."""
    documented = {(method.upper(), path): each for method, path, each in operations(document)}
    table = {(row.method, row.path): row for row in ROWS}
    assert documented.keys() == table.keys()
    for place, row in table.items():
        described, right = documented[place], row.right
        needs, statuses = "an invitation", COMMON | ({"404"} if "{" in row.path else set())
        if right is not None:
            scopes = " or ".join(f"`{right.resource}:{action}`" for action in right.actions)
            needs, statuses = scopes or "any valid key", {*statuses, "403"}
        assert described["description"].endswith(f" Requires {needs}."), place
        is_brokers = right is not None and right.roles == ("broker",)
        assert ("Brokers only." in described["description"]) == is_brokers, place
        parameters = described["parameters"]
        reads_query = row.method == ("DELETE" if hasattr(row.resource, "on_delete") else "GET")
        query = set(row.resource.parameters if reads_query else ())
        query -= {"deleted"} if row.path.endswith(".csv") else set()  # which refuses it
        assert {each["name"] for each in parameters if each["in"] == "query"} == query, place
        assert described["responses"].keys() >= statuses, place


def test_every_documented_status_occurs(document):
    documented = {
        (operation["operationId"], int(status))
        for _, _, operation in operations(document)
        for status in operation["responses"]
    }
    asked = {
        (operation["operationId"], ask.status)
        for ask in TABLE
        for operation in find(document, ask.method, ask.path)
    }
    assert documented == asked


def test_every_code_that_the_app_has_is_in_it(document):
    errors = {
        (int(status), code)
        for _, _, operation in operations(document)
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in codes(document, follow(document, response))
    }
    assert errors == {(row.status, code) for code, row in ERRORS.items()}


def test_a_client_has_exactly_the_documented_members(document, broker):
    client = document["components"]["schemas"]["ClientRecord"]
    assert set(broker.create()) == set(client["properties"]) == set(client["required"])


# --- generators understand it


IDEMPOTENCY_KEYS = ["x" * 255, "x" * 256, "", '"k"', '"k', '"x"y"', "a\\b", "a b", "é"]


@pytest.mark.parametrize("key", IDEMPOTENCY_KEYS)
def test_the_pattern_of_an_idempotency_key_is_what_the_app_takes(document, broker, key):
    parameters = document["paths"][COLLECTION]["post"]["parameters"]
    (schema,) = [each["schema"] for each in parameters if each["name"] == "Idempotency-Key"]
    fits = re.fullmatch(schema["pattern"], key) is not None and 1 <= len(key) <= schema["maxLength"]
    sent = key.encode().decode("latin-1")
    answer = broker.ask("POST", COLLECTION, JORDAN, "*", Idempotency_Key=sent)
    assert (answer.status_int == 201) is fits
    if fits:  # quotes do not belong to the key
        again = broker.ask("POST", COLLECTION, JORDAN, 201, Idempotency_Key=sent.strip('"'))
        assert again.json == answer.json


def test_every_operation_parameter_and_property_is_described(document):
    parts = document["components"]
    described = [each for _, _, each in operations(document)]
    described += [each for operation in described for each in operation["parameters"]]
    described += [
        *parts["headers"].values(),
        *parts["responses"].values(),
        *parts["securitySchemes"].values(),
    ]
    for schema in parts["schemas"].values():
        described += [schema, *schema.get("properties", {}).values()]
    assert [each for each in described if not each.get("description", "").endswith(".")] == []


def test_nothing_in_it_is_empty(document):
    """Some generators refuse an empty list of required members."""
    text = json.dumps(document)
    assert '"description": ""' not in text
    assert '"required": []' not in text


def test_a_type_with_a_name_is_a_schema_of_its_own(document):
    properties = document["components"]["schemas"]["ClientInput"]["properties"]
    assert properties["client_type"]["$ref"] == "#/components/schemas/ClientType"


def test_a_new_client_needs_names_and_a_type(document):
    required = document["components"]["schemas"]["ClientInput"]["required"]
    assert required == ["first_name", "last_name", "client_type"]


UNSET = {"email", "phone", "source", "budget_min", "budget_max", "pre_approval_amount", "notes"}
EMPTY = {"status", "preferred_locations", "property_preferences", "pre_approved", "tags"}


@pytest.mark.parametrize(("name", "nullable"), [("ClientRecord", UNSET), ("ClientInput", UNSET | EMPTY)])
def test_a_field_that_can_be_unset_can_be_null(document, name, nullable):
    properties = document["components"]["schemas"][name]["properties"]
    can_be_null = {
        each for each, schema in properties.items() if "null" in str(schema) and "$ref" not in schema
    }
    assert can_be_null == nullable


def test_an_error_has_details_and_an_id_where_its_table_says_so(document):
    schemas = document["components"]["schemas"]
    with_id = [name for name, schema in schemas.items() if "errorId" in schema.get("properties", ())]
    assert with_id == ["InternalError"]
    assert "UnauthorizedError" in schemas
    assert "details" in schemas["ValidationError"]["required"]
    assert "details" not in schemas["ContentTooLargeError"]["required"]


FORBIDDEN = {  # of a read, of a write, and of a write for brokers alone
    ("get", "/v1/clients"): ["INSUFFICIENT_SCOPE"],
    ("put", "/v1/clients/{client_id}"): ["INSUFFICIENT_SCOPE", "CROSS_SITE_REQUEST"],
    ("post", "/v1/users"): ["INSUFFICIENT_SCOPE", "BROKER_REQUIRED", "CROSS_SITE_REQUEST"],
}


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_the_codes_of_403_follow_from_the_right(document, method, path):
    response = follow(document, document["paths"][path][method]["responses"]["403"])
    assert codes(document, response) == FORBIDDEN[method, path]


def test_a_parameter_says_whether_it_may_be_blank_and_what_it_means_then(document):
    [page] = [each for each in document["paths"]["/v1/keys"]["get"]["parameters"] if each["name"] == "page"]
    assert (page["allowEmptyValue"], page["schema"]["default"]) == (True, 1)
    parameters = document["paths"]["/v1/clients/{client_id}"]["delete"]["parameters"]
    [version] = [each for each in parameters if each["name"] == "version"]
    assert version.keys() == {"name", "in", "description", "schema"}
