"""Finds the parts of the OpenAPI document."""

import re
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "put", "delete")


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every (method, path template, operation) of the document."""
    for template, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, template, item[method]


def find(document: Any, method: str, path: str) -> list[Any]:
    """The operation of a request: HEAD is GET. Of PATCH, which no path has, all operations of the path."""
    method, path = "get" if method == "HEAD" else method.lower(), path.partition("?")[0]
    patterns = {re.sub(r"\\{.*?\\}", "[^/]+", re.escape(each)): each for each in document["paths"]}
    matching = [template for pattern, template in patterns.items() if re.fullmatch(pattern, path)]
    for template in sorted(matching, key=lambda template: "{" in template)[:1]:  # as Falcon does
        item = document["paths"][template]
        return [*item.values()] if method == "patch" else [item[method]] if method in item else []
    return []


def resolve(document: Any, reference: str) -> Any:
    """The part of the document at ``#/a/b``; KeyError if there is none."""
    _, *steps = reference.split("/")
    for step in steps:
        document = document[step]
    return document


def follow(document: Any, item: Any) -> Any:
    """The target of a reference object, or the object itself."""
    return resolve(document, item["$ref"]) if "$ref" in item else item


def codes(document: Any, response: Any) -> list[str]:
    """The codes that an error has, from its response in the document."""
    envelope = follow(document, response["content"]["application/json"]["schema"])
    code = follow(document, envelope["properties"]["error"])["properties"]["code"]
    return [each["const"] for each in code.get("anyOf", [code])]
