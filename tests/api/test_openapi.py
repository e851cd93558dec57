"""/openapi.json is valid OpenAPI 3.1, complete, and easy for code generators."""

import json
import os
import re
from urllib.parse import quote

import pytest
from support.client import Api, app_fixture, full_key
from support.data import JORDAN
from support.field_values import SPACES, VALUES
from support.openapi_check import METHODS, TYPES, check, find, fits, follow, operations, resolve
from support.openapi_requests import COLLECTION, EXAMPLES, ITEM, TABLE, record
from webtest import TestApp

import acare
from acare.errors import InvalidInput
from acare.fields import CLIENT_TYPES, STATUSES, validate_create, validate_update

app = app_fixture(rate_limit="100000/1")


def served_by(app, **environ):
    return TestApp(app).get("/openapi.json", extra_environ=environ).json


@pytest.fixture(scope="module")
def document(app):
    return served_by(app)


@pytest.fixture(scope="module")
def broker(app):
    return Api(app, full_key(app))


# --- it is complete


def test_every_documented_response_is_in_the_table(document):
    documented = {
        (method, template, status)
        for method, template, operation in operations(document)
        for status in operation["responses"]
    }
    methods = [("get" if ask.method == "HEAD" else ask.method.lower()) for ask in TABLE]
    paths = [find(document, ask.method, ask.path)[0] for ask in TABLE]
    assert documented - set(zip(methods, paths, (str(ask.status) for ask in TABLE), strict=True)) == set()


def test_every_path_and_method_of_the_api_is_in_the_document(broker, document):
    paths = (COLLECTION, ITEM, "/v1/users", "/v1/users/me")
    assert set(document["paths"]) == set(paths)
    for path in paths:
        allowed = set(broker.ask("OPTIONS", path).headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
        assert allowed == {method.upper() for method in METHODS if method in document["paths"][path]}


def test_a_client_has_exactly_the_documented_members(document, broker):
    client = document["components"]["schemas"]["Client"]
    assert set(broker.create()) == set(client["properties"]) == set(client["required"])


# --- it is valid OpenAPI 3.1


def walk(value, place="#"):
    """Every object in a JSON value, with its place."""
    if isinstance(value, dict):
        yield place, value
        for name, member in value.items():
            yield from walk(member, f"{place}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from walk(item, f"{place}/{number}")


def parameters(document):
    """Every (method, template, parameter), parameters of the path included."""
    for method, template, operation in operations(document):
        shared = document["paths"][template].get("parameters", [])
        for parameter in (*shared, *operation.get("parameters", [])):
            yield method, template, follow(document, parameter)


def responses(document):
    for method, template, operation in operations(document):
        for status, response in operation["responses"].items():
            yield f"{method} {template} {status}", int(status), follow(document, response)


def media_types(document):
    """Every body in the document: its place and its media type object."""
    for method, template, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{method} {template}", media
    for place, _, response in responses(document):
        for media in response.get("content", {}).values():
            yield place, media


def test_every_operation_is_valid(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for method, template, operation in operations(document):
        assert operation["summary"]
        mine = [parameter for m, t, parameter in parameters(document) if (m, t) == (method, template)]
        in_path = {each["name"] for each in mine if each["in"] == "path" and each["required"] is True}
        assert in_path == set(re.findall(r"{(.*?)}", template))


def test_no_schema_has_what_generators_cannot_read(document):
    """No pattern, no condition, no unnamed object: generators make code of their own of these, or no type."""
    parts = document["components"]
    for place, schema in walk({name: parts[name] for name in ("schemas", "parameters", "headers")}):
        if place.endswith("/properties"):
            continue  # its keys are names of fields
        assert not {"pattern", "const", "if", "then", "not", "allOf", "oneOf"} & schema.keys(), place
        types = schema.get("type", [])
        assert set([types] if isinstance(types, str) else types) <= {*TYPES, "object"}
        if "minimum" in schema:
            assert "integer" in types or schema["format"] == "double"
        for example in (*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])):
            check(document, schema, example)


def test_every_reference_is_valid_and_every_component_used(document):
    used = {value["$ref"] for _, value in walk(document) if isinstance(value.get("$ref"), str)}
    assert all(resolve(document, reference) for reference in used)
    kinds = ("schemas", "responses", "parameters", "headers")
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    assert used == there


def test_each_security_scheme_is_a_header_that_takes_the_key(app, document, broker):
    schemes = document["components"]["securitySchemes"]
    assert {name for needs in document["security"] for name in needs} == schemes.keys()
    for scheme in schemes.values():
        assert (scheme["type"], scheme["in"]) == ("apiKey", "header")
        Api(app).ask("GET", COLLECTION, **{scheme["name"]: broker.key})


def objects(document):
    """Every object schema with properties, with its place among the schemas."""
    for place, schema in walk(document["components"]["schemas"]):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield place, schema


def test_every_object_has_a_name_of_its_own(document):
    """A generator names an inline object after its place, or gives it no type."""
    assert [place for place, _ in objects(document) if place.count("/") != 1] == []
    for place, media in media_types(document):
        assert media["schema"].keys() == {"$ref"}, place


# --- examples


def test_every_body_has_an_example_that_fits(document):
    for place, media in media_types(document):
        named = [each["value"] for each in media.get("examples", {}).values()]
        examples = [*([media["example"]] if "example" in media else []), *named]
        assert examples, place
        for example in examples:
            check(document, media["schema"], example, place)


def test_the_examples_are_responses_of_the_app(tmp_path):
    """With ACARE_TEST_RECORD=1, the test records them again."""
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="100000/1", clock=lambda: 0) as app:
        recorded = record(served_by(app), app)
    if os.environ.get("ACARE_TEST_RECORD"):
        EXAMPLES.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert json.loads(EXAMPLES.read_text("utf-8")) == recorded


# --- what the document rejects, the app rejects too

OTHER_VALUES = [None, *VALUES["tags"][1], *SPACES, " 1 ", {"a": ["\x7f"]}, {"a": {"c\td": 1}}]


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


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("owner", "validate"), [("ClientInput", validate_create), ("ClientChanges", validate_update)]
)
def test_the_app_rejects_every_value_that_does_not_fit(document, owner, validate, name):
    """For its own values and the values of all other fields."""
    schema = {"$ref": f"#/components/schemas/{owner}"}
    every_value = [value for accepted, rejected in VALUES.values() for value in (*accepted, *rejected)]
    for value in (*every_value, *OTHER_VALUES):
        body = {**(JORDAN if validate is validate_create else {}), name: value}
        assert fits(document, schema, {**body, name: stripped(value)}) or not accepts(validate, body), body


BODIES = [{}, [], None, "x", 1,
          *({"notes": "x", "version": version}
            for version in (None, 0, -1, "1", True, 1.5, [], 1, 3.0, 0.0, 1e300, 2**70)),
          *({n: v for n, v in JORDAN.items() if n != missing} for missing in JORDAN)]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:40])
def test_document_and_app_agree_about_a_body(document, body):
    for owner, validate in (("ClientInput", validate_create), ("ClientChanges", validate_update)):
        assert fits(document, {"$ref": f"#/components/schemas/{owner}"}, body) is accepts(validate, body)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("page", ["1", "0", "-1", "99", str(10**22)]),
        ("limit", ["1", "0", "-1", "100", "101", str(10**22)]),
        ("client_type", [*CLIENT_TYPES, "Buyer", "all"]),
        ("status", [*STATUSES, "Active", "all"]),
        ("q", ["a", " a ", "a b", "é" * 200, "a" * 201]),
        ("email", ["a@b", "A@b.C", f"{'a' * 252}@b", f"{'a' * 253}@b"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_and_app_agree_about_a_query(document, broker, name, texts):
    (parameter,) = (p for m, t, p in parameters(document) if (m, t, p["name"]) == ("get", COLLECTION, name))
    schema = follow(document, parameter["schema"])
    assert parameter["allowEmptyValue"] is True
    for text in texts:
        value = int(text) if schema["type"] == "integer" else text
        broker.get(f"{COLLECTION}?{name}={quote(text)}", 200 if fits(document, schema, value) else 400)


# --- where it is


@pytest.mark.parametrize(("mount", "url"), [("", "/"), ("/crm", "/crm"), ("/a/b", "/a/b")])
def test_its_server_follows_the_mount_point(app, mount, url):
    assert served_by(app, SCRIPT_NAME=mount)["servers"] == [{"url": url}]


def test_another_prefix_does_not_make_the_document_again(app, monkeypatch):
    served_by(app)
    monkeypatch.setattr("acare.api.openapi.document", None)
    assert served_by(app, SCRIPT_NAME='/a"b')["servers"] == [{"url": '/a"b'}]
