"""The types of the fields of a client.

Each type states its rule twice: ``clean`` takes a value from a JSON body and returns the value to store, or
raises ValueError with the rule; ``schema`` is the same rule as JSON Schema. Every rule that JSON Schema can
express is in the schema, so a value that fits the schema is accepted and a value that does not is rejected.
The patterns list characters instead of using ``\\s`` and ``\\d``, which mean different sets in each language.

A stored value is a string, a number or None. SQLite has no lists, objects and booleans: a list or an object
is stored as JSON text, a boolean as 0 or 1.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

Stored = str | int | float | None
Schema = dict[str, Any]

# Control characters (Unicode category Cc). Text of several lines may have tabs and line breaks. (our choice)
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_IN_LINES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# Lone surrogates are not in the schemas: a regular expression without Unicode mode would reject emoji.
_FORBIDDEN = re.compile(rf"[{_CONTROL}\ud800-\udfff]")
_FORBIDDEN_IN_LINES = re.compile(rf"[{_CONTROL_IN_LINES}\ud800-\udfff]")
# What str.strip and str.isspace treat as white space, without the control characters.
_SPACE = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# The zeros of the scripts in Unicode's Basic Multilingual Plane; the digits 1 to 9 follow each.
_ZEROS = "0٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰\uff10"
_DIGIT = "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _ZEROS)
_HAS_DIGIT = re.compile(f"[{_DIGIT}]")

#: A regular expression, as in JSON Schema, for text of several lines.
LINES_PATTERN = f"^[^{_CONTROL_IN_LINES}]*$"

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_DECODER = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)


class NestedErrors(ValueError):
    """Parts of a list or an object break their rules.

    ``parts`` maps the path of each to its rule: ``{"[2]": "must ..."}``, ``{".bedrooms_min": "must ..."}``.
    """

    def __init__(self, parts: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{path} {rule}" for path, rule in parts.items()))
        self.parts = parts


class FieldType(Protocol):
    """A type of field."""

    def clean(self, value: object) -> Stored:
        """The value to store; ValueError with the rule, worded to follow the name of the field."""

    def schema(self) -> Schema:
        """The rule as JSON Schema."""

    def stored_schema(self) -> Schema:
        """The JSON Schema of stored values, including those stored under an earlier rule."""
        return self.schema()


@dataclass(frozen=True)
class String(FieldType):
    """A string. A single line loses leading and trailing white space before its length is checked.

    With ``lines`` the text is kept as it is and may have line breaks. ``min_length`` is 0 or 1 in schemas.
    """

    max_length: int
    min_length: int = 0
    lines: bool = False

    def clean(self, value: object) -> Stored:
        if not isinstance(value, str):
            raise ValueError(f"must be a string of {self._length()}")
        check_characters(value, lines=self.lines)
        text = value if self.lines else value.strip()
        if not text and not self.min_length:
            return None
        if not self.min_length <= len(text) <= self.max_length:
            raise ValueError(f"must have {self._length()}")
        self.check(text)
        return text

    def check(self, text: str) -> None:
        """Further rules of a special kind of text: ValueError if ``text`` breaks one."""

    def _length(self) -> str:
        return f"{f'{self.min_length} to' if self.min_length else 'at most'} {self.max_length} characters"

    def schema(self) -> Schema:
        if self.lines:
            return {**self.stored_schema(), "pattern": LINES_PATTERN}
        # "maxLength" would also count the white space around the text; this pattern matches text that is too
        # long without it.
        too_long = f"[^{_SPACE}][^{_CONTROL}]{{{self.max_length - 1},}}[^{_SPACE}]"
        return {"type": "string", "pattern": self.pattern(), "not": {"type": "string", "pattern": too_long}}

    def stored_schema(self) -> Schema:
        at_least = {"minLength": self.min_length} if self.min_length else {}
        return {"type": "string", **at_least, "maxLength": self.max_length}

    def pattern(self) -> str:
        """A regular expression, as in JSON Schema, for single lines of any length that ``clean`` accepts."""
        line = f"[^{_CONTROL}]*"
        return f"^{line}[^{_SPACE}{_CONTROL}]{line}$" if self.min_length else f"^{line}$"


@dataclass(frozen=True)
class Email(String):
    """Text with one @ between two parts and no white space inside. (our choice)"""

    def check(self, text: str) -> None:
        name, _, domain = text.partition("@")
        if not name or not domain or "@" in domain or len(text.split()) > 1:
            raise ValueError("must be an e-mail address: one @ between two parts, no spaces")

    def pattern(self) -> str:
        part = f"[^@{_SPACE}{_CONTROL}]+"
        return f"^[{_SPACE}]*({part}@{part}[{_SPACE}]*)?$"


#: The address of a client, which may be blank, and that of a user.
CLIENT_EMAIL = Email(max_length=254)
USER_EMAIL = Email(max_length=254, min_length=3)


def fold_email(address: str) -> str:
    """An address as SQLite compares it, with NOCASE: in lower case, as far as it is ASCII."""
    return address.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")


@dataclass(frozen=True)
class Phone(String):
    """Text with at least one digit of any script, for example ``(661) 555-0142``. (our choice)"""

    def check(self, text: str) -> None:
        if not _HAS_DIGIT.search(text):
            raise ValueError("must be a phone number, with at least one digit")

    def pattern(self) -> str:
        return f"^([{_SPACE}]*|[^{_CONTROL}]*[{_DIGIT}][^{_CONTROL}]*)$"


@dataclass(frozen=True)
class Enum(FieldType):
    """One of a few words. (seed)"""

    words: tuple[str, ...]

    def clean(self, value: object) -> Stored:
        if isinstance(value, str) and value in self.words:
            return value
        raise ValueError(f"must be one of {', '.join(self.words)}")

    def schema(self) -> Schema:
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Amount(FieldType):
    """A number from 0 to ``maximum``; an integer stays an integer. (our choice)"""

    maximum: int

    def clean(self, value: object) -> Stored:
        if is_number(value) and 0 <= value <= self.maximum:
            return value
        raise ValueError(f"must be a number from 0 to {self.maximum}")

    def schema(self) -> Schema:
        # Without the format, generated code in Go and Java holds amounts in 32 bits and rounds them.
        return {"type": "number", "format": "double", "minimum": 0, "maximum": self.maximum}


@dataclass(frozen=True)
class Boolean(FieldType):
    """True or false."""

    def clean(self, value: object) -> Stored:
        if isinstance(value, bool):
            return int(value)
        raise ValueError("must be true or false")

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class StringList(FieldType):
    """A list of at most ``maximum`` strings, each of the type ``each``. (our choice)"""

    maximum: int
    each: String

    def clean(self, value: object) -> Stored:
        if not isinstance(value, list) or len(value) > self.maximum:
            raise ValueError(f"must be a list of at most {self.maximum} strings")
        clean, invalid = [], {}
        for index, item in enumerate(value):
            try:
                clean.append(self.each.clean(item) or "")
            except ValueError as error:
                invalid[f"[{index}]"] = str(error)
        if invalid:
            raise NestedErrors(invalid)
        return to_json(clean)

    def schema(self) -> Schema:
        return {"type": "array", "maxItems": self.maximum, "items": self.each.schema()}

    def stored_schema(self) -> Schema:
        return {**self.schema(), "items": self.each.stored_schema()}


def check_characters(text: str, *, lines: bool) -> None:
    """ValueError if ``text`` has control characters, other than those of ``lines``, or lone surrogates."""
    # Most text is printable, and isprintable is ten times as fast as a search.
    if not text.isprintable() and (_FORBIDDEN_IN_LINES if lines else _FORBIDDEN).search(text):
        raise ValueError("must not contain control characters or lone surrogates")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number. In Python, unlike in JSON, a boolean is a number too."""
    return type(value) in (int, float)


def to_json(value: object) -> str:
    """Compact JSON, with text unescaped."""
    return _COMPACT.encode(value)


def from_json(text: str) -> Any:
    """The JSON value in a text, as RFC 8259 defines it: ValueError with the reason if there is none."""
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # NaN, Infinity, 1e999, or an integer of more than 4,300 digits, which Python refuses
        raise ValueError("each number must be finite, and in the range of a double") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
