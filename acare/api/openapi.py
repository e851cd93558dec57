"""The OpenAPI 3.1 document, built from ``acare.fields`` and the tables in ``openapi_tables``.

The examples are responses of the app, which the tests record in ``examples.json``.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib import resources
from typing import Any

from acare.api import openapi_tables as tables
from acare.fields import FIELDS, Field

Json = dict[str, Any]


@lru_cache(maxsize=8)
def text(version: str, prefix: str) -> str:
    """The document as JSON, cached by prefix."""
    return json.dumps(document(version, prefix))


def document(version: str, prefix: str = "") -> Json:
    """The document for an app that is mounted under ``prefix``."""
    examples = json.loads(resources.files(__package__).joinpath("examples.json").read_text("utf-8"))
    schemes = {name: {"type": "apiKey", "in": "header", "name": name} for name in ("X-API-Key", "API-Key")}
    about = "The clients of a real-estate agency: list, create, get, update and delete."
    return {
        "openapi": "3.1.0",
        "info": {"title": "acare Clients API", "version": version, "description": about},
        "servers": [{"url": prefix or "/"}],
        "security": [{name: []} for name in schemes],
        "tags": [{"name": name, "description": said} for name, said in tables.TAGS.items()],
        "paths": _paths(examples),
        "components": {
            "securitySchemes": schemes,
            "parameters": {row[0]: _parameter(*heading, *row) for heading, row in _rows(tables.PARAMETERS)},
            "headers": {row[0].strip("?"): _header(*row) for _, row in _rows(tables.HEADERS)},
            "responses": {row[1]: _error(examples, *row) for _, row in _rows(tables.ERRORS)},
            "schemas": _schemas(),
        },
    }


def _paths(examples: Json) -> Json:
    paths: Json = {}
    for (call, name, summary), rows in _blocks(tables.OPERATIONS):
        method, path = call.split()
        about = {"operationId": name, "summary": summary}
        paths.setdefault(path, {})[method.lower()] = about | _operation(path, rows, examples.get(name, {}))
    return paths


def _operation(path: str, rows: list[list[str]], examples: Json) -> Json:
    is_api = path.startswith("/v1/")
    facts = {name: words.split() for name, words in (row for row in rows if len(row) == 2)}
    errors = ["413", "415", *facts.get("errors", []), *(tables.API_ERRORS if is_api else [])]
    headers = [*(tables.API_HEADERS if is_api else tables.API_HEADERS[:1]), *facts.get("headers", [])]
    successes = {
        status: {"description": said, "headers": _refs(headers), **_content(schema, examples.get(status))}
        for status, schema, said in (row for row in rows if len(row) == 3)
    }
    names = {status: name for _, (status, name, *_) in _rows(tables.ERRORS)}
    operation: Json = {
        "description": " ".join(row[0] for row in rows if len(row) == 1),
        "tags": [path.split("/")[2] if is_api else "system"],
        **({} if is_api else {"security": []}),
        "parameters": [_ref(name, "parameters") for name in facts.get("takes", [])],
        "responses": successes | {status: _ref(names[status], "responses") for status in sorted(errors)},
    }
    if "sends" in facts:
        operation["requestBody"] = {"required": True, **_content(facts["sends"][0], examples.get("request"))}
    return operation


def _content(schema: str, example: Json | None) -> Json:
    name, _, other = schema.partition(" or ")
    media = {"schema": _ref(name), **({"example": example} if example else {})}
    others = {other: {"schema": {"type": "string"}}} if other else {}
    return {} if name == "-" else {"content": {"application/json": media, **others}}


def _parameter(place: str, name: str, kind: str, description: str) -> Json:
    rules: Json = {"path": {"required": True}, "query": {"allowEmptyValue": True}, "header": {}}
    return {"name": name, "in": place, "description": description, **rules[place], "schema": _type(kind)}


def _header(name: str, kind: str, description: str) -> Json:
    return {"description": description, "required": not name.endswith("?"), "schema": _type(kind)}


def _error(examples: Json, status: str, name: str, headers: str, description: str) -> Json:
    """A response that operations share, with its distinct examples."""
    different: Json = {}
    for operation, answers in examples.items():
        answer = {"value": answers.get(status)}
        if answer["value"] and answer not in different.values():
            different[operation] = answer
    return {
        "description": description,
        "headers": _refs([*tables.API_HEADERS, *headers.strip("-").split()]),
        "content": {"application/json": {"schema": _ref("ErrorResponse"), "examples": different}},
    }


def _schemas() -> Json:
    table = tables.OBJECTS + "".join(tables.SUCCESS.format(name=name) for name in tables.RESULTS)
    objects = {name: _object(name, description, rows) for (name, description), rows in _blocks(table)}
    # Requires at least one of the fields without "anyOf", for which code generators create no type.
    none: Json = {"properties": {field.name: {"not": {}} for field in FIELDS}}
    objects["ClientChanges"] |= {"minProperties": 1, "not": none}
    problems = {"type": "array", "minItems": 1, "items": _ref("Problem")}
    return {
        **{field.schema_name: field.kind.schema() for field in FIELDS if field.schema_name},
        **objects,
        "ErrorDetails": {
            "description": "For 400 a list of problems, for other statuses an object.",
            "anyOf": [problems, *(_ref(name) for name in objects if name.endswith("Details"))],
        },
    }


def _object(name: str, description: str, rows: list[list[str]]) -> Json:
    """An object with the fields in the rows; those of a client have the client's fields too."""
    table = [(field, _type(kind), said) for field, kind, said in rows]
    if name in ("Client", "ClientInput", "ClientChanges"):
        table += [_field(field, name) for field in FIELDS]
    required = [field for field, _, _ in table if not field.endswith("?")]
    properties = {field.strip("?"): {**schema, "description": said} for field, schema, said in table}
    demanded = {"required": required} if required else {}
    return {"type": "object", "description": description, **demanded, "properties": properties}


def _field(field: Field, owner: str) -> tuple[str, Json, str]:
    """A field of a client as a row of the object ``owner``."""
    if owner == "Client":
        schema, optional = field.kind.stored_schema(), False
        may_be_null = field.unset is None and not field.required
    else:
        schema, optional = field.kind.schema(), owner == "ClientChanges" or not field.required
        may_be_null = not field.required
    schema = _ref(field.schema_name) if field.schema_name else schema
    return field.name + "?" * optional, _nullable(schema) if may_be_null else schema, field.description


def _ref(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _refs(headers: list[str]) -> Json:
    return {name: _ref(name, "headers") for name in headers}


def _type(kind: str) -> Json:
    """The schema of a type in a table."""
    if kind.endswith("|null"):
        return _nullable(_type(kind.removesuffix("|null")))
    if kind.endswith("[]"):
        return {"type": "array", "items": _type(kind[:-2])}
    if kind.endswith("{}"):
        return {"type": "object", "additionalProperties": _type(kind[:-2])}
    return tables.TYPES.get(kind) or _ref(kind)


def _nullable(schema: Json) -> Json:
    null = {"type": "null"}
    return {"anyOf": [schema, null]} if "$ref" in schema else {**schema, "type": [schema["type"], "null"]}


def _blocks(table: str) -> list[tuple[list[str], list[list[str]]]]:
    """Each heading of a table with the rows below it, in columns."""
    blocks: list[tuple[list[str], list[list[str]]]] = []
    for line in filter(None, table.splitlines()):
        columns = re.split("  +", line.strip())
        blocks[-1][1].append(columns) if line.startswith(" ") else blocks.append((columns, []))
    return blocks


def _rows(table: str) -> list[tuple[list[str], list[str]]]:
    """Each row of a table with its heading."""
    return [(heading, row) for heading, rows in _blocks(table) for row in rows]
