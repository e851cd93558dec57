"""The types of values: of fields, query parameters, settings and arguments of commands.

Each is a function that returns the value to store or to use. Its ValueError has the rule, worded to follow
the name of the field. Its ``schema`` is the JSON Schema of these values, for the OpenAPI document.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeGuard

from acare.json_text import to_json

#: SQLite has no lists, objects or booleans: they are stored as JSON text, booleans as 0 or 1.
Stored = str | int | float | None

# Control characters (category Cc) and lone surrogates. Text of several lines may have tabs and line breaks.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_FORBIDDEN_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

#: Python sorts accents in a row in quadratic time: 10,000 take seconds. After 30, the rest is ignored.
EXCESS = re.compile(r"(?<=\W{30})\W+")

#: Checks a value, and returns what stands for it.
Type = Callable[[Any], Any]

Schema = dict[str, Any]


class FieldType(Protocol):
    """A type with a schema. One with a ``name`` is a schema of this name in the document."""

    @property
    def schema(self) -> Schema: ...

    def __call__(self, value: Any, /) -> Any: ...


@dataclass(frozen=True)
class Described:
    """A function with a schema."""

    parse: Type
    schema: Schema

    def __call__(self, value: Any, /) -> Any:
        return self.parse(value)


def described(**schema: Any) -> Callable[[Type], Described]:
    """Decorates a function with its schema."""
    return lambda parse: Described(parse, schema)


@dataclass(frozen=True)
class String:
    """A string. A single line loses surrounding white space before its length is checked.

    With ``lines`` it is stored as it is, and may have line breaks. A text that is not empty must contain a
    match of ``pattern``, if there is one; otherwise the problem is ``rule``. ``schema_pattern`` is the same
    as other languages read it too, for the schema.
    """

    max_length: int
    min_length: int = 0
    lines: bool = False
    pattern: re.Pattern[str] | None = None
    rule: str = ""
    schema_pattern: str = ""

    def __call__(self, value: object) -> Stored:
        if not isinstance(value, str):
            raise ValueError(f"must be a string of {self._length()}")
        text = value if self.lines else value.strip()
        if not self.min_length <= len(text) <= self.max_length:
            raise ValueError(f"must have {self._length()}")
        check_characters(value, lines=self.lines)  # the white space around the text too
        if text and self.pattern and not self.pattern.search(text):
            raise ValueError(self.rule)
        return text or None

    @property
    def schema(self) -> Schema:
        minimum = {"minLength": self.min_length} if self.min_length else {}
        pattern = {"pattern": self.schema_pattern} if self.schema_pattern else {}
        return {"type": "string", **minimum, "maxLength": self.max_length, **pattern}

    def _length(self) -> str:
        return f"{f'{self.min_length} to' if self.min_length else 'at most'} {self.max_length} characters"


#: The e-mail address of a client, which may be blank, and of a user; a phone number; a name; a tag.
CLIENT_EMAIL = String(
    254,
    pattern=re.compile(r"\A[^@\s]+@[^@\s]+\Z"),
    rule="must be an e-mail address: one @ between two parts, no spaces",
)
USER_EMAIL = replace(CLIENT_EMAIL, min_length=3, schema_pattern=r"^\s*[^@\s]+@[^@\s]+\s*$")
PHONE = String(40, pattern=re.compile(r"\d"), rule="must be a phone number, with at least one digit")
NAME = String(min_length=1, max_length=100)
TAG = String(50)


@dataclass(frozen=True)
class Enum:
    """One of ``values``. Without a name, generators make no type of it."""

    values: tuple[str, ...]
    name: str = ""
    description: str = ""

    @property
    def schema(self) -> Schema:
        if not self.name:
            return {"anyOf": [{"type": "string", "const": value} for value in self.values]}
        return {"type": "string", "enum": [*self.values], "description": self.description}

    def __call__(self, value: object) -> Stored:
        if isinstance(value, str) and value in self.values:
            return value
        raise ValueError(f"must be one of {', '.join(self.values)}")


@dataclass(frozen=True)
class Amount:
    """A number from 0 to ``maximum``; an integer stays an integer."""

    maximum: int

    @property
    def schema(self) -> Schema:
        return {"type": "number", "format": "double", "minimum": 0, "maximum": self.maximum}

    def __call__(self, value: object) -> Stored:
        if is_number(value) and 0 <= value <= self.maximum:
            return value
        raise ValueError(f"must be a number from 0 to {self.maximum}")


@described(type="boolean")
def boolean(value: object) -> bool:
    """True or false, unchanged."""
    if isinstance(value, bool):
        return value
    raise ValueError("must be true or false")


class Boolean:
    """True or false, to store."""

    schema = boolean.schema

    def __call__(self, value: object) -> Stored:
        return int(boolean(value))


@dataclass(frozen=True)
class StringList:
    """A list of at most ``maximum`` strings, each of the type ``items``."""

    maximum: int
    items: String

    @property
    def schema(self) -> Schema:
        return {"type": "array", "maxItems": self.maximum, "items": self.items.schema}

    def __call__(self, value: object) -> Stored:
        if not isinstance(value, list) or len(value) > self.maximum:
            raise ValueError(f"must be a list of at most {self.maximum} strings")
        valid = []
        for index, item in enumerate(value):
            try:
                valid.append(self.items(item) or "")
            except ValueError as error:
                raise ValueError(f"is invalid: [{index}] {error}") from None
        return f"[{','.join(map(to_json, valid))}]"  # faster than to_json(valid)


class Preferences:
    """An object. The known keys are validated, others are stored as they are."""

    MAX_BYTES = 8 * 1024
    MAX_DEPTH = 20
    NOT_FINITE = "must have only numbers in the range of a double"
    TOO_DEEP = f"must not be nested deeper than {MAX_DEPTH} levels"
    NUMBERS: ClassVar = {
        "bedrooms_min": "Minimum number of bedrooms.",
        "bathrooms_min": "Minimum number of bathrooms; a half counts as 0.5.",
        "square_feet_min": "Minimum living area in square feet.",
    }

    name = "PropertyPreferences"

    @property
    def schema(self) -> Schema:
        number = {"type": ["number", "null"], "format": "double", "minimum": 0}
        types = {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "Types of property that the client considers, for example `condo`.",
        }
        numbers = {name: {**number, "description": text} for name, text in self.NUMBERS.items()}
        return {
            "type": "object",
            "description": "What a buyer is looking for.",
            "properties": {**numbers, "property_types": types},
            "additionalProperties": True,
        }

    def __call__(self, value: object) -> Stored:
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        try:
            stored = to_json(value)
        except ValueError:
            raise ValueError(self.NOT_FINITE) from None
        except RecursionError:
            raise ValueError(self.TOO_DEEP) from None
        # Before the walk, which takes several times as long as the JSON.
        if len(stored.encode(errors="surrogatepass")) > self.MAX_BYTES:
            raise ValueError(f"must have at most {self.MAX_BYTES} bytes as JSON")
        self._walk(value)
        for key in self.NUMBERS:
            number = value.get(key)
            if number is not None and not (is_number(number) and number >= 0):
                raise ValueError(f"is invalid: {key} must be a number of at least 0")
        types = value.get("property_types")
        if not (types is None or (isinstance(types, list) and all(isinstance(item, str) for item in types))):
            raise ValueError("is invalid: property_types must be a list of strings")
        return stored

    def _walk(self, value: dict[str, Any] | list[Any], depth: int = 0) -> None:
        """ValueError if a part is nested too deeply, or has invalid text, or an integer beyond a double.

        Such an integer makes a page unreadable for programs that read each number as a double.
        """
        if depth == self.MAX_DEPTH:
            raise ValueError(self.TOO_DEEP)
        for part in value if isinstance(value, list) else (*value.keys(), *value.values()):
            if isinstance(part, str):
                check_characters(part, lines=True)
            elif type(part) is int:
                try:
                    float(part)
                except OverflowError:
                    raise ValueError(self.NOT_FINITE) from None
            elif isinstance(part, (dict, list)):
                self._walk(part, depth + 1)


def check_characters(text: str, *, lines: bool) -> None:
    """ValueError if ``text`` has control characters or lone surrogates.

    With ``lines`` it may have tabs and line breaks.
    """
    # Most text is printable, and isprintable is much faster than a search.
    if not text.isprintable() and (_FORBIDDEN_IN_LINES if lines else _FORBIDDEN).search(text):
        raise ValueError("must not contain control characters or lone surrogates")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number. In Python, unlike in JSON, a boolean is a number too."""
    return type(value) in (int, float)
