"""/openapi.json is true: every answer is in it, everything in it can be had, and it is valid OpenAPI 3.1."""

import json
import os
import re
import subprocess
import sys

import pytest
from support.client import Api
from support.data import JORDAN
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
from support.openapi_requests import COLLECTION, EXAMPLES, ITEM, NOBODY, TABLE, Ask, record, scene_in
from webtest import TestApp

import acare
from acare.cli import main
from acare.fields import CLIENT_TYPES, FIELDS, STATUSES

RESERVED_PARAMETERS = {"accept", "content-type", "authorization"}


def served_by(app, **environ):
    return TestApp(app).get("/openapi.json", extra_environ=environ).json


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An app with a limit on requests that nothing here reaches."""
    path = tmp_path_factory.mktemp("openapi") / "acare.db"
    with acare.create_app(database=path, rate_limit="100000/1") as app:
        yield app


@pytest.fixture(scope="module")
def document(world):
    return served_by(world)


@pytest.fixture(scope="module")
def broker(world):
    return Api(world, world.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key)


# --- every answer is in the document, and every answer in the document can be had


@pytest.fixture
def scene(world):
    with scene_in(world) as scene:
        yield scene


@pytest.mark.parametrize("ask", TABLE, ids=repr)
def test_an_answer_is_as_the_document_says(document, scene, ask):
    path, answer = ask.run(scene)
    check_answer(document, ask.method, path, answer.status_int, answer.headers, answer.body)


def template_of(document, ask):
    """Method and path template of the operation that a request is for."""
    template, _ = find(document, ask.method, ask.path)
    return "get" if ask.method == "HEAD" else ask.method.lower(), template


def test_every_answer_that_the_document_has_was_had(document):
    documented = {
        (method, template, status)
        for method, template, operation in operations(document)
        for status in operation["responses"]
    }
    had = {(*template_of(document, ask), str(ask.status)) for ask in TABLE}
    assert documented - had == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", COLLECTION), ("DELETE", COLLECTION), ("PATCH", COLLECTION), ("POST", ITEM), ("PATCH", ITEM),
     ("TRACE", ITEM), ("POST", "/healthz"), ("PUT", "/readyz"), ("POST", "/openapi.json"), ("DELETE", "/")],
)  # fmt: skip
def test_a_method_that_the_document_does_not_have_is_405_and_told_which_there_are(
    document, scene, method, path
):
    _, answer = Ask(method, path, 405).run(scene)
    allowed = set(answer.headers["Allow"].split(", "))
    assert method not in allowed
    assert {each.upper() for each in METHODS if each in document["paths"].get(path, {})} <= allowed


def test_every_route_and_method_is_in_the_document(broker, document):
    """Apart from OPTIONS and HEAD, which stand by GET."""
    paths = ("/v1/clients", "/v1/clients/{id}", "/v1/users", "/v1/users/me")
    paths += ("/healthz", "/readyz", "/openapi.json", "/")
    for path in paths:
        answer = broker.web.options(path, headers=broker.headers)
        allowed = set(answer.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
        assert allowed == {method.upper() for method in METHODS if method in document["paths"][path]}
    assert set(document["paths"]) == set(paths)


# --- the checker has teeth


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 418}, "418 is not in the document"),
        ({"method": "PATCH"}, "not in the document"),
        ({"path": "/v2"}, "not in the document"),
        ({"drop": "ETag"}, "has no ETag"),
        ({"drop": "X-Request-ID"}, "has no X-Request-ID"),
        ({"body": b'{"success": false}'}, "required"),
        ({"body": b'{"success": true, "data": {}, "timestamp": "2026-07-15T14:32:10.000Z"}'}, "required"),
        ({"media": "text/html"}, "is text/html"),
    ],
)
def test_an_answer_that_is_not_in_the_document_does_not_pass(document, broker, change, said):
    path = f"{COLLECTION}/{broker.create()['id']}"
    answer = broker.get(path)
    dropped = change.get("drop", "").lower()
    headers = {name: value for name, value in answer.headers.items() if name.lower() != dropped}
    headers |= {"content-type": change["media"]} if "media" in change else {}
    with pytest.raises(Misfit, match=said):
        check_answer(
            document,
            change.get("method", "GET"),
            change.get("path", path),
            change.get("status", 200),
            headers,
            change.get("body", answer.body),
        )


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.5), ({"type": "integer"}, True), ({"type": ["string", "null"]}, 1),
        ({"type": "object"}, []), ({"const": True}, 1), ({"enum": [1, None]}, "1"),
        ({"minLength": 2}, "a"), ({"maxLength": 2}, "abc"), ({"minimum": 0}, -0.5), ({"maximum": 1}, 2),
        ({"minItems": 1}, []), ({"maxItems": 1}, [1, 2]), ({"maxProperties": 0}, {"a": 1}),
        ({"required": ["a"]}, {}), ({"properties": {"a": {"type": "null"}}}, {"a": 1}),
        ({"items": {"type": "null"}}, [None, 1]), ({"additionalProperties": {"type": "null"}}, {"a": 1}),
        ({"format": "uuid"}, "x"), ({"format": "date-time"}, "2026-07-15"), ({"pattern": "^a$"}, "ba"),
        ({"allOf": [{}, {"type": "null"}]}, 1), ({"anyOf": [{"type": "null"}, {"const": 2}]}, 1),
        ({"oneOf": [{}, {"const": 1}]}, 1), ({"not": {}}, 1),
        ({"$ref": "#/components/schemas/Client"}, {}),
    ],
)  # fmt: skip
def test_a_value_that_breaks_a_keyword_does_not_pass(document, schema, value):
    assert not fits(document, schema, value)


def test_a_keyword_that_the_checker_does_not_know_is_an_error(document):
    with pytest.raises(TypeError, match="multipleOf"):
        check(document, {"multipleOf": 2}, 1)


# --- it is valid OpenAPI 3.1


def walk(value, place="#"):
    """Every object of the document with its place."""
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


def answers(document):
    for method, template, operation in operations(document):
        for status, response in operation["responses"].items():
            yield f"{method} {template} {status}", status, follow(document, response)


def media_types(document):
    """Every body in the document: its place and its media type object."""
    for method, template, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{method} {template}", media
    for place, _, response in answers(document):
        for media in response.get("content", {}).values():
            yield place, media


def examples(document):
    """Every example of a body: its place, its schema and the example."""
    for place, media in media_types(document):
        named = [each["value"] for each in media.get("examples", {}).values()]
        for example in [*([media["example"]] if "example" in media else []), *named]:
            yield place, media["schema"], example


def schemas(document):
    """Every schema in the document, and those inside them."""
    parts = document["components"]
    roots = [*parts["schemas"].values(), *(media["schema"] for _, media in media_types(document))]
    roots += [each["schema"] for each in (*parts["parameters"].values(), *parts["headers"].values())]
    while roots:
        schema = roots.pop()
        yield schema
        roots += schema.get("properties", {}).values()
        roots += schema.get("$defs", {}).values()
        for name in ("items", "additionalProperties", "propertyNames", "not", "if", "then"):
            roots += [schema[name]] if isinstance(schema.get(name), dict) else []
        for name in ("allOf", "anyOf", "oneOf"):
            roots += schema.get(name, [])


def test_it_has_what_a_document_must_have(document):
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert {"title", "version"} <= document["info"].keys()
    known = {"openapi", "info", "jsonSchemaDialect", "servers", "paths", "webhooks", "components", "security",
             "tags", "externalDocs"}  # fmt: skip
    assert document.keys() <= known
    assert document["info"]["version"] == acare.__version__


def test_every_operation_has_what_it_must_have(document):
    known = {
        "tags",
        "summary",
        "description",
        "operationId",
        "parameters",
        "requestBody",
        "responses",
        "security",
    }
    for _, template, operation in operations(document):
        assert template.startswith("/")
        assert {"operationId", "summary", "responses"} <= operation.keys() <= known
        assert operation["responses"]


def test_every_operation_has_an_id_of_its_own(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_answer_has_a_status_a_description_and_known_members(document):
    for place, status, response in answers(document):
        assert re.fullmatch(r"[1-5]\d\d", status), place
        assert response["description"], place
        assert response.keys() <= {"description", "headers", "content", "links"}, place


def test_every_reference_leads_somewhere(document):
    for place, value in walk(document):
        if "$ref" in value:
            assert resolve(document, value["$ref"]), place


def test_nothing_in_the_components_is_left_over(document):
    used = {value["$ref"] for _, value in walk(document) if isinstance(value.get("$ref"), str)}
    kinds = ("schemas", "responses", "parameters", "headers")
    there = {f"#/components/{kind}/{name}" for kind in kinds for name in document["components"][kind]}
    assert {reference for reference in used if "$defs" not in reference} == there


def test_every_parameter_of_a_path_is_declared_and_required(document):
    for method, template, _ in operations(document):
        declared = [
            parameter for m, t, parameter in parameters(document)
            if (m, t, parameter["in"]) == (method, template, "path")
        ]  # fmt: skip
        assert {parameter["name"] for parameter in declared} == set(re.findall(r"{(.*?)}", template))
        assert all(parameter["required"] is True for parameter in declared)


def test_every_parameter_has_a_name_a_place_and_a_schema_and_comes_once(document):
    for method, template, operation in operations(document):
        mine = [parameter for m, t, parameter in parameters(document) if (m, t) == (method, template)]
        assert len({(each["name"], each["in"]) for each in mine}) == len(mine), operation["operationId"]
        for each in mine:
            assert each["in"] in ("query", "header", "path", "cookie")
            assert each.keys() <= {"name", "in", "description", "required", "allowEmptyValue", "schema"}
            assert each["in"] != "header" or each["name"].lower() not in RESERVED_PARAMETERS


def test_no_header_of_an_answer_is_reserved(document):
    for place, _, response in answers(document):
        assert "content-type" not in {name.lower() for name in response["headers"]}, place
        for header in (follow(document, each) for each in response["headers"].values()):
            assert header.keys() <= {"description", "required", "schema", "example", "examples"}, place


def test_every_schema_uses_only_what_json_schema_has(document):
    for schema in schemas(document):
        assert schema.keys() <= KEYWORDS.keys() | NOTES, schema
        kinds = schema.get("type", [])
        assert set([kinds] if isinstance(kinds, str) else kinds) <= TYPES.keys()
        assert "nullable" not in schema  # that was OpenAPI 3.0


def test_every_security_scheme_that_is_demanded_is_there(document):
    schemes = document["components"]["securitySchemes"]
    demanded = [document["security"], *(o.get("security", []) for _, _, o in operations(document))]
    assert {name for either in demanded for needs in either for name in needs} == schemes.keys()
    assert {(s["type"], s["in"]) for s in schemes.values()} == {("apiKey", "header")}


@pytest.mark.parametrize("name", ["X-API-Key", "API-Key"])
def test_a_key_is_taken_where_the_security_scheme_says(document, broker, name):
    header = document["components"]["securitySchemes"][name]["name"]
    broker.web.get(COLLECTION, headers={header: broker.key}, status=200)


def test_exactly_the_operations_that_demand_no_key_need_none(document, world):
    for method, template, operation in operations(document):
        answer = TestApp(world).request(template, method=method.upper(), status="*")
        assert (answer.status_int == 401) == (operation.get("security") != [])


# --- what generators of code make of it


def objects(document):
    """Every object schema with fields, with its place among the schemas."""
    for place, schema in walk(document["components"]["schemas"]):
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            yield place, schema


def test_every_object_has_a_name_of_its_own(document):
    """A generator names an inline object after its place, or gives it no type."""
    assert [place for place, _ in objects(document) if place.count("/") != 1] == []
    for place, media in media_types(document):
        assert media["schema"].keys() == {"$ref"} or media["schema"] == {"type": "string"}, place


def test_no_name_shadows_one_that_languages_have(document):
    taken = """Error Exception Object String Number Boolean Map Set List Date Response Request Symbol Promise
        Record Any None Type Optional File"""
    assert not set(taken.split()) & document["components"]["schemas"].keys()


def test_every_error_has_the_one_schema(document):
    for place, status, response in answers(document):
        if int(status) >= 400:
            (media,) = response["content"].values()
            assert media["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}, place


def test_no_schema_is_composed_of_required_lists_or_overrides(document):
    for schema in schemas(document):
        assert "allOf" not in schema
        assert not any("required" in each for each in schema.get("anyOf", []))


def test_every_constant_has_a_type(document):
    assert all("type" in schema for schema in schemas(document) if "const" in schema)


def test_every_number_with_fractions_is_a_double(document):
    for schema in schemas(document):
        if "minimum" in schema and "integer" not in schema["type"]:
            assert schema["format"] == "double"


def test_changes_have_at_least_one_property(document):
    assert resolve(document, "#/components/schemas/ClientChanges")["minProperties"] == 1


def test_preferences_keep_the_keys_of_the_caller(document):
    assert resolve(document, "#/components/schemas/PropertyPreferences")["additionalProperties"] is True


def test_everything_has_a_description(document):
    described = [
        *((operation["operationId"], operation) for _, _, operation in operations(document)),
        *((each["name"], each) for _, _, each in parameters(document)),
        *document["components"]["headers"].items(),
        *((tag["name"], tag) for tag in document["tags"]),
        *((f"{place}/{name}", schema) for place, owner in objects(document)
          for name, schema in owner["properties"].items()),
    ]  # fmt: skip
    assert [name for name, each in described if not each.get("description", "").endswith((".", "`"))] == []


def test_the_description_of_a_field_is_the_same_everywhere(document):
    for field in FIELDS:
        for owner in ("Client", "ClientInput", "ClientChanges"):
            properties = resolve(document, f"#/components/schemas/{owner}")["properties"]
            assert properties[field.name]["description"] == field.description


def test_an_answer_has_no_pattern(document):
    """What was stored under an earlier rule must still fit."""
    client = resolve(document, "#/components/schemas/Client")["properties"]
    assert not any("pattern" in schema for field in client.values() for _, schema in walk(field))


def test_the_details_of_a_stale_version_are_typed(document):
    details = resolve(document, "#/components/schemas/VersionDetails")
    assert set(details["required"]) == {"currentVersion", "attemptedVersion", "changedFields", "changedAt"}
    errors = resolve(document, "#/components/schemas/ErrorDetails")["anyOf"]
    assert errors[0]["items"] == {"$ref": "#/components/schemas/Problem"}
    assert {"$ref": "#/components/schemas/VersionDetails"} in errors


# --- examples


def test_every_example_fits_its_schema(document):
    for schema in schemas(document):
        for example in schema.get("examples", []):
            check(document, schema, example)
    for place, schema, example in examples(document):
        check(document, schema, example, place)


def test_every_answer_with_a_body_has_an_example(document):
    """Apart from this document and from the page."""
    have = {place for place, _, _ in examples(document)}
    assert {place for place, _ in media_types(document)} - have == {"get /openapi.json 200"}


def test_the_examples_are_answers_of_the_app(document, tmp_path):
    """With ACARE_TEST_RECORD=1 it writes the file anew."""
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="100000/1", clock=lambda: 0) as app:
        recorded = record(document, app)
    if os.environ.get("ACARE_TEST_RECORD"):
        EXAMPLES.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert json.loads(EXAMPLES.read_text("utf-8")) == recorded


def test_every_default_fits_its_schema(document):
    for schema in schemas(document):
        if "default" in schema:
            check(document, schema, schema["default"])


def test_the_examples_of_requests_are_accepted(document, broker):
    for method, template, operation in operations(document):
        if "requestBody" in operation:
            client_id = broker.create()["id"]
            broker.put(client_id, {"notes": "x"})  # the example is of version 2
            example = operation["requestBody"]["content"]["application/json"]["example"]
            send = {"post": broker.web.post_json, "put": broker.web.put_json}[method]
            send(template.replace("{id}", client_id), example, headers=broker.headers, status="2*")


# --- the document and the app agree about every field

NAMES = [field.name for field in FIELDS]


def boundaries(schema):
    """Values at the bounds of a schema and just beyond, of its kind and of every other."""
    yield from (None, True, 0, 1, -1, 0.5, "x", [], {}, ["x"], [1], [None], [["x"]], {"a": {"b": []}}, "")
    yield from schema.get("enum", ())
    for limit in ("minLength", "maxLength"):
        if limit in schema:
            yield from ("1" * length for length in range(max(0, schema[limit] - 1), schema[limit] + 2))
            yield from ("é😀"[::-1] * (schema[limit] // 2), "e\u0301" * schema[limit])
            yield from (f"a@{'b' * (length - 2)}" for length in range(schema[limit] - 1, schema[limit] + 2))
    for limit in ("minimum", "maximum"):
        if limit in schema:
            bound = schema[limit]
            yield from (bound - 1, bound - 0.5, float(bound), bound, bound + 0.5, bound + 1, -0.0)
    if "maxItems" in schema:
        yield from (["x"] * number for number in (schema["maxItems"], schema["maxItems"] + 1))
        yield from ([value] for value in boundaries(schema["items"]))
    for name, member in schema.get("properties", {}).items():
        yield from ({name: value} for value in boundaries(member))


# White space is where languages differ: U+FEFF is white space to JavaScript alone.
SPACES = " \u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"
WORDS = [
    "Active", "BUYER", "a@b", "@", "a@", "@b", "a@b@c", "a b@c", "a@b.c", "no digit", "tel. 1", "a\nb", "1\n",
    "a\tb", "a\x00b", "1\x7f2", "a\x9f@b", "1é", "٠٦٦", "१", "９", "²", "①", "𝟏", " a ", " a@b ", " 1 ",
    *SPACES, *(f"a{space}b" for space in SPACES), *(f"{space}a@b{space}" for space in SPACES),
    *(f"{' ' * 300}{text}{' ' * 300}" for text in ("", "1", "1" * 40, "1" * 41, "a@b")),
    *(f" {'a' * length}@b " for length in (252, 253)),
    *(f" {'1' * length} " for length in (50, 51, 100, 101, 200, 201)),
]  # fmt: skip
NESTED = [
    {"a\x00": 1}, {"a": "\x00"}, {"a": ["\x7f"]}, {"a": {"b": [{"c": "\x85"}]}}, {"a": {"\x1b": 1}},
    {"a": "\n"}, {"property_types": ["\x01"]}, {"a": {"b": [{"c\td": None}]}}, {"a": [[[[{"b": True}]]]]},
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_document_and_the_app_agree_what_a_field_may_be(document, broker, method, name):
    schema = resolve(
        document, f"#/components/schemas/{'ClientInput' if method == 'POST' else 'ClientChanges'}"
    )
    path = COLLECTION if method == "POST" else f"{COLLECTION}/{broker.create()['id']}"
    disagreed = []
    field = schema["properties"][name]
    field = follow(document, field.get("anyOf", [field])[0])
    stored = resolve(document, "#/components/schemas/Client")["properties"][name]
    for value in (*boundaries(field), *boundaries(stored), *WORDS, *([text] for text in WORDS), *NESTED):
        body = {**JORDAN, name: value} if method == "POST" else {name: value}
        answer = broker.web.request(
            path,
            method=method,
            headers={**broker.headers, "Content-Type": "application/json"},
            body=json.dumps(body, ensure_ascii=False).encode(),
            status="*",
        )
        accepted = answer.status_int < 300
        if accepted != fits(document, schema, body):
            disagreed.append(f"{value!r:.40} is {'accepted' if accepted else 'refused'}")
    assert disagreed == []


@pytest.mark.parametrize("missing", ["first_name", "last_name", "client_type"])
def test_the_document_and_the_app_agree_what_is_required(document, broker, missing):
    body = {name: value for name, value in JORDAN.items() if name != missing}
    assert not fits(document, {"$ref": "#/components/schemas/ClientInput"}, body)
    broker.post(body, status=400)


@pytest.mark.parametrize("body", [{}, {"unknown": 1}, {"version": 1}, {"id": NOBODY}, [], None, "x", 1])
def test_the_document_and_the_app_agree_that_an_update_needs_a_field(document, broker, body):
    assert not fits(document, {"$ref": "#/components/schemas/ClientChanges"}, body)
    broker.put(broker.create()["id"], body, status=400)


@pytest.mark.parametrize("version", [None, 0, -1, "1", True, 1.5, [], 1, 3.0, 0.0, 1e300, 2**70])
def test_the_document_and_the_app_agree_what_a_version_may_be(document, broker, version):
    body = {"notes": "x", "version": version}
    answer = broker.put(broker.create()["id"], body, status="*")
    fit = fits(document, {"$ref": "#/components/schemas/ClientChanges"}, body)
    assert (answer.status_int != 400) is fit


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("page", ["1", "0", "-1", "99", str(10**22)]),
        ("limit", ["1", "0", "-1", "100", "101", str(10**22)]),
        ("client_type", [*CLIENT_TYPES, "Buyer", "all"]),
        ("status", [*STATUSES, "Active", "all"]),
    ],
)
def test_the_document_and_the_app_agree_what_a_query_may_have(document, broker, name, texts):
    (parameter,) = (p for m, t, p in parameters(document) if (m, t, p["name"]) == ("get", COLLECTION, name))
    schema = follow(document, parameter["schema"])
    assert parameter["allowEmptyValue"] is True
    broker.get(f"{COLLECTION}?{name}=")
    for text in texts:
        value = int(text) if schema["type"] == "integer" else text
        answer = broker.web.get(f"{COLLECTION}?{name}={text}", headers=broker.headers, status="*")
        fit = fits(document, schema, value)
        assert (answer.status_int == 200) is fit, text


@pytest.mark.parametrize(
    "key",
    ["k", '"k"', "k" * 255, "k" * 256, f'"{"k" * 255}"', f'"{"k" * 256}"', "a b", '"', '""', 'a"b', "a\\b"],
)
def test_the_document_and_the_app_agree_what_an_idempotency_key_may_be(document, broker, key):
    (schema,) = (p["schema"] for _, _, p in parameters(document) if p["name"] == "Idempotency-Key")
    headers = {**broker.headers, "Idempotency-Key": key}
    answer = broker.web.post_json(COLLECTION, JORDAN, headers=headers, status="*")
    fit = fits(document, schema, key)
    assert (answer.status_int == 201) is fit


def test_a_client_has_exactly_the_members_that_the_document_has(document, broker):
    client = resolve(document, "#/components/schemas/Client")
    assert set(broker.create()) == set(client["properties"]) == set(client["required"])


# --- where it is found


@pytest.mark.parametrize(("mount", "url"), [("", "/"), ("/crm", "/crm"), ("/a/b", "/a/b")])
def test_its_server_follows_the_path_that_the_app_is_mounted_at(world, mount, url):
    assert served_by(world, SCRIPT_NAME=mount)["servers"] == [{"url": url}]


def test_it_needs_no_key_and_costs_no_token(world):
    assert "RateLimit-Limit" not in TestApp(world).get("/openapi.json", status=200).headers


def test_head_of_it_has_no_body(world):
    assert TestApp(world).head("/openapi.json").body == b""


@pytest.mark.parametrize(
    ("arguments", "mount"), [([], ""), (["--prefix", "/crm"], "/crm")], ids=["plain", "prefix"]
)
def test_the_command_prints_what_the_server_serves(world, capsys, arguments, mount):
    assert main(["openapi", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == served_by(world, SCRIPT_NAME=mount)


def test_the_command_makes_no_file(tmp_path):
    subprocess.run([sys.executable, "-m", "acare", "openapi"], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []
