"""/openapi.json is complete, true, and easy for code generators."""

import re

import pytest
from support.client import Api, app_fixture, fast_clock, full_key
from support.data import JORDAN
from support.field_values import VALUES
from support.openapi_check import KEYWORDS, NESTING, NOTES, check, find, fits, follow, operations, resolve
from support.openapi_requests import COLLECTION, TABLE
from support.scenes import ORIGIN, scene_in
from webtest import TestApp

from acare.api.operations import OPERATIONS
from acare.auth import ACTIONS, RESOURCES
from acare.errors import InvalidInput
from acare.field_types import Amount, Enum, String, StringList
from acare.fields import FIELDS, validate_create, validate_update

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
    table = {(row.method, re.sub(r"\{\w+\}", "{id}", row.path)): row for row in ROWS}
    assert documented.keys() == table.keys()
    for place, row in table.items():
        described, right = documented[place], row.right
        needs, statuses = "an invitation", COMMON | ({"404"} if "{" in row.path else set())
        if right is not None:
            needs, statuses = (
                " or ".join(f"`{right.resource}:{action}`" for action in right.actions),
                {*statuses, "403"},
            )
        assert described["description"].endswith(f" Requires {needs}."), place
        is_brokers = right is not None and right.roles == ("broker",)
        assert ("Brokers only." in described["description"]) == is_brokers, place
        parameters = [follow(document, each) for each in described["parameters"]]
        query = set(getattr(row.resource, "parameters", ()) if row.method in ("GET", "DELETE") else ())
        query -= {"deleted"} if row.path.endswith(".csv") else set()  # which refuses it
        assert {each["name"] for each in parameters if each["in"] == "query"} == query, place
        assert described["responses"].keys() >= statuses, place


def test_every_operation_can_be_strict(document):
    """It names the header ``Prefer`` and, in each response, ``Preference-Applied``."""
    for _, _, operation in operations(document):
        assert {"$ref": "#/components/parameters/Prefer"} in operation["parameters"]
        for response in operation["responses"].values():
            assert "Preference-Applied" in follow(document, response)["headers"]


def test_every_documented_status_occurs(document):
    documented = {
        (operation["operationId"], 422 if status == "default" else int(status))
        for _, _, operation in operations(document)
        for status in operation["responses"]
    }
    asked = {(find(document, ask.method, ask.path)[1]["operationId"], ask.status) for ask in TABLE}
    missing = sorted(documented - asked)
    assert not missing, missing


def test_scopes_have_every_resource_and_action(document):
    scopes = document["components"]["schemas"]["Scopes"]["properties"]
    documented = {resource: tuple(scope["items"]["enum"]) for resource, scope in scopes.items()}
    assert documented == dict.fromkeys(RESOURCES, ACTIONS)


def test_a_client_has_exactly_the_documented_members(document, broker):
    client = document["components"]["schemas"]["ClientRecord"]
    assert set(broker.create()) == set(client["properties"]) == set(client["required"])


LIMITS = {
    Amount: lambda kind: {"maximum": kind.maximum},
    Enum: lambda kind: {"enum": list(kind.words)},
    String: lambda kind: {"maxLength": kind.max_length},
    StringList: lambda kind: {
        "maxItems": kind.maximum,
        "items": {"type": "string", "maxLength": kind.items.max_length},
    },
}


@pytest.mark.parametrize("owner", ["ClientRecord", "ClientInput", "ClientChanges"])
def test_the_document_has_the_limits_of_each_field(document, owner):
    properties = document["components"]["schemas"][owner]["properties"]
    for field in (each for each in FIELDS if type(each.kind) in LIMITS):
        schema, written = {}, properties[field.name]
        for part in (written, *written.get("anyOf", ())):
            schema |= follow(document, part)
        limits = LIMITS[type(field.kind)](field.kind)
        assert {keyword: schema.get(keyword) for keyword in limits} == limits, field.name


def test_an_update_leaves_out_what_its_caller_does_not_set(document):
    """oapi-codegen's client would send null, which clears the field."""
    changes = document["components"]["schemas"]["ClientChanges"]["properties"]
    assert all(schema["x-omitempty"] is True for schema in changes.values())


# --- generators understand it


def walk(value):
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(part)


def schemas_in(schema):
    """A schema and all schemas inside it."""
    yield schema
    items = [schema["items"]] if "items" in schema else []
    for part in (*schema.get("properties", {}).values(), *schema.get("anyOf", []), *items):
        yield from schemas_in(part)


def media_types(document):
    """The media type object of every body in the document."""
    for _, _, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            yield from follow(document, body).get("content", {}).values()


UNTYPED = ("The value before.", "The value after.")


def test_schemas_have_only_simple_keywords(document):
    """Of a pattern, a condition or a constant, generators make code of their own, or no type."""
    parts = document["components"]
    for named in (*parts["schemas"].values(), *parts["parameters"].values(), *parts["headers"].values()):
        for schema in schemas_in(named.get("schema", named)):
            assert schema.keys() <= {*KEYWORDS, *NESTING, *NOTES}
            assert schema is named or "properties" not in schema  # generators give it no name
            assert schema.keys() & {"type", "$ref", "anyOf"} or schema["description"] in UNTYPED
            assert [part for part in schema.get("anyOf", []) if part.keys() not in ({"$ref"}, {"type"})] == []
            for example in [schema["default"]] if "default" in schema else schema.get("examples", []):
                check(document, schema, example)


def test_errors_with_details_precede_errors_without(document):
    """Rust's client decodes an error as the first schema that fits, and unknown members fit every schema."""
    for _, _, operation in operations(document):
        errors = [response for response in operation["responses"].values() if "$ref" in response]
        medias = [follow(document, each)["content"]["application/json"] for each in errors]
        plain = [media["schema"]["$ref"].endswith("/ErrorResponse") for media in medias]
        assert plain == sorted(plain)


def test_every_reference_is_valid_and_every_component_used(document):
    used = {value["$ref"] for value in walk(document) if isinstance(value.get("$ref"), str)}
    assert all(resolve(document, reference) for reference in used)
    kinds = document["components"].keys() - {"securitySchemes"}
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    assert used == there


def test_each_security_scheme_is_a_header_that_takes_the_key(app, document, broker):
    schemes = document["components"]["securitySchemes"]
    assert {name for needs in document["security"] for name in needs} == schemes.keys()
    for scheme in schemes.values():
        assert (scheme["type"], scheme["in"]) == ("apiKey", "header")
        Api(app).ask("GET", COLLECTION, **{scheme["name"]: broker.key})


# --- examples


def examples_of(document, media):
    named = [follow(document, each)["value"] for each in media.get("examples", {}).values()]
    return [media["example"]] if "example" in media else named


def test_every_body_has_an_example_that_fits(document):
    for media in media_types(document):
        examples = examples_of(document, media)
        assert examples
        for example in examples:
            check(document, media["schema"], example)


def test_the_examples_of_errors_are_errors_of_the_app(app, document):
    errors = []
    for ask in (ask for ask in TABLE if ask.status >= 400 and ask.method != "HEAD"):
        with scene_in(app) as scene:
            errors.append(ask.run(scene)[1].json["error"])
    for response in document["components"]["responses"].values():
        (example,) = examples_of(document, response["content"]["application/json"])
        assert any(settled(error) == settled(example["error"]) for error in errors), example


def settled(error):
    """An error without what differs from run to run."""
    details = error.get("details")
    kept = {**details, "changedAt": None} if "changedAt" in (details or ()) else details
    return {**error, "details": kept, "errorId": None}


# --- the document and the app accept the same (test_fields has what the app accepts and rejects)


def stripped(value):
    """A value without the white space around its texts, which the lengths in the document would count."""
    if isinstance(value, list):
        return [stripped(item) for item in value]
    return value.strip() if isinstance(value, str) else value


def accepts(validate, body):
    try:
        validate(body)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("owner", ["ClientInput", "ClientChanges"])
def test_the_document_accepts_every_value_that_the_app_accepts(document, owner):
    schema = document["components"]["schemas"][owner]["properties"]
    optional = {field.name: [None] for field in FIELDS if not field.required}
    for name, (accepted, _) in VALUES.items():
        for value in (*accepted, *optional.get(name, [])):
            check(document, schema[name], stripped(value), name)


BODIES = [{},
          *({"notes": "x", "version": version}
            for version in (None, 0, -1, "1", True, 1.5, [], 1, 3.0, 0.0, 1e300, 2**70)),
          *({n: v for n, v in JORDAN.items() if n != missing} for missing in JORDAN)]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:40])
def test_document_and_app_agree_about_a_body(document, body):
    for owner, validate in (("ClientInput", validate_create), ("ClientChanges", validate_update)):
        assert fits(document, {"$ref": f"#/components/schemas/{owner}"}, body) is accepts(validate, body)
