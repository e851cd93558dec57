"""The type of the field ``property_preferences``: an object with a few known keys and any others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from acare.field_types import (
    LINES_PATTERN,
    FieldType,
    NestedErrors,
    Schema,
    Stored,
    check_characters,
    is_number,
    to_json,
)


@dataclass(frozen=True)
class Preferences(FieldType):
    """An object. The keys in ``numbers`` and ``texts`` are validated; others are kept. (seed, our choice)

    ``numbers`` and ``texts`` map a key to its description.
    """

    max_bytes: int
    max_depth: int
    numbers: Mapping[str, str]
    texts: Mapping[str, str]

    def clean(self, value: object) -> Stored:
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        if invalid := self._known_keys(value) or self._other_rules(value):
            raise NestedErrors(invalid)
        stored = to_json(value)
        if len(stored.encode()) > self.max_bytes:
            raise ValueError(f"must have at most {self.max_bytes} bytes as JSON")
        return stored

    def _known_keys(self, value: dict[str, object]) -> dict[str, str]:
        """The rules that known keys break, by path."""
        invalid = {}
        for key in self.numbers:
            number = value.get(key)
            if number is not None and not (is_number(number) and number >= 0):
                invalid[f".{key}"] = "must be a number of at least 0"
        for key in self.texts:
            listed = value.get(key)
            if listed is not None and not (
                isinstance(listed, list) and all(isinstance(item, str) for item in listed)
            ):
                invalid[f".{key}"] = "must be a list of strings"
        return invalid

    def _other_rules(self, value: dict[str, object]) -> dict[str, str]:
        """The rule about depth and characters that the first invalid key breaks, by path."""
        for name, inner in value.items():
            try:
                for depth, text in _walk({name: inner}):
                    if depth > self.max_depth:
                        raise ValueError(f"must not be nested deeper than {self.max_depth} levels")
                    check_characters(text, lines=True)
            except ValueError as error:
                return {f".{name}" if name.isprintable() else "": str(error)}
        return {}

    def schema(self) -> Schema:
        """The rule as JSON Schema, without the limits on size and depth, which it cannot express."""
        text = {"type": "string", "pattern": LINES_PATTERN}
        number = {"type": ["number", "null"], "format": "double", "minimum": 0}
        texts = {"type": ["array", "null"], "items": text}
        return {
            "type": "object",
            "properties": {
                **{key: {**number, "description": said} for key, said in self.numbers.items()},
                **{key: {**texts, "description": said} for key, said in self.texts.items()},
            },
            "additionalProperties": True,
            "if": {"type": "object"},
            "then": _nested("#/components/schemas/PropertyPreferences/then", text),
        }


def _nested(place: str, text: Schema) -> Schema:
    """An object at ``place`` in the OpenAPI document with ``text`` for all keys and strings, however deep.

    It is in a condition that always holds, since code generators fail on recursive types but skip conditions.
    """
    value = {"$ref": f"{place}/$defs/Value"}
    keys = {"propertyNames": {"pattern": text["pattern"]}}
    values = [
        {"type": ["null", "boolean", "number"]},
        text,
        {"type": "array", "items": value},
        {"type": "object", **keys, "additionalProperties": value},
    ]
    return {**keys, "additionalProperties": value, "$defs": {"Value": {"anyOf": values}}}


def _walk(value: object) -> Iterator[tuple[int, str]]:
    """Every list, object, key and string in a JSON value, as (depth, text); the text of a list is empty.

    The outermost list or object is at depth 1, and so are its keys and strings.
    """
    pending: list[tuple[int, object]] = [(1, value)]
    while pending:
        depth, value = pending.pop()
        if isinstance(value, str):
            yield depth - 1, value
        elif isinstance(value, (list, dict)):
            yield depth, ""
            if isinstance(value, dict):
                pending += ((depth + 1, key) for key in value)
            pending += ((depth + 1, item) for item in (value.values() if isinstance(value, dict) else value))
