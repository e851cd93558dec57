"""Checks responses against an OpenAPI 3.1 document, with a JSON Schema checker for what the document uses.

A keyword that it does not know is an error, so that nothing in the document goes unchecked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

METHODS = ("get", "post", "put", "delete")

#: Keywords that have no effect on validation.
NOTES = frozenset(("description", "default", "examples", "x-omitempty"))


class Misfit(AssertionError):
    """A value that does not fit its schema, or a response that does not fit the document."""


def fits(document: Any, schema: Any, value: object) -> bool:
    """Whether a JSON value fits a schema of the document."""
    try:
        check(document, schema, value)
    except Misfit:
        return False
    return True


def check(document: Any, schema: Any, value: object, where: str = "$") -> None:
    """Misfit with the place, unless the value fits the schema; TypeError for an unknown keyword."""
    for keyword, rule in schema.items():
        if keyword in NOTES:
            continue
        if keyword not in KEYWORDS:
            raise TypeError(f"{where}: the checker does not know the keyword {keyword!r}")
        if not KEYWORDS[keyword](document, rule, value, where):
            raise Misfit(f"{where}: {value!r:.200} does not fit {keyword}: {rule!r:.200}")


def resolve(document: Any, reference: str) -> Any:
    """What ``#/a/b`` leads to; KeyError if nothing is there."""
    place, *steps = reference.split("/")
    if place != "#":
        raise KeyError(reference)
    for step in steps:
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def follow(document: Any, item: Any) -> Any:
    """What a reference object leads to, or the object itself."""
    return resolve(document, item["$ref"]) if "$ref" in item else item


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_of_format(name: str, value: str) -> bool:
    try:
        if name == "uuid":
            return str(UUID(value)) == value.lower()
        if name == "date-time":
            datetime.fromisoformat(value)
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value))
    except ValueError:
        return False
    if name == "uri-reference":
        return re.fullmatch(r"[!-~]*", value) is not None
    raise TypeError(f"the checker does not know the format {name!r}")


TYPES = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value == int(value),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _has_type(document: Any, names: str | list[str], value: object, where: str) -> bool:
    return any(TYPES[name](value) for name in ([names] if isinstance(names, str) else names))


def _properties(document: Any, schemas: Mapping[str, Any], value: object, where: str) -> bool:
    for name, schema in schemas.items():
        if isinstance(value, dict) and name in value:
            check(document, schema, value[name], f"{where}.{name}")
    return True


def _items(document: Any, schema: Any, value: object, where: str) -> bool:
    for number, item in enumerate(value if isinstance(value, list) else ()):
        check(document, schema, item, f"{where}[{number}]")
    return True


def _about(kind: Any, rule: Any) -> Any:
    """A keyword that applies to values of one kind and accepts all others."""
    return lambda document, limit, value, where: not kind(value) or rule(value, limit)


KEYWORDS: dict[str, Any] = {
    "type": _has_type,
    "enum": lambda document, rule, value, where: value in rule,
    "minLength": _about(TYPES["string"], lambda value, limit: len(value) >= limit),
    "maxLength": _about(TYPES["string"], lambda value, limit: len(value) <= limit),
    "format": lambda document, name, value, where: (
        not isinstance(value, str) or is_of_format(name, value)  # "double" is for numbers, which all are
    ),
    "minimum": _about(is_number, lambda value, limit: value >= limit),
    "maximum": _about(is_number, lambda value, limit: value <= limit),
    "maxItems": _about(TYPES["array"], lambda value, limit: len(value) <= limit),
    "minProperties": _about(TYPES["object"], lambda value, limit: len(value) >= limit),
    "required": _about(TYPES["object"], lambda value, names: set(names) <= value.keys()),
    "properties": _properties,
    "additionalProperties": lambda document, rule, value, where: rule is True,
    "items": _items,
    "anyOf": lambda document, rule, value, where: any(fits(document, schema, value) for schema in rule),
    "$ref": lambda document, rule, value, where: (
        check(document, resolve(document, rule), value, where) is None
    ),
}


# --- operations


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every (method, path template, operation) of the document."""
    for template, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, template, item[method]


def find(document: Any, method: str, path: str) -> tuple[str, Any] | None:
    """The path template and the operation of a request, if any; HEAD is GET without the body."""
    method = "get" if method == "HEAD" else method.lower()
    for each, template, operation in operations(document):
        pattern = re.sub(r"\\{.*?\\}", "[^/]+", re.escape(template))
        if each == method and re.fullmatch(pattern, path.partition("?")[0]):
            return template, operation
    return None


def check_answer(
    document: Any, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> None:
    """Misfit unless the document has this response."""
    found = find(document, method, path)
    if found is None:
        raise Misfit(f"{method} {path} is not in the document")
    template, operation = found
    place = f"{method} {template} {status}"
    documented = "default" if status == 422 else str(status)
    if documented not in operation["responses"]:
        raise Misfit(f"{place} is not in the document")
    response = follow(document, operation["responses"][documented])
    present = {name.lower(): value for name, value in headers.items()}
    for name, reference in response.get("headers", {}).items():
        header = follow(document, reference)
        text = present.get(name.lower())
        if text is not None:
            value = int(text) if header["schema"].get("type") == "integer" else text
            check(document, header["schema"], value, f"{place} {name}")
        elif header.get("required"):
            raise Misfit(f"{place} has no {name}")
    _check_body(document, response, method == "HEAD", present, body, place)


def _check_body(
    document: Any, response: Any, is_head: bool, headers: Mapping[str, str], body: bytes, place: str
) -> None:
    if is_head or "content" not in response:
        if body:
            raise Misfit(f"{place} has a body")
        return
    media_type = headers["content-type"].partition(";")[0]
    if media_type not in response["content"]:
        raise Misfit(f"{place} is {media_type}")
    value = json.loads(body) if media_type == "application/json" else body.decode()
    check(document, response["content"][media_type]["schema"], value, place)
