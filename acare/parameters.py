"""Parameters of query strings, and the types of values that can be texts: also of settings and arguments."""

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from acare.field_types import Described, Enum, FieldType, described, is_number
from acare.json_text import from_json


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query string, as the document has it.

    ``default`` is what an absent one means, and so, with ``blank``, one without a value.
    """

    kind: FieldType
    description: str
    example: object = None
    default: object = None
    blank: bool = True

    def __call__(self, value: Any, /) -> Any:
        return self.kind(value)


@described(type="boolean")
def flag(value: object) -> bool:
    """True or false, or its text."""
    return value if isinstance(value, bool) else Enum(("true", "false"))(value) == "true"


@described(type="number", minimum=0)
def number(value: object) -> float:
    """A number of at least 0, or its text as in JSON."""
    with suppress(ValueError, OverflowError):
        value = from_json(value) if isinstance(value, str) else value
        if is_number(value) and 0 <= value < math.inf:
            return value if value < 2**63 else float(value)  # SQLite has no greater integers
    raise ValueError("must be a number of at least 0")


def count(maximum: float = math.inf, minimum: int = 1) -> Described:
    """A whole number from ``minimum`` to ``maximum``, or its text of at most 100 digits."""
    allowed = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum}"

    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,100}", value) else value
        if type(number) is int and minimum <= number <= maximum:
            return number
        raise ValueError(f"must be a whole number {allowed}")

    return Described(parse, {"type": "integer", "minimum": minimum})
