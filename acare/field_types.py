"""The kinds of value that a client's fields have.

Each kind knows two things of itself: ``clean`` takes a value out of a JSON body and gives the value to
be stored, or raises ValueError with what is allowed; ``schema`` is the same rule as JSON Schema.

A stored value is a text, a number or None; a list or an object is stored as its JSON text and a boolean
as 0 or 1, as SQLite has neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

Stored = str | int | float | None
Schema = dict[str, Any]

# Control characters (Unicode's Cc) and lone surrogates are no text; lines may have tabs and breaks. (ours)
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_IN_LINES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NO_TEXT = re.compile(rf"[{_CONTROL}\ud800-\udfff]")
_NO_TEXT_IN_LINES = re.compile(rf"[{_CONTROL_IN_LINES}\ud800-\udfff]")
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_NO_TEXT_MESSAGE = "must not contain control characters or lone surrogates"


class Kind(Protocol):
    """What every kind of value can do."""

    def clean(self, value: object) -> Stored:
        """The value to store; ValueError with what is allowed, worded to follow the field's name."""

    def schema(self) -> Schema:
        """The rule as JSON Schema."""


@dataclass(frozen=True)
class Text:
    """A text. A single line loses the white space around it; ``lines`` keeps it and allows breaks."""

    max_length: int
    min_length: int = 0
    lines: bool = False

    def clean(self, value: object) -> Stored:
        if not isinstance(value, str):
            raise ValueError(f"must be a string of {self._length()}")
        # Nearly every text is printable, and that is told ten times as fast as by a search.
        if not value.isprintable() and (_NO_TEXT_IN_LINES if self.lines else _NO_TEXT).search(value):
            raise ValueError(_NO_TEXT_MESSAGE)
        text = value if self.lines else value.strip()
        if not text and not self.min_length:
            return None
        if not self.min_length <= len(text) <= self.max_length:
            raise ValueError(f"must have {self._length()}")
        self.check(text)
        return text

    def check(self, text: str) -> None:
        """What a special kind of text demands besides: ValueError if ``text`` does not have it."""

    def _length(self) -> str:
        return f"{self.min_length} to {self.max_length} characters"

    def schema(self) -> Schema:
        length = {"minLength": self.min_length, "maxLength": self.max_length}
        return {"type": "string", **length, "pattern": self.pattern()}

    def pattern(self) -> str:
        """A regular expression, as JSON Schema has them, for what ``clean`` lets through."""
        return rf"^[^{_CONTROL_IN_LINES if self.lines else _CONTROL}]*$"


@dataclass(frozen=True)
class Email(Text):
    """Text with one @ and something on both sides of it, without spaces. (our choice)"""

    def check(self, text: str) -> None:
        name, _, domain = text.partition("@")
        if not name or not domain or "@" in domain or any(map(str.isspace, text)):
            raise ValueError("must be an e-mail address: one @ between two parts, no spaces")

    def pattern(self) -> str:
        part = rf"[^\s@{_CONTROL}]+"
        return rf"^\s*({part}@{part}\s*)?$"


@dataclass(frozen=True)
class Phone(Text):
    """Text as people write a number, with a digit in it. (our choice)"""

    def check(self, text: str) -> None:
        if not any(map(str.isdigit, text)):  # of any script, which the pattern below cannot say
            raise ValueError("must be a phone number: it has no digit")

    def pattern(self) -> str:
        return rf"^([^{_CONTROL}]*[0-9][^{_CONTROL}]*)?$"


@dataclass(frozen=True)
class OneOf:
    """One of a few words. (seed)"""

    words: tuple[str, ...]

    def clean(self, value: object) -> Stored:
        if isinstance(value, str) and value in self.words:
            return value
        raise ValueError(f"must be one of {', '.join(self.words)}")

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Amount:
    """A number from 0 to ``most``; an integer stays one. (our choice)"""

    maximum: int

    def clean(self, value: object) -> Stored:
        if is_number(value) and 0 <= value <= self.maximum:
            return value
        raise ValueError(f"must be a number from 0 to {self.maximum}")

    def schema(self) -> Schema:
        return {"type": "number", "minimum": 0, "maximum": self.maximum}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def clean(self, value: object) -> Stored:
        if isinstance(value, bool):
            return int(value)
        raise ValueError("must be true or false")

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Texts:
    """A list of at most ``most`` texts, each of the kind ``each``. (our choice)"""

    maximum: int
    each: Text

    def clean(self, value: object) -> Stored:
        if not isinstance(value, list) or len(value) > self.maximum:
            raise ValueError(f"must be a list of at most {self.maximum} strings")
        try:
            return to_json([self.each.clean(item) or "" for item in value])
        except ValueError as error:
            raise ValueError(f"has an item that {error}") from None

    def schema(self) -> Schema:
        return {"type": "array", "maxItems": self.maximum, "items": self.each.schema()}


@dataclass(frozen=True)
class Preferences:
    """An object: some keys have a meaning and are checked, others are kept as they are. (seed, our choice)"""

    max_bytes: int
    max_depth: int
    numbers: tuple[str, ...]
    texts: tuple[str, ...]

    def clean(self, value: object) -> Stored:
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        for key in self.numbers:
            if key in value and value[key] is not None and not (is_number(value[key]) and value[key] >= 0):
                raise ValueError(f"has {key}, which must be a number of at least 0")
        for key in self.texts:
            listed = value.get(key)
            if listed is not None and not (
                isinstance(listed, list) and all(isinstance(item, str) for item in listed)
            ):
                raise ValueError(f"has {key}, which must be a list of strings")
        for depth, text in _walk(value):
            if depth > self.max_depth:
                raise ValueError(f"must not be nested deeper than {self.max_depth} levels")
            if _NO_TEXT_IN_LINES.search(text):
                raise ValueError(_NO_TEXT_MESSAGE)
        stored = to_json(value)
        if len(stored.encode()) > self.max_bytes:
            raise ValueError(f"must have at most {self.max_bytes} bytes as JSON")
        return stored

    def schema(self) -> Schema:
        number = {"type": ["number", "null"], "minimum": 0}
        texts = {"type": ["array", "null"], "items": {"type": "string"}}
        return {
            "type": "object",
            "properties": {**dict.fromkeys(self.numbers, number), **dict.fromkeys(self.texts, texts)},
        }


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; in Python a boolean is an int too, in JSON it is not."""
    return type(value) in (int, float)


def to_json(value: object) -> str:
    """Compact JSON, its text as it is and not escaped."""
    return _COMPACT.encode(value)


def _walk(value: object) -> Iterator[tuple[int, str]]:
    """Every list, object, key and text in a JSON value, as (depth, text); the text of a list is empty.

    The outermost list or object is at depth 1, and so are its keys and texts.
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
