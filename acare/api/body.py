"""Reading a JSON body: everything that Python's parser lets through and JSON does not have is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import falcon

from acare.errors import InvalidInput, Problem


def read(req: falcon.Request) -> Any:
    """The JSON value in the request's body; a body that declares no type is taken for JSON.

    InvalidInput, or 415 if it is declared as something else. Falcon's own media handling would parse
    forms, and answer for malformed JSON with an error of its own that names no field.
    """
    media_type = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        raise falcon.HTTPUnsupportedMediaType
    return loads(req.bounded_stream.read())


def loads(data: bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8 without a byte order mark, no NaN, no number out of range."""
    if not data:
        raise _invalid("must be a JSON object; it is empty")
    try:
        text = data.decode()
        if text.startswith("\ufeff"):
            raise _invalid("must be UTF-8 without a byte order mark")
        return _DECODER.decode(text)
    except UnicodeDecodeError:
        raise _invalid("must be UTF-8") from None
    except RecursionError:
        raise _invalid("is nested too deeply") from None
    except ValueError as error:
        # The parser's words tell the place. Any other is for a number: Python's for an integer of more
        # than 4,300 digits, or ours for a fraction beyond a double.
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "a number is out of range"
        raise _invalid(f"must be valid JSON: {reason}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"must be valid JSON: there is no {name}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(Problem("body", message))
