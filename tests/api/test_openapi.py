"""/openapi.json is true: every answer is in it, everything in it can be had, and it is valid OpenAPI 3.1."""

import json
import re
import subprocess
import sys

import pytest
from support.client import Api
from support.data import JORDAN, OTHER, WHOLE
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
    operations,
    resolve,
)
from webtest import TestApp

import acare
from acare.cli import main
from acare.errors import StoreUnavailable
from acare.fields import CLIENT_TYPES, FIELDS, STATUSES

NOBODY = "00000000-0000-4000-8000-000000000000"
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


class Scene:
    """What a request of the table may need: callers, clients, and apps that refuse."""

    def __init__(self, app, monkeypatch):
        self.app = app
        self.api = self.caller(app)
        self.unscoped = Api(app, app.keys.create("nobody@example.com", {}).key)
        self.stranger = Api(app, None)
        self.monkeypatch = monkeypatch
        self.others = []  # apps beside the first

    @staticmethod
    def caller(app):
        return Api(app, app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key)

    def path(self):
        """A client at version 2."""
        client_id = self.api.create()["id"]
        self.api.put(client_id, {"notes": "the second version"})
        return f"/v1/clients/{client_id}"

    def break_store(self, error):
        def fail(*_, **__):
            raise error

        for name in ("page", "get", "create", "update", "delete"):
            self.monkeypatch.setattr(self.app.clients, name, fail)


class Ask:
    """A request of the table, and the status that it gets. ``body`` bytes are sent as they are."""

    def __init__(self, method, path, status, body=None, media="application/json", prepare=None, **headers):
        self.method, self.path, self.status, self.body, self.media = method, path, status, body, media
        self.prepare = prepare or (lambda scene: scene.api)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __repr__(self):
        sent = f" {self.body!r:.40}" if self.body is not None else ""
        return f"{self.method} {self.path} {self.status}{sent} {' '.join(self.headers)}".strip()

    def run(self, scene):
        """The path that was asked for, and the answer."""
        path = self.path.replace("{id}", scene.path().rpartition("/")[2] if "{id}" in self.path else "")
        caller = self.prepare(scene)
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        body = b"" if self.body is None else body
        sent = {**caller.headers, **self.headers, **({"Content-Type": self.media} if body else {})}
        app = TestApp(caller.web.app, lint=False)
        answer = app.request(path, method=self.method, headers=sent, body=body, status="*")
        assert answer.status_int == self.status, answer.text
        return path, answer


def stranger(scene):
    return scene.stranger


def unscoped(scene):
    return scene.unscoped


def unavailable(scene):
    scene.break_store(StoreUnavailable("The database is busy."))
    return scene.api


def defective(scene):
    scene.break_store(RuntimeError("a defect"))
    return scene.api


def not_ready(scene):
    scene.app.draining = True
    return scene.stranger


def defective_checks(scene):
    def fail():
        raise RuntimeError("a defect")

    scene.monkeypatch.setattr(scene.app.database, "run_checks", fail)
    return scene.stranger


def another_app(**options):
    """A caller of an app with other settings on the same file."""

    def prepare(scene):
        settings = {"rate_limit": "off", **options}
        app = acare.create_app(database=scene.app.database.path, **settings)
        scene.others.append(app)
        return Api(app, scene.api.key)

    return prepare


def exhausted(scene):
    caller = another_app(rate_limit="1/900")(scene)
    caller.get("/v1/clients")
    return caller


def retried(body):
    """The same Idempotency-Key, which came with Jordan before, now with ``body``."""

    def prepare(scene):
        headers = {**scene.api.headers, "Idempotency-Key": "k"}
        scene.api.web.post_json("/v1/clients", JORDAN, headers=headers, status="*")
        return scene.api

    return Ask(
        "POST", "/v1/clients", 201 if body == JORDAN else 422, body, prepare=prepare, Idempotency_Key="k"
    )


COLLECTION, ITEM = "/v1/clients", "/v1/clients/{id}"
CHANGE = {"notes": "x"}
# Method, path and body of a request that succeeds.
GOOD = [
    ("GET", COLLECTION, None),
    ("POST", COLLECTION, JORDAN),
    ("GET", ITEM, None),
    ("PUT", ITEM, CHANGE),
    ("DELETE", ITEM, None),
]
TABLE = [
    Ask("GET", COLLECTION, 200),
    Ask("GET", f"{COLLECTION}?page=2&limit=1", 200),
    Ask("GET", f"{COLLECTION}?page=99&limit=1000", 200),
    Ask("GET", f"{COLLECTION}?client_type=both&status=closed", 200),
    Ask("HEAD", COLLECTION, 200),
    Ask("GET", f"{COLLECTION}?page=0", 400),
    Ask("GET", f"{COLLECTION}?limit=x&status=lost&client_type=tenant&page=-1", 400),
    Ask("POST", COLLECTION, 201, JORDAN),
    Ask("POST", COLLECTION, 201, WHOLE),
    Ask("POST", COLLECTION, 201, {**OTHER, "property_preferences": {"x": [None, {"y": 1.5}]}}),
    Ask("POST", COLLECTION, 201, JORDAN, Idempotency_Key='"a-key"'),
    retried(JORDAN),
    retried({**JORDAN, "notes": "x"}),
    Ask("POST", COLLECTION, 400, {}),
    Ask("POST", COLLECTION, 400, []),
    Ask("POST", COLLECTION, 400, b"{"),
    Ask("POST", COLLECTION, 400, JORDAN, Idempotency_Key="not a key"),
    Ask("POST", COLLECTION, 415, b"first_name=Jordan", "application/x-www-form-urlencoded"),
    Ask("GET", ITEM, 200),
    Ask("HEAD", ITEM, 200),
    Ask("GET", ITEM, 200, If_None_Match='"1"'),
    Ask("GET", ITEM, 304, If_None_Match='"2"'),
    Ask("HEAD", ITEM, 304, If_None_Match="*"),
    Ask("GET", f"{COLLECTION}/{NOBODY}", 404),
    Ask("HEAD", f"{COLLECTION}/{NOBODY}", 404),
    Ask("GET", f"{COLLECTION}/x", 404),
    Ask("PUT", ITEM, 200, CHANGE),
    Ask("PUT", ITEM, 200, OTHER),
    Ask("PUT", ITEM, 200, {**dict.fromkeys((f.name for f in FIELDS if not f.required), None), "version": 2}),
    Ask("PUT", ITEM, 200, CHANGE, If_Match='"1", "2"'),
    Ask("PUT", ITEM, 400, {}),
    Ask("PUT", ITEM, 400, {**CHANGE, "version": None}),
    Ask("PUT", ITEM, 400, {"budget_min": 2, "budget_max": 1}),
    Ask("PUT", ITEM, 409, {**CHANGE, "version": 1}),
    Ask("PUT", ITEM, 409, {**CHANGE, "version": 9}),
    Ask("PUT", ITEM, 412, CHANGE, If_Match='"1"'),
    Ask("PUT", ITEM, 412, CHANGE, If_Match="garbage"),
    Ask("PUT", ITEM, 415, b"<notes/>", "application/xml"),
    Ask("PUT", ITEM, 428, CHANGE, prepare=another_app(require_precondition="true")),
    Ask("PUT", f"{COLLECTION}/{NOBODY}", 404, CHANGE),
    Ask("DELETE", ITEM, 200),
    Ask("DELETE", ITEM, 200, If_Match="*"),
    Ask("DELETE", ITEM, 412, If_Match='W/"2"'),
    Ask("DELETE", ITEM, 428, prepare=another_app(require_precondition="true")),
    Ask("DELETE", f"{COLLECTION}/{NOBODY}", 404),
    *(Ask(method, path, 401, body, prepare=stranger) for method, path, body in GOOD),
    *(Ask(method, path, 401, body, prepare=stranger, X_API_Key="f" * 64) for method, path, body in GOOD),
    *(Ask(method, path, 403, body, prepare=unscoped) for method, path, body in GOOD),
    *(Ask(method, path, 413, b" " * 65_537) for method, path, _ in GOOD),
    *(Ask(method, path, 429, body, prepare=exhausted) for method, path, body in GOOD),
    *(Ask(method, path, 500, body, prepare=defective) for method, path, body in GOOD),
    *(Ask(method, path, 503, body, prepare=unavailable) for method, path, body in GOOD),
    Ask("GET", "/healthz", 200, prepare=stranger),
    Ask("HEAD", "/healthz", 200, prepare=stranger),
    Ask("GET", "/readyz", 200, prepare=stranger),
    Ask("GET", "/readyz", 500, prepare=defective_checks),
    Ask("GET", "/readyz", 503, prepare=not_ready),
]


@pytest.fixture
def scene(world, monkeypatch):
    scene = Scene(world, monkeypatch)
    yield scene
    world.draining = False
    for app in scene.others:
        app.close()


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


def test_every_route_and_method_of_the_app_is_in_the_document(broker, document):
    """Apart from the two that describe, and from OPTIONS and HEAD, which stand by GET."""
    for path in ("/v1/clients", "/v1/clients/{id}", "/healthz", "/readyz"):
        answer = broker.web.options(path, headers=broker.headers)
        allowed = set(answer.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"}
        assert allowed == {method.upper() for method in METHODS if method in document["paths"][path]}
    assert len(document["paths"]) == 4


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
            yield method, template, parameter


def answers(document):
    for method, template, operation in operations(document):
        for status, response in operation["responses"].items():
            yield f"{method} {template} {status}", status, response


def media_types(document):
    """Every body in the document: its place and its media type object."""
    for method, template, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{method} {template}", media
    for place, _, response in answers(document):
        for media in response.get("content", {}).values():
            yield place, media


def schemas(document):
    """Every schema in the document, and those inside them."""
    roots = [*document["components"]["schemas"].values(), *(m["schema"] for _, m in media_types(document))]
    roots += [parameter["schema"] for _, _, parameter in parameters(document)]
    roots += [h["schema"] for _, _, response in answers(document) for h in response["headers"].values()]
    while roots:
        schema = roots.pop()
        yield schema
        roots += schema.get("properties", {}).values()
        for name in ("items", "additionalProperties", "not"):
            roots += [schema[name]] if name in schema else []
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
    assert {f"#/components/schemas/{name}" for name in document["components"]["schemas"]} == used


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
            assert each.keys() <= {"name", "in", "description", "required", "schema", "example", "examples"}
            assert each["in"] != "header" or each["name"].lower() not in RESERVED_PARAMETERS


def test_no_header_of_an_answer_is_reserved(document):
    for place, _, response in answers(document):
        assert "content-type" not in {name.lower() for name in response["headers"]}, place
        for header in response["headers"].values():
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


# --- examples


def test_every_example_fits_its_schema(document):
    for schema in schemas(document):
        for example in schema.get("examples", []):
            check(document, schema, example)
    for place, media in media_types(document):
        if "example" in media:
            check(document, media["schema"], media["example"], place)


def test_every_default_fits_its_schema(document):
    for schema in schemas(document):
        if "default" in schema:
            check(document, schema, schema["default"])


def test_every_error_and_every_request_body_has_an_example(document):
    for place, media in media_types(document):
        assert "example" in media or re.search(r" 20[01]$", place), place


def test_the_examples_of_requests_are_accepted(document, broker):
    for method, template, operation in operations(document):
        if "requestBody" in operation:
            client_id = broker.create()["id"]
            for notes in "ab":
                broker.put(client_id, {"notes": notes})  # the examples are of version 3
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


# A digit of another script makes a phone number too, which no pattern for all languages can say.
WORDS = ["Active", "BUYER", "a@b", "@", "a@", "@b", "a@b@c", "a b@c", "a@b.c", "no digit", "tel. 1", "a\nb",
         "1\n", "a\tb", "a\x00b", "1\x7f2", "a\x9f@b", "1é"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_document_and_the_app_agree_what_a_field_may_be(document, broker, method, name):
    schema = resolve(document, f"#/components/schemas/{'NewClient' if method == 'POST' else 'ClientChanges'}")
    path = COLLECTION if method == "POST" else f"{COLLECTION}/{broker.create()['id']}"
    disagreed = []
    for value in (*boundaries(schema["properties"][name]), *WORDS):
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
    assert not fits(document, {"$ref": "#/components/schemas/NewClient"}, body)
    broker.post(body, status=400)


@pytest.mark.parametrize("body", [{}, {"unknown": 1}, {"version": 1}, {"id": NOBODY}, [], None, "x", 1])
def test_the_document_and_the_app_agree_that_an_update_needs_a_field(document, broker, body):
    assert not fits(document, {"$ref": "#/components/schemas/ClientChanges"}, body)
    broker.put(broker.create()["id"], body, status=400)


@pytest.mark.parametrize("version", [None, 0, -1, "1", True, 1.5, [], 1, 2**70])
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
    (schema,) = (
        p["schema"] for m, t, p in parameters(document) if (m, t, p["name"]) == ("get", COLLECTION, name)
    )
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
