"""Makes the OpenAPI document from the tables of operations, parameters, fields and errors.

``openapi.md`` has the texts.
"""

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import groupby
from typing import Any

import falcon

from acare.api.descriptions import (
    COMMON_ERRORS,
    COMMON_HEADERS,
    DESCRIPTIONS,
    HEADERS,
    IDS,
    KEY_HEADERS,
    REQUEST_HEADERS,
    TAGS,
    Description,
)
from acare.api.envelope import ERRORS
from acare.api.schemas import of, record, refer, schemas, typed
from acare.api.services import Operation
from acare.auth import Right
from acare.field_types import Parameter, Schema
from acare.importing import csv_rows
from acare.version import __version__

_REQUEST_ID = "5f0c1f8e7d1b4c0f9a3e2d4b6c8a0e1f"

# Samples by format or type; null for others.
_SAMPLES: Mapping[str, Any] = {
    "uuid": "019f6631-3a10-7a9f-8d27-95c0e3b1f684",
    "date-time": "2026-07-15T14:32:10.000Z",
    "integer": 1,
    "boolean": False,
    "string": "notes",
}


def document(operations: Iterable[Operation]) -> str:
    """The document as JSON, with the operations that are described."""
    return json.dumps(_Document(operations).made)


class _Document:
    """The document, and the schemas and responses to which its operations refer."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        text = resources.files(__package__).joinpath("openapi.md").read_text("utf-8")
        (title, info), (_, operation_texts), (_, objects) = _sections(text, "# ")
        self._texts = _named_sections(operation_texts)
        self._schemas = schemas(_named_sections(objects))
        self._responses: dict[str, Any] = {}
        paths: dict[str, Any] = {}
        for row in operations:
            if description := DESCRIPTIONS.get(f"{row.method} {row.path}"):
                paths.setdefault(row.path, {})[row.method.lower()] = self._operation(row, description)
        contact = {"name": "The operator of this server"}
        self.made = {
            "openapi": "3.1.0",
            "info": {"title": title, "version": __version__, "description": info, "contact": contact},
            "servers": [{"url": "/"}],
            "security": [{name: []} for name in KEY_HEADERS],
            "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
            "paths": paths,
            "components": {
                "securitySchemes": {name: _key_header(name, text) for name, text in KEY_HEADERS.items()},
                "headers": {name: header._asdict() for name, header in HEADERS.items()},
                "responses": self._responses,
                "schemas": self._schemas,
            },
        }

    def _operation(self, row: Operation, description: Description) -> Any:
        right = row.right
        scopes = [f"`{right.resource}:{action}`" for action in right.actions] if right else ["an invitation"]
        needs = " or ".join(scopes) or "any valid key"
        brokers = " Brokers only." if _is_for_brokers(right) else ""
        summary, text = self._texts[description.id]
        operation = {
            "operationId": description.id,
            "summary": summary,
            "description": f"{' '.join(text.split())}{brokers} Requires {needs}.",
            "tags": [description.tag],
            "parameters": _parameters(row, description),
            "responses": self._answers(row, description),
        }
        if description.body:
            operation["requestBody"] = {
                "required": description.body_required,
                "content": self._body(description.body),
            }
        return operation

    def _body(self, name: str) -> Any:
        """The body of a request. The extension keeps oapi-codegen's client from sending null for an absent
        property, which clears a field.
        """
        schema = self._schemas[name]
        for member in schema["properties"].keys() - set(schema.get("required", ())):
            schema["properties"][member]["x-omitempty"] = True
        return self._content(falcon.MEDIA_JSON, name, self._sample(schema))

    def _answers(self, row: Operation, description: Description) -> Any:
        responses: dict[str, Any] = {str(description.status): self._success(description)}
        if "If-None-Match" in description.headers:
            unchanged = "The caller already has this version."
            responses["304"] = {"description": unchanged, "headers": _headers(description.sends)}
        codes = {*COMMON_ERRORS, *description.errors, *_codes_of_right(row.method, row.right)}
        if "{" in row.path:
            codes.add("NOT_FOUND")
        ordered = [code for code in ERRORS if code in codes]  # by status
        for status, group in groupby(ordered, key=lambda code: ERRORS[code].status):
            responses[str(status)] = {"$ref": f"#/components/responses/{self._failure([*group])}"}
        return responses

    def _success(self, description: Description) -> Any:
        name = description.data
        if name == "ClientsCsv":
            content = self._content("text/csv", name, self._csv())
        else:
            members = {
                "success": typed("boolean", "Always true for a success.", "true"),
                "data": typed(name, "The result."),
            }
            content = self._envelope(name, "The envelope of a success.", members)
        text = self._schemas[name]["description"]
        return {"description": text, "headers": _headers(description.sends), "content": content}

    def _failure(self, codes: list[str]) -> str:
        """The name of the response with one of these codes, which have one status; it is added."""
        name = "Or".join(map(_name, codes))
        if name not in self._responses:
            self._schemas[f"{name}Error"] = self._error(codes)
            members = {
                "success": typed("boolean", "Always false for an error.", "false"),
                "error": typed(f"{name}Error", "What went wrong."),
                "correlationId": typed("text", "Id of the request, as in `X-Request-ID`.", _REQUEST_ID),
            }
            self._responses[name] = {
                "description": _description(codes),
                "headers": _headers(header for code in codes for header in ERRORS[code].headers),
                "content": self._envelope(name, "The envelope of an error.", members),
            }
        return name

    def _error(self, codes: list[str]) -> Schema:
        """The schema of an error with one of the codes, of which at most one has details."""
        first = ERRORS[codes[0]]
        values = {"const": codes[0]} if len(codes) == 1 else {"enum": codes}
        properties = {
            "code": {"type": "string", "description": "Stable code to branch on.", **values},
            "message": typed("text", "What went wrong, for people. May change.", first.description),
        }
        for word in {ERRORS[code].details for code in codes} - {""}:
            properties["details"] = typed(word, self._schemas[word.removesuffix("[]")]["description"])
        if "INTERNAL_ERROR" in codes:
            properties["errorId"] = typed("text", "Id of the error in the server's log.", "9f8b1c0d2e3a4f56")
        optional = ["errorId", *([] if len(codes) == 1 and first.has_details else ["details"])]
        return record("What went wrong.", properties, optional)

    def _envelope(self, name: str, description: str, members: dict[str, Schema]) -> Any:
        """A JSON body that is an envelope, whose schema is added."""
        name = f"{name}Response"
        members["timestamp"] = typed("time", "Time of the response.")
        self._schemas[name] = record(description, members, ())
        return self._content(falcon.MEDIA_JSON, name, self._sample(self._schemas[name]))

    def _content(self, media_type: str, name: str, example: object) -> Any:
        return {media_type: {"schema": refer(name), "example": example}}

    def _sample(self, schema: Schema) -> Any:
        """A value that fits the schema, made of the examples in it."""
        if "examples" in schema:
            return schema["examples"][0]
        if "$ref" in schema:
            return self._sample(self._target(schema))
        if schema.get("type") == "object":
            required = schema.get("required", ())
            properties = schema["properties"].items()
            return {
                name: self._sample(each)
                for name, each in properties
                if name in required or "examples" in each
            }
        if schema.get("type") == "array":  # with each of the alternatives
            items = schema["items"]
            return [self._sample(each) for each in self._target(items).get("anyOf", [items])]
        if "const" in schema or "enum" in schema:
            return schema.get("const") or schema["enum"][0]
        return _SAMPLES.get(schema.get("format") or str(schema.get("type")))

    def _target(self, schema: Schema) -> Schema:
        """The schema to which it refers, or itself."""
        return self._schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def _csv(self) -> str:
        client = json.dumps(self._sample(refer("ClientRecord")))
        return "".join(csv_rows.lines([(client, '{"owner": "ana@example.com"}')]))


def _sections(text: str, mark: str) -> list[tuple[str, str]]:
    """The headings that begin with ``mark``, and the text under each."""
    parts = re.split(rf"^{mark}", text, flags=re.MULTILINE)[1:]
    split = (part.partition("\n") for part in parts)
    return [(heading, text.strip()) for heading, _, text in split]


def _named_sections(text: str) -> dict[str, tuple[str, str]]:
    """The name in each heading → the rest of the heading, and the text under it."""
    return {
        name: (rest, below)
        for heading, below in _sections(text, "## ")
        for name, rest in [heading.split(": ", 1)]
    }


def _parameters(row: Operation, description: Description) -> list[Any]:
    """In the path, the query string and the header."""
    ids = re.findall(r"\{(\w+)\}", row.path)
    in_path = [{"name": name, "in": "path", "required": True, **_path(IDS[name])} for name in ids]
    in_query = [
        {"name": name, "in": "query", **_query(parameter)}
        for name, parameter in (row.resource.parameters.items() if description.query else ())
        if isinstance(parameter, Parameter)
    ]
    in_header = [
        {"name": name, "in": "header", **REQUEST_HEADERS[name]._asdict()} for name in description.headers
    ]
    return [*in_path, *in_query, *in_header]


def _path(description: str) -> Any:
    return {"description": description, "schema": typed("uuid", "", _SAMPLES["uuid"])}


def _query(parameter: Parameter) -> Any:
    examples = {} if parameter.example is None else {"examples": [parameter.example]}
    default = {} if parameter.default is None else {"default": parameter.default}
    blank = {"allowEmptyValue": True} if parameter.blank else {}
    schema = of(parameter.kind, **examples, **default)
    return {"description": parameter.description, **blank, "schema": schema}


def _is_for_brokers(right: Right | None) -> bool:
    return right is not None and right.roles == ("broker",)


def _codes_of_right(method: str, right: Right | None) -> list[str]:
    writes = ["CROSS_SITE_REQUEST"] if method != "GET" else []
    return ["INSUFFICIENT_SCOPE", *writes, *(["BROKER_REQUIRED"] if _is_for_brokers(right) else [])]


def _name(code: str) -> str:
    """``NOT_FOUND`` -> ``NotFound``, without "Error" at the end."""
    words = code.title().replace("_", "") if "_" in code else code
    return words.removesuffix("Error")


def _description(codes: list[str]) -> str:
    if len(codes) == 1:
        return ERRORS[codes[0]].description
    return "\n".join(f"- `{code}`: {ERRORS[code].description}" for code in codes)


def _headers(names: Iterable[str]) -> Any:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*COMMON_HEADERS, *names)}


def _key_header(name: str, text: str) -> Mapping[str, str]:
    return {"type": "apiKey", "in": "header", "name": name, "description": text}
