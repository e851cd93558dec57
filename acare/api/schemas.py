"""The schemas of the JSON objects in requests and responses, by their names in the OpenAPI document.

Those of a client follow from the list of its fields; the others are tables in a text.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from acare.api.request import MAX_LIMIT
from acare.auth import ACTIONS, ROLE
from acare.errors import INVALID_KEY
from acare.field_types import NAME, USER_EMAIL, Enum, FieldType, Schema
from acare.fields import FIELDS, Field
from acare.filters import FILTERS

_HISTORY_ACTIONS = ("created", "imported", "updated", "handed_over", "deleted", "restored")
_ENUMS = (ROLE, Enum(ACTIONS, "Action", "An action that a scope allows."))

# The types in the tables, besides the names of schemas.
_TYPES: Mapping[str, Schema] = {
    "any": {},
    # Generators fail for the type null alone, but not for a list that is always null.
    "null": {"type": ["array", "null"], "items": {}, "enum": [None]},
    "boolean": {"type": "boolean"},
    "count": {"type": "integer", "minimum": 0},
    "number": {"type": "integer", "minimum": 1},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    "text": {"type": "string"},
    "url": {"type": "string", "format": "uri-reference"},
    "key": {
        "type": "string",
        "minLength": 1,
        "maxLength": 257,
        "pattern": r'^([!#-\[\]-~]{1,255}|"[!#-\[\]-~]{1,255}")$',
    },
    "history action": Enum(_HISTORY_ACTIONS).schema,
    "reason": Enum(tuple(INVALID_KEY)).schema,
    "name": NAME.schema,
    "address": USER_EMAIL.schema,
    "uuid": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
}


def typed(word: str, description: str, example: str = "") -> Schema:
    """The schema of a type in a table: ``text``, ``User``, ``User[]``, or ``time?``, which can be null."""
    if word.endswith("?"):
        return _nullable(typed(word[:-1], description, example))
    if word.endswith("[]"):
        schema = {"type": "array", "items": typed(word[:-2], "")}
    else:
        schema = dict(_TYPES[word]) if word in _TYPES else refer(word)
    described = {"description": description} if description else {}
    return {**schema, **described, **({"examples": [_value(example)]} if example else {})}


def refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def of(kind: FieldType, **more: Any) -> Schema:
    """The schema of a type: a reference if it has a name."""
    name = getattr(kind, "name", "")
    return {**(refer(name) if name else kind.schema), **more}


def record(description: str, properties: dict[str, Schema], optional: Collection[str]) -> Schema:
    """An object that has every property but the ``optional`` ones."""
    required = [name for name in properties if name not in optional]
    schema = {"type": "object", "description": description, "properties": properties}
    return {**schema, "required": required} if required else schema


def schemas(text: str) -> dict[str, Schema]:
    """All schemas, by name: those of clients, and those in the text."""
    others = objects(text)
    key, new = others["ApiKey"], others["NewKey"]
    new |= {
        "properties": key["properties"] | new["properties"],
        "required": key["required"] + new["required"],
    }
    others["UserChanges"]["minProperties"] = 1
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    others["ClientsCsv"] = {"description": others["ClientsCsv"]["description"], **file}
    change = "A client that was changed, or removed: `client` is null for a removed one."
    others["Change"] = {"description": change, "anyOf": [refer("ChangedClient"), refer("RemovedClient")]}
    kinds = [*(field.kind for field in FIELDS), *(each.kind for each in FILTERS.values()), *_ENUMS]
    named = {getattr(kind, "name", ""): kind.schema for kind in kinds}
    return {**_clients(), **others, **{name: schema for name, schema in named.items() if name}}


# --- the text


def sections(text: str, mark: str) -> list[tuple[str, str, str]]:
    """The name in each heading that begins with ``mark``, the rest of the heading, and the text under it."""
    found = []
    for part in re.split(rf"^{mark} ", text, flags=re.MULTILINE)[1:]:
        heading, _, below = part.partition("\n")
        name, _, rest = heading.partition(": ")
        found.append((name, rest, below.strip()))
    return found


def cells(text: str) -> list[list[str]]:
    """The cells of each row of the table in a text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def objects(text: str) -> dict[str, Schema]:
    """An object for each section: heading and paragraphs describe it, and a table has its members."""
    return {name: _object(heading, below) for name, heading, below in sections(text, "##")}


def _object(heading: str, below: str) -> Schema:
    paragraphs = below.partition("|")[0].split()
    rows = [(name, typed(word, text, example)) for name, word, example, text in cells(below)]
    optional = [name.removesuffix("?") for name, _ in rows if name.endswith("?")]
    properties = {name.removesuffix("?"): schema for name, schema in rows}
    return record(" ".join([heading, *paragraphs]), properties, optional)


def _value(example: str) -> Any:
    """The JSON value in a cell, or its text."""
    try:
        return json.loads(example)
    except ValueError:
        return example


# --- clients


def _clients() -> dict[str, Schema]:
    optional = [field.name for field in FIELDS if not field.required]
    version = typed("number", "Version that the caller has read. If it is not current, the response is 409.")
    update = {"version": version, **{field.name: _in_update(field) for field in FIELDS}}
    example = {"phone": "(661) 555-0199", "status": "inactive", "version": 2}
    changes = record("Changes to a client: at least one field besides `version`.", update, update)
    return {
        "ClientRecord": record("A client with all of its fields.", _record(), ()),
        "ClientInput": record(
            "A client to create.", {field.name: _in_body(field) for field in FIELDS}, optional
        ),
        "ClientUpdate": {**changes, "minProperties": 1, "examples": [example]},
    }


def _record() -> dict[str, Schema]:
    return {
        "id": typed("uuid", "Id of the client, set by the server."),
        "user_id": typed("uuid", "Id of the user who owns the client, set by the server."),
        **{field.name: _in_record(field) for field in FIELDS},
        "version": typed("number", "1 at creation. Every update raises it."),
        "created_at": typed("time", "When the client was created."),
        "updated_at": typed("time", "When the client was last changed."),
    }


def _in_record(field: Field) -> Schema:
    schema = of(field.kind, description=field.description, examples=[field.example])
    return _nullable(schema) if field.default is None and not field.required else schema


def _in_body(field: Field) -> Schema:
    schema = of(field.kind, description=field.description, examples=[field.example])
    return schema if field.required else _nullable(schema)


def _in_update(field: Field) -> Schema:
    clears = "" if field.required else " `null` clears it."
    return {**_in_body(field), "description": field.description + clears}


def _nullable(schema: Schema) -> Schema:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    others = {name: value for name, value in schema.items() if name not in ("$ref", "anyOf")}
    alternatives = schema.get("anyOf", [{"$ref": schema.get("$ref")}])
    return {"anyOf": [*alternatives, {"type": "null"}], **others}
