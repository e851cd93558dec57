"""Checks responses against an OpenAPI 3.1 document, with a JSON Schema checker for what the document uses.

A keyword that it does not know is an error, so that nothing in the document goes unchecked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

METHODS = ("get", "post", "put", "delete")

#: Keywords that have no effect on validation.
NOTES = frozenset(("description", "default", "examples", "contentMediaType", "x-omitempty"))
#: Keywords with schemas inside them.
NESTING = ("$ref", "anyOf", "properties", "items")


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
    """Misfit that names the place, unless the value fits the schema; KeyError for an unknown keyword."""
    if "$ref" in schema:
        check(document, resolve(document, schema["$ref"]), value, where)
    if "anyOf" in schema and not any(fits(document, each, value) for each in schema["anyOf"]):
        raise Misfit(f"{where}: {value!r:.200} fits none of {schema['anyOf']!r:.200}")
    for name, each in schema.get("properties", {}).items():
        if isinstance(value, dict) and name in value:
            check(document, each, value[name], f"{where}.{name}")
    for number, item in enumerate(value if isinstance(value, list) and "items" in schema else ()):
        check(document, schema["items"], item, f"{where}[{number}]")
    for keyword, limit in schema.items():
        if keyword not in NOTES and keyword not in NESTING:
            concerns, rule = KEYWORDS[keyword]
            if concerns(value) and not rule(value, limit):
                raise Misfit(f"{where}: {value!r:.200} does not fit {keyword}: {limit!r:.200}")


def resolve(document: Any, reference: str) -> Any:
    """The part of the document at ``#/a/b``; KeyError if there is none."""
    _, *steps = reference.split("/")
    for step in steps:
        document = document[step]
    return document


def follow(document: Any, item: Any) -> Any:
    """The target of a reference object, or the object itself."""
    return resolve(document, item["$ref"]) if "$ref" in item else item


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_of_format(value: str, name: str) -> bool:
    try:
        if name == "uuid":
            return str(UUID(value)) == value.lower()
        if name == "date-time":
            datetime.fromisoformat(value)
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value))
    except ValueError:
        return False
    assert name in ("uri-reference", "double"), f"the checker does not know the format {name}"
    return name == "double" or re.fullmatch(r"[!-~]*", value) is not None


TYPES = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: is_number(value) and value == int(value),
    "number": is_number,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}

# For each keyword, the values that it concerns, and the rule for them.
_ANY, _TEXT, _LIST, _OBJECT = (lambda value: True), TYPES["string"], TYPES["array"], TYPES["object"]
KEYWORDS: dict[str, Any] = {
    "type": (_ANY, lambda value, names: any(TYPES[name](value) for name in _as_list(names))),
    "enum": (_ANY, lambda value, words: value in words),  # all are strings
    "minLength": (_TEXT, lambda value, limit: len(value) >= limit),
    "maxLength": (_TEXT, lambda value, limit: len(value) <= limit),
    "format": (_TEXT, is_of_format),  # "double" is for numbers, which all fit
    "minimum": (is_number, lambda value, limit: value >= limit),
    "maximum": (is_number, lambda value, limit: value <= limit),
    "maxItems": (_LIST, lambda value, limit: len(value) <= limit),
    "minProperties": (_OBJECT, lambda value, limit: len(value) >= limit),
    "required": (_OBJECT, lambda value, names: set(names) <= value.keys()),
    "additionalProperties": (_OBJECT, lambda value, rule: rule is True),
}


def _as_list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


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
    # A mock such as Prism would answer every invalid body with a response for 422, if there were one.
    documented = "default" if status == 422 else str(status)
    if found is None or documented not in found[1]["responses"]:
        raise Misfit(f"{method} {path} {status} is not in the document")
    template, operation = found
    place = f"{method} {template} {status}"
    response = follow(document, operation["responses"][documented])
    present = {name.lower(): value for name, value in headers.items()}
    for name, reference in response.get("headers", {}).items():
        _check_header(document, follow(document, reference), present.get(name.lower()), f"{place} {name}")
    if method == "HEAD" or "content" not in response:
        if body:
            raise Misfit(f"{place} has a body")
        return
    media_type = present["content-type"].partition(";")[0]
    if media_type not in response["content"]:
        raise Misfit(f"{place} is {media_type}")
    value = json.loads(body) if media_type == "application/json" else body.decode()
    check(document, response["content"][media_type]["schema"], value, place)


def _check_header(document: Any, header: Any, text: str | None, place: str) -> None:
    if text is not None:
        value = int(text) if header["schema"].get("type") == "integer" else text
        check(document, header["schema"], value, place)
    elif header.get("required"):
        raise Misfit(f"{place} is missing")
