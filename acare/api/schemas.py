"""What a client, a change and an error look like, as JSON Schema and out of the table of fields."""

from __future__ import annotations

from typing import Any

from acare.fields import FIELDS, Field

Json = dict[str, Any]

TIMESTAMP: Json = {"type": "string", "format": "date-time", "examples": ["2026-07-15T14:32:10.000Z"]}
UUID: Json = {"type": "string", "format": "uuid", "examples": ["a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684"]}


def client() -> Json:
    """A client as it is answered: every field, always."""
    properties = {
        "id": UUID,
        "user_id": UUID,
        **{field.name: _nullable(field) if field.unset is None else field.kind.schema() for field in FIELDS},
        "version": {"type": "integer", "minimum": 1},
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
    }
    return members(properties)


def new_client() -> Json:
    """A client as it is sent: null sets an optional field to its unset value; unknown members are ignored."""
    return {
        "type": "object",
        "required": [field.name for field in FIELDS if field.required],
        "properties": {field.name: _nullable(field) for field in FIELDS},
    }


def changes() -> Json:
    """What is to become of a client: at least one field, and the version that the caller has read."""
    version = {
        "type": "integer",
        "minimum": 1,
        "description": "The version that was read: if the client is at another one, the answer is 409.",
    }
    return {
        "type": "object",
        "anyOf": [{"required": [field.name]} for field in FIELDS],
        "properties": {**{field.name: _nullable(field) for field in FIELDS}, "version": version},
    }


def _nullable(field: Field) -> Json:
    schema = field.kind.schema()
    if field.required:
        return schema
    kind = schema["type"]
    nullable = {**schema, "type": [*(kind if isinstance(kind, list) else [kind]), "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def error() -> Json:
    """The body of every answer that is no success."""
    problem = members({"field": {"type": "string"}, "message": {"type": "string"}})
    details = {"oneOf": [{"type": "array", "minItems": 1, "items": problem}, {"type": "object"}]}
    error: Json = {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "string"},
            "message": {"type": "string"},
            "details": details,
            "errorId": {"type": "string"},
        },
    }
    return members(
        {
            "success": {"const": False},
            "error": error,
            "timestamp": TIMESTAMP,
            "correlationId": {"type": "string"},
        }
    )


def members(properties: Json) -> Json:
    """An object that has all of these members."""
    return {"type": "object", "required": list(properties), "properties": properties}


def ref(name: str) -> Json:
    """The schema of this name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}
