"""JSON texts: written compactly, and read as RFC 8259 defines them."""

import json
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=int)  # which raises ValueError for NaN and Infinity


def strings(listed: str) -> list[str]:
    """The strings of a JSON list. Another program can have stored other values, or JSON5."""
    try:
        values = json.loads(listed)
    except (ValueError, RecursionError):
        return []
    texts = [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
    # An escape can be half of a surrogate pair, which SQLite takes only so.
    return [text.encode(errors="ignore").decode() for text in texts] if "\\" in listed else texts


def to_json(value: object) -> str:
    """Compact JSON, with text unescaped. ValueError for a number that is not finite."""
    return _ENCODER.encode(value)


def from_json(text: str) -> Any:
    """The JSON value in a text, as RFC 8259 defines it. ValueError, with the reason, for others.

    A fraction beyond the range of a double becomes infinite, which no field accepts: to check each number
    here would take most of the time.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # NaN, Infinity, or an integer of more than 4,300 digits, which Python refuses
        raise ValueError("each number must be finite, and in the range of a double") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
