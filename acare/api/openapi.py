"""The OpenAPI document, made of ``openapi.json`` and what follows from the rest of the code.

In that file, an operation names its parameters, the headers of its successes, and the errors that not every
operation has; a success has the schema and an example of its ``data``, and an error its codes, from which its
status follows. ``templates`` has what all of them share.
"""

import copy
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import falcon

from acare.api.envelope import STATUSES
from acare.auth import Right
from acare.fields import FIELDS
from acare.version import __version__

#: The right to each operation, by method and path.
Rights = Mapping[tuple[str, str], Right | None]

_ENVELOPE = {"timestamp": "2026-07-15T14:32:10.000Z"}
_CORRELATION = {"correlationId": "5f0c1f8e7d1b4c0f9a3e2d4b6c8a0e1f"}


def document(rights: Rights) -> str:
    """The document as JSON, with the version of acare. ``rights`` has every operation below ``/v1``."""
    document = json.loads(resources.files(__package__).joinpath("openapi.json").read_text("utf-8"))
    document["info"]["version"] = __version__
    by_path = {(method, re.sub(r"\{\w+\}", "{id}", path)): right for (method, path), right in rights.items()}
    _Completion(document).run(by_path)
    return json.dumps(document)


class _Completion:
    """Completes a document in place."""

    def __init__(self, document: Any) -> None:
        self._templates = document.pop("templates")
        self._paths = document["paths"]
        self._responses = document["components"]["responses"]
        self._schemas = document["components"]["schemas"]

    def run(self, rights: Rights) -> None:
        statuses = {}
        for name, source in self._responses.items():
            statuses[name] = str(STATUSES[source["codes"][0]])
            self._responses[name] = self._error(name, source)
        for path, operations in self._paths.items():
            for method, operation in operations.items():
                right = rights[method.upper(), path]
                errors = [*self._templates["errors"], _forbidden(method, right)]
                errors += [*(["NotFound"] if "{" in path else []), *operation.pop("errors", [])]
                self._complete(operation, right)
                operation["responses"] |= {statuses[name]: _refer("responses", name) for name in errors}
                operation["responses"] = dict(sorted(operation["responses"].items()))
        _extend(self._schemas["NewKey"], self._schemas["ApiKey"])
        _add_fields(self._schemas)

    def _complete(self, operation: Any, right: Right | None) -> None:
        """Complete an operation, apart from its errors."""
        scopes = [f"`{right.resource}:{action}`" for action in right.actions] if right else ["an invitation"]
        brokers = " Brokers only." if right and len(right.roles) == 1 else ""
        operation["description"] += f"{brokers} Requires {' or '.join(scopes) or 'any valid key'}."
        operation["parameters"] = [_refer("parameters", name) for name in operation.get("parameters", [])]
        for response in operation["responses"].values():
            response["headers"] = self._headers(response)
            if "data" in response:
                schema, example = response.pop("data"), response.pop("example")
                data = self._templates["client"] if example == "client" else example
                body = {"success": True, "data": data, **_ENVELOPE}
                response["content"] = self._content("success", "data", schema, body)

    def _error(self, name: str, source: Any) -> Any:
        """The response for an error, whose schemas are added."""
        schema, special = copy.deepcopy(self._templates["error"]), source.get("error", {})
        schema["required"] += special.get("required", [])
        schema["properties"] |= special.get("properties", {})
        schema["properties"]["code"]["enum"] = source["codes"]
        self._schemas[f"{name}Error"] = schema
        error = {"code": source["codes"][0], **source["example"]}
        body = {"success": False, "error": error, **_ENVELOPE, **_CORRELATION}
        content = self._content("failure", "error", f"{name}Error", body)
        return {
            "description": source["description"],
            "headers": self._headers(source),
            "content": content,
        }

    def _headers(self, response: Any) -> Any:
        names = [*self._templates["headers"], *response.get("headers", [])]
        return {name: _refer("headers", name) for name in names}

    def _content(self, template: str, member: str, schema: str, example: Any) -> Any:
        """A body that is an envelope, whose schema is added."""
        envelope = copy.deepcopy(self._templates[template])
        envelope["properties"][member] |= _refer("schemas", schema)
        name = f"{schema.removesuffix('Error')}Response"
        self._schemas[name] = envelope
        return {falcon.MEDIA_JSON: {"schema": _refer("schemas", name), "example": example}}


def _forbidden(method: str, right: Right | None) -> str:
    """The name of the response for 403."""
    if right is not None and len(right.roles) == 1:
        return "BrokerRequired"
    return "Forbidden" if method == "get" else "WriteForbidden"


def _add_fields(schemas: Any) -> None:
    """Add the fields of a client to the bodies that create and update one."""
    fields = {field.name: field for field in FIELDS}
    for name, described in schemas["ClientRecord"]["properties"].items():
        if name not in fields:  # the server sets it
            continue
        is_required = fields[name].required
        schema = described if is_required else _nullable(described)
        schemas["ClientInput"]["properties"][name] = schema
        clears = "" if is_required else " `null` clears it."
        # The extension keeps oapi-codegen's client from sending null, which clears a field.
        change = {**schema, "description": schema["description"] + clears, "x-omitempty": True}
        schemas["ClientChanges"]["properties"][name] = change
    schemas["ClientInput"]["required"] = [field.name for field in FIELDS if field.required]


def _nullable(schema: Any) -> Any:
    if "$ref" in schema:
        options = [{"$ref": schema["$ref"]}, {"type": "null"}]
        return {"anyOf": options, "description": schema["description"]}
    types = schema["type"]
    return schema if "null" in types else {**schema, "type": [types, "null"]}


def _extend(schema: Any, base: Any) -> None:
    """Add the properties of another object. (Generators treat allOf in different ways.)"""
    schema["required"] = [*base["required"], *schema["properties"]]
    schema["properties"] = base["properties"] | schema["properties"]


def _refer(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
