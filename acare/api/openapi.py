"""Makes the OpenAPI document from the tables of operations, parameters, fields and errors.

``openapi.md`` has the texts, and what no other table has.
"""

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from itertools import groupby
from typing import Any, NamedTuple

import falcon

from acare.api.envelope import ERRORS
from acare.api.schemas import cells, objects, of, record, refer, schemas, sections, typed
from acare.api.services import Operation
from acare.auth import Right
from acare.field_types import Enum, Schema
from acare.parameters import Parameter
from acare.version import __version__

# The headers that every response has.
_COMMON_HEADERS = ("X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

_REQUEST_ID = "5f0c1f8e7d1b4c0f9a3e2d4b6c8a0e1f"


class _Row(NamedTuple):
    """A row of the table of operations."""

    id: str
    route: str
    status: str
    body: str
    request_headers: str
    data: str
    response_headers: str
    errors: str


def document(operations: Iterable[Operation]) -> str:
    """The document as JSON, with the operations that are described."""
    return json.dumps(_Document(operations).made)


class _Document:
    """The document, and the schemas and responses to which its operations refer."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        text = resources.files(__package__).joinpath("openapi.md").read_text("utf-8")
        (title, _, info), (_, _, described), (_, _, parameters), (_, _, tables) = sections(text, "#")
        tags = sections(described, "##")
        self._texts = {
            name: (tag, summary, " ".join(lines.split()))
            for tag, _, below in tags
            for name, summary, lines in sections(below, "###")
        }
        self._parameters = objects(parameters)
        self._schemas = schemas(tables)
        self._responses: dict[str, Any] = {}
        contact = {"name": "The operator of this server"}
        self.made = {
            "openapi": "3.1.0",
            "info": {"title": title, "version": __version__, "description": info, "contact": contact},
            "servers": [{"url": "/"}],
            "security": [{name: []} for name in self._parameters["Keys"]["properties"]],
            "tags": [{"name": name, "description": text} for name, text, _ in tags],
            "paths": self._paths(operations, {row[1]: _Row(*row) for row in cells(described)}),
            "components": self._components(),
        }

    def _paths(self, operations: Iterable[Operation], rows: Mapping[str, _Row]) -> Any:
        paths: dict[str, Any] = {}
        for each in operations:
            if row := rows.get(f"{each.method} {each.path}"):
                paths.setdefault(each.path, {})[each.method.lower()] = self._operation(each, row)
        return paths

    def _components(self) -> Any:
        """What the operations refer to, once they are made."""
        keys = self._parameters["Keys"]["properties"].items()
        headers = self._parameters["Responses"]["properties"]
        return {
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": name, "description": key["description"]}
                for name, key in keys
            },
            "headers": {name: self._parameter("Responses", name) for name in headers},
            "responses": self._responses,
            "schemas": self._schemas,
        }

    def _operation(self, operation: Operation, row: _Row) -> Any:
        right = operation.right
        scopes = [f"`{right.resource}:{action}`" for action in right.actions] if right else ["an invitation"]
        needs = " or ".join(scopes) or "any valid key"
        brokers = " Brokers only." if _is_for_brokers(right) else ""
        tag, summary, text = self._texts[row.id]
        described = {
            "operationId": row.id,
            "summary": summary,
            "description": f"{text}{brokers} Requires {needs}.",
            "tags": [tag],
            "parameters": self._all_parameters(operation, row),
            "responses": self._answers(operation, row),
        }
        if row.body:
            name = row.body.removesuffix("?")
            described["requestBody"] = {"required": name == row.body, "content": self._body(name)}
        return described

    def _all_parameters(self, operation: Operation, row: _Row) -> list[Any]:
        """In the path, the query string and the header."""
        in_path, in_header = re.findall(r"\{(\w+)\}", operation.path), _names(row.request_headers)
        reads_query = operation.method == ("DELETE" if hasattr(operation.resource, "on_delete") else "GET")
        return [
            *({"name": name, "in": "path", **self._parameter("Paths", name)} for name in in_path),
            *(
                {"name": name, "in": "query", **_query(parameter)}
                for name, parameter in operation.resource.parameters.items()
                if reads_query and isinstance(parameter, Parameter)
            ),
            *({"name": name, "in": "header", **self._parameter("Requests", name)} for name in in_header),
        ]

    def _parameter(self, table: str, name: str) -> Any:
        """A parameter, or a header, as its row in a table describes it."""
        row = self._parameters[table]
        schema = dict(row["properties"][name])
        return {
            "description": schema.pop("description"),
            "required": name in row.get("required", ()),
            "schema": schema,
        }

    def _body(self, name: str) -> Any:
        """The body of a request. The extension keeps oapi-codegen's client from sending null for an absent
        property, which clears a field.
        """
        schema = self._schemas[name]
        for member in schema["properties"].keys() - set(schema.get("required", ())):
            schema["properties"][member]["x-omitempty"] = True
        return _content(falcon.MEDIA_JSON, name)

    def _answers(self, operation: Operation, row: _Row) -> Any:
        sends = _names(row.response_headers)
        responses: dict[str, Any] = {row.status: self._success(row.data, sends)}
        if "If-None-Match" in row.request_headers:
            unchanged = "The caller already has this version."
            responses["304"] = {"description": unchanged, "headers": _headers(sends)}
        codes = {*_names(row.errors), *_codes_of_right(operation.method, operation.right)}
        if "{" in operation.path:
            codes.add("NOT_FOUND")
        ordered = [code for code, error in ERRORS.items() if error.common or code in codes]  # by status
        for status, group in groupby(ordered, key=lambda code: ERRORS[code].status):
            responses[str(status)] = {"$ref": f"#/components/responses/{self._failure([*group])}"}
        return responses

    def _success(self, name: str, sends: list[str]) -> Any:
        if name == "ClientsCsv":
            content = _content("text/csv", name)
        else:
            members = {
                "success": typed("boolean", "Always true for a success.", "true"),
                "data": typed(name, "The result."),
            }
            content = self._envelope(name, "The envelope of a success.", members)
        text = self._schemas[name]["description"]
        return {"description": text, "headers": _headers(sends), "content": content}

    def _failure(self, codes: list[str]) -> str:
        """The name of the response with one of these codes, which have one status; it is added."""
        name = "Or".join(map(_name, codes))
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
        code = {"type": "string", "const": codes[0]} if len(codes) == 1 else Enum(tuple(codes)).schema
        properties = {
            "code": {"description": "Stable code to branch on.", **code},
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
        return _content(falcon.MEDIA_JSON, name)


def _content(media_type: str, name: str) -> Any:
    return {media_type: {"schema": refer(name)}}


def _query(parameter: Parameter) -> Any:
    examples = {} if parameter.example is None else {"examples": [parameter.example]}
    default = {} if parameter.default is None else {"default": parameter.default}
    blank = {"allowEmptyValue": True} if parameter.blank else {}
    schema = of(parameter.kind, **examples, **default)
    return {"description": parameter.description, **blank, "schema": schema}


def _names(cell: str) -> list[str]:
    return cell.split(", ") if cell else []


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
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_COMMON_HEADERS, *names)}
