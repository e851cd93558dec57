"""/openapi.json is correct, complete and valid OpenAPI 3.1, and code generators can use it."""

import json
import os
import re
from urllib.parse import quote

import pytest
from support import command
from support.client import Api, app_fixture, full_key
from support.data import JORDAN
from support.field_values import SPACES, VALUES
from support.openapi_check import (
    KEYWORDS,
    METHODS,
    NOTES,
    TYPES,
    Misfit,
    check,
    check_answer,
    find,
    fits,
    follow,
    operations,
    resolve,
)
from support.openapi_requests import COLLECTION, EXAMPLES, ITEM, TABLE, record, scene_in
from webtest import TestApp

import acare
from acare.api.conditions import IDEMPOTENCY_KEY_PATTERN
from acare.cli import main
from acare.errors import InvalidInput
from acare.fields import CLIENT_TYPES, FIELDS, STATUSES, validate_create, validate_update

app = app_fixture(rate_limit="100000/1")


def served_by(app, **environ):
    return TestApp(app).get("/openapi.json", extra_environ=environ).json


@pytest.fixture(scope="module")
def document(app):
    return served_by(app)


@pytest.fixture(scope="module")
def broker(app):
    return Api(app, full_key(app))


# --- every response is in the document, and every response in the document is tested


@pytest.mark.parametrize("ask", TABLE, ids=repr)
def test_a_response_fits_the_document(app, document, ask):
    with scene_in(app) as scene:
        path, answer = ask.run(scene)
    check_answer(document, ask.method, path, answer.status_int, answer.headers, answer.body)


def test_every_documented_response_is_in_the_table(document):
    documented = {
        (method, template, status)
        for method, template, operation in operations(document)
        for status in operation["responses"]
    }
    methods = [("get" if ask.method == "HEAD" else ask.method.lower()) for ask in TABLE]
    paths = [find(document, ask.method, ask.path)[0] for ask in TABLE]
    assert documented - set(zip(methods, paths, (str(ask.status) for ask in TABLE), strict=True)) == set()


def test_every_route_and_method_is_in_the_document(broker, document):
    paths = (COLLECTION, ITEM, "/v1/users", "/v1/users/me", "/healthz", "/readyz", "/openapi.json", "/")
    assert set(document["paths"]) == set(paths)
    for path in paths:
        allowed = set(broker.ask("OPTIONS", path).headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
        assert allowed == {method.upper() for method in METHODS if method in document["paths"][path]}


# --- the checker itself

BAD_ANSWERS = {
    "418 is not in the document": {"status": 418},
    "PATCH .* is not in the document": {"method": "PATCH"},
    "/v2 is not in the document": {"path": "/v2"},
    "has no ETag": {"without": "etag"},
    "has no X-Request-ID": {"without": "x-request-id"},
    "200: .* does not fit required": {"body": b'{"success": false}'},
    r"200\.data: .* does not fit required": {
        "body": b'{"success": true, "data": {}, "timestamp": "2026-07-15T14:32:10.000Z"}'
    },
    "is text/html": {"media": "text/html"},
}


@pytest.mark.parametrize(("message", "change"), BAD_ANSWERS.items(), ids=BAD_ANSWERS)
def test_a_response_that_is_not_in_the_document_fails(document, broker, message, change):
    path = f"{COLLECTION}/{broker.create()['id']}"
    answer = broker.get(path)
    headers = {name: value for name, value in answer.headers.items() if name.lower() != change.get("without")}
    headers |= {"Content-Type": change["media"]} if "media" in change else {}
    method, path, status = change.get("method", "GET"), change.get("path", path), change.get("status", 200)
    with pytest.raises(Misfit, match=message):
        check_answer(document, method, path, status, headers, change.get("body", answer.body))


def test_an_unknown_keyword_is_an_error(document):
    with pytest.raises(TypeError, match="multipleOf"):
        check(document, {"multipleOf": 2}, 1)


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
    """Every (method, template, parameter), those of the path included."""
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


def schemas(document):
    """Every schema in the document, and those inside them."""
    parts = document["components"]
    found = [*parts["schemas"].values(), *(media["schema"] for _, media in media_types(document))]
    found += [each["schema"] for each in (*parts["parameters"].values(), *parts["headers"].values())]
    for schema in found:  # it grows meanwhile
        found += [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
        for name in ("items", "additionalProperties", "propertyNames", "not", "if", "then"):
            found += [schema[name]] if isinstance(schema.get(name), dict) else []
        for name in ("allOf", "anyOf", "oneOf"):
            found += schema.get(name, [])
    return found


def test_the_document_has_the_members_of_openapi(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"].keys() >= {"title", "version"}
    assert document["info"]["version"] == acare.__version__
    assert document.keys() <= set("openapi info servers paths components security tags".split())


def test_every_operation_is_valid(document):
    known = set("tags summary description operationId parameters requestBody responses security".split())
    ids = []
    for method, template, operation in operations(document):
        assert operation.keys() <= known
        assert operation["summary"]
        assert operation["responses"]
        ids.append(operation["operationId"])
        mine = [parameter for m, t, parameter in parameters(document) if (m, t) == (method, template)]
        assert len({(each["name"], each["in"]) for each in mine}) == len(mine)
        in_path = {each["name"] for each in mine if each["in"] == "path" and each["required"] is True}
        assert in_path == set(re.findall(r"{(.*?)}", template))
    assert len(ids) == len(set(ids))


def test_every_parameter_is_valid(document):
    for _, _, each in parameters(document):
        assert each["in"] in ("query", "header", "path")
        assert each.keys() <= set("name in description required allowEmptyValue schema".split())
        assert each["in"] != "header" or each["name"].lower() not in (
            "accept",
            "content-type",
            "authorization",
        )


def test_every_response_is_valid(document):
    for place, status, response in responses(document):
        assert 200 <= status < 600, place
        assert response.keys() <= {"description", "headers", "content"}, place
        assert "content-type" not in {name.lower() for name in response["headers"]}, place
        for header in (follow(document, each) for each in response["headers"].values()):
            assert header.keys() <= {"description", "required", "schema", "example"}, place
        if status >= 400:
            (media,) = response["content"].values()
            assert media["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}, place


def test_every_schema_is_valid_and_easy_for_generators(document):
    for schema in schemas(document):
        assert schema.keys() <= KEYWORDS.keys() | NOTES, schema
        kinds = schema.get("type", [])
        assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES.keys()
        assert "allOf" not in schema
        assert not any("required" in each for each in schema.get("anyOf", []))
        assert "const" not in schema or "type" in schema
        assert "minimum" not in schema or "integer" in kinds or schema["format"] == "double"
        for example in (*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])):
            check(document, schema, example)


def test_every_reference_is_valid_and_every_component_used(document):
    used = {value["$ref"] for _, value in walk(document) if isinstance(value.get("$ref"), str)}
    assert all(resolve(document, reference) for reference in used)
    kinds = ("schemas", "responses", "parameters", "headers")
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    assert {reference for reference in used if "$defs" not in reference} == there


def test_the_security_schemes_are_correct(app, document, broker):
    schemes = document["components"]["securitySchemes"]
    required = [document["security"], *(o.get("security", []) for _, _, o in operations(document))]
    assert {name for either in required for needs in either for name in needs} == schemes.keys()
    for scheme in schemes.values():
        assert (scheme["type"], scheme["in"]) == ("apiKey", "header")
        Api(app).ask("GET", COLLECTION, **{scheme["name"]: broker.key})
    for method, template, operation in operations(document):
        answer = Api(app).ask(method.upper(), template, status="*")
        assert (answer.status_int == 401) == (operation.get("security") != [])


# --- code generators and readers


def objects(document):
    """Every object schema with properties, with its place among the schemas."""
    for place, schema in walk(document["components"]["schemas"]):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield place, schema


def test_every_object_has_a_name_of_its_own(document):
    """A generator names an inline object after its place, or gives it no type."""
    assert [place for place, _ in objects(document) if place.count("/") != 1] == []
    for place, media in media_types(document):
        assert media["schema"].keys() == {"$ref"} or media["schema"] == {"type": "string"}, place
    taken = """Error Exception Object String Number Boolean Map Set List Date Response Request Symbol Promise
        Record Any None Type Optional File"""
    assert not set(taken.split()) & document["components"]["schemas"].keys()


def test_the_schemas_of_a_client_have_their_special_rules(document):
    """At least one change; other preferences; no pattern in responses, which may be older than a rule."""
    parts = document["components"]["schemas"]
    assert parts["ClientChanges"]["minProperties"] == 1
    assert parts["PropertyPreferences"]["additionalProperties"] is True
    assert not any("pattern" in schema for _, schema in walk(parts["Client"]["properties"]))


def test_the_details_of_a_stale_version_are_typed(document):
    parts = document["components"]["schemas"]
    required = {"currentVersion", "attemptedVersion", "changedFields", "changedAt"}
    assert set(parts["VersionDetails"]["required"]) == required
    assert parts["ErrorDetails"]["anyOf"][0]["items"] == {"$ref": "#/components/schemas/FieldError"}
    assert {"$ref": "#/components/schemas/VersionDetails"} in parts["ErrorDetails"]["anyOf"]


def test_everything_has_a_description(document):
    described = [
        *((operation["operationId"], operation) for _, _, operation in operations(document)),
        *((each["name"], each) for _, _, each in parameters(document)),
        *((place, response) for place, _, response in responses(document)),
        *document["components"]["headers"].items(),
        *((tag["name"], tag) for tag in document["tags"]),
        *((f"{place}/{name}", schema) for place, owner in objects(document)
          for name, schema in owner["properties"].items()),
    ]  # fmt: skip
    assert [name for name, each in described if not each.get("description", "").endswith((".", "`"))] == []
    for field in FIELDS:
        for owner in ("Client", "ClientInput", "ClientChanges"):
            properties = document["components"]["schemas"][owner]["properties"]
            assert properties[field.name]["description"] == field.description


# --- examples


def test_every_body_has_an_example_that_fits(document):
    found = set()
    for place, media in media_types(document):
        named = [each["value"] for each in media.get("examples", {}).values()]
        examples = [*([media["example"]] if "example" in media else []), *named]
        for example in examples:
            check(document, media["schema"], example, place)
        found |= {place} if examples else set()
    assert {place for place, _ in media_types(document)} - found == {"get /openapi.json 200"}


def test_the_examples_are_responses_of_the_app(tmp_path):
    """With ACARE_TEST_RECORD=1, the test records them again."""
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="100000/1", clock=lambda: 0) as app:
        recorded = record(served_by(app), app)
    if os.environ.get("ACARE_TEST_RECORD"):
        EXAMPLES.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert json.loads(EXAMPLES.read_text("utf-8")) == recorded


# --- the document and the app agree about every value

OTHER_VALUES = [
    None, *VALUES["tags"][1], *(f"a{space}b" for space in SPACES), *SPACES, "a\x9f@b", " 1 ", "1é",
    "e\u0301" * 51, *(f" {'1' * length} " for length in (40, 41, 50, 51, 100, 101, 200, 201)),
    {"a": ["\x7f"]}, {"a": {"c\td": 1}},
]  # fmt: skip


def has_surrogate(value):
    """JSON Schema cannot express this rule."""
    return re.search(r"\\u(d[89a-f])", json.dumps(value).replace(r"\ud83c\udfe1", "")) is not None


def accepts(clean, body):
    try:
        clean(body)
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(
    ("owner", "clean"), [("ClientInput", validate_create), ("ClientChanges", validate_update)]
)
def test_document_and_app_agree_about_a_field(document, owner, clean, name):
    """For its own values and those of all other fields."""
    schema = {"$ref": f"#/components/schemas/{owner}"}
    every_value = [value for accepted, rejected in VALUES.values() for value in (*accepted, *rejected)]
    disagreed = []
    for value in (*every_value, *OTHER_VALUES):
        body = {**(JORDAN if clean is validate_create else {}), name: value}
        if not has_surrogate(value) and fits(document, schema, body) != accepts(clean, body):
            disagreed.append(f"{value!r:.40}")
    assert disagreed == []


BODIES = [{}, {"unknown": 1}, {"version": 1}, {"id": "x"}, [], None, "x", 1,
          *({"notes": "x", "version": version}
            for version in (None, 0, -1, "1", True, 1.5, [], 1, 3.0, 0.0, 1e300, 2**70)),
          *({n: v for n, v in JORDAN.items() if n != missing} for missing in JORDAN)]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:40])
def test_document_and_app_agree_about_a_body(document, body):
    for owner, clean in (("ClientInput", validate_create), ("ClientChanges", validate_update)):
        assert fits(document, {"$ref": f"#/components/schemas/{owner}"}, body) is accepts(clean, body)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("page", ["1", "0", "-1", "99", str(10**22)]),
        ("limit", ["1", "0", "-1", "100", "101", str(10**22)]),
        ("client_type", [*CLIENT_TYPES, "Buyer", "all"]),
        ("status", [*STATUSES, "Active", "all"]),
        ("q", ["a", " a ", " ", "a b", "\t", "a\0", "a\x9f", "é" * 200, "a" * 201, f" {'a' * 200} "]),
        ("email", ["a@b", " a@b ", "A@b.C", "a", "@b", "a@", "a@b@c", "a @b", "a@b\n", f"{'a' * 252}@bc"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_and_app_agree_about_a_query(document, broker, name, texts):
    (parameter,) = (p for m, t, p in parameters(document) if (m, t, p["name"]) == ("get", COLLECTION, name))
    schema = follow(document, parameter["schema"])
    assert parameter["allowEmptyValue"] is True
    broker.get(f"{COLLECTION}?{name}=")
    for text in texts:
        value = int(text) if schema["type"] == "integer" else text
        broker.get(f"{COLLECTION}?{name}={quote(text)}", 200 if fits(document, schema, value) else 400)


def test_document_and_app_agree_about_an_idempotency_key(document, broker):
    (schema,) = (p["schema"] for _, _, p in parameters(document) if p["name"] == "Idempotency-Key")
    assert schema["pattern"] == IDEMPOTENCY_KEY_PATTERN
    for key in (
        "k",
        '"k"',
        "k" * 255,
        "k" * 256,
        f'"{"k" * 255}"',
        f'"{"k" * 256}"',
        "a b",
        '"',
        '""',
        'a"b',
        "a\\b",
    ):
        status = 201 if fits(document, schema, key) else 400
        broker.ask("POST", COLLECTION, JORDAN, status, Idempotency_Key=key)


def test_a_client_has_exactly_the_documented_members(document, broker):
    client = document["components"]["schemas"]["Client"]
    assert set(broker.create()) == set(client["properties"]) == set(client["required"])


# --- where it is


@pytest.mark.parametrize(("mount", "url"), [("", "/"), ("/crm", "/crm"), ("/a/b", "/a/b")])
def test_its_server_follows_the_mount_point(app, capsys, mount, url):
    served = served_by(app, SCRIPT_NAME=mount)
    assert served["servers"] == [{"url": url}]
    assert main(["openapi", *(["--prefix", mount] if mount else [])]) == 0
    assert json.loads(capsys.readouterr().out) == served


def test_it_takes_no_token_and_head_has_no_body(app):
    assert "RateLimit-Limit" not in Api(app).get("/openapi.json").headers
    assert Api(app).head("/openapi.json").body == b""


def test_the_command_makes_no_file(tmp_path):
    assert command.run("openapi", cwd=tmp_path).code == 0
    assert list(tmp_path.iterdir()) == []
