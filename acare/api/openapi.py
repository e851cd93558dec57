"""The OpenAPI 3.1 document: ``openapi.json``, completed with the version, the prefix and the fields."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from acare.api import query
from acare.auth import ROLES
from acare.field_types import CLIENT_EMAIL
from acare.fields import FIELDS, Field

Json = dict[str, Any]


def document(version: str, prefix: str = "") -> Json:
    """The document for an app that is mounted under ``prefix``."""
    text = resources.files(__package__).joinpath("openapi.json").read_text("utf-8")
    complete: Json = json.loads(text)
    complete["info"]["version"] = version
    complete["servers"][0]["url"] = prefix or "/"
    components = complete["components"]
    components["parameters"]["q"]["schema"] = query.SEARCH.schema()
    components["parameters"]["email"]["schema"] = CLIENT_EMAIL.schema()
    schemas = components["schemas"]
    schemas["User"]["properties"]["role"]["enum"] = list(ROLES)
    schemas |= {field.schema_name: field.kind.schema() for field in FIELDS if field.schema_name}
    schemas["ClientInput"]["required"] = [field.name for field in FIELDS if field.required]
    schemas["ClientRecord"]["required"] += [field.name for field in FIELDS]
    for field in FIELDS:
        schemas["ClientRecord"]["properties"][field.name] = _in_record(field)
        schemas["ClientInput"]["properties"][field.name] = _in_input(field)
        schemas["ClientChanges"]["properties"][field.name] = _in_changes(field)
    _add_preference(complete)
    return complete


def _add_preference(complete: Json) -> None:
    """Add what every operation has: the header ``Prefer``, and ``Preference-Applied`` in every response."""
    operations = [operation for path in complete["paths"].values() for operation in path.values()]
    responses = [*complete["components"]["responses"].values()]
    for operation in operations:
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/Prefer"})
        responses += [response for response in operation["responses"].values() if "headers" in response]
    for response in responses:
        response["headers"]["Preference-Applied"] = {"$ref": "#/components/headers/Preference-Applied"}


def _in_record(field: Field) -> Json:
    return _schema(field, nullable=field.default is None and not field.required)


def _in_input(field: Field) -> Json:
    return _schema(field, nullable=not field.required)


def _in_changes(field: Field) -> Json:
    """The schema of a field in an update.

    oapi-codegen's client would send null, which clears the field, for each one that its caller does not set.
    ``x-omitempty`` prevents this.
    """
    schema = _in_input(field) | {"x-omitempty": True}
    if not field.required:
        schema["description"] += " `null` clears it."
    return schema


def _schema(field: Field, nullable: bool) -> Json:
    schema = field.kind.schema()
    if field.schema_name:
        schema = {"$ref": f"#/components/schemas/{field.schema_name}"}
        if nullable:
            schema = {"anyOf": [schema, {"type": "null"}]}
    elif nullable:
        schema["type"] = [schema["type"], "null"]
    return schema | {"description": field.description}
