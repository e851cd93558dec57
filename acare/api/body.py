"""Reads a JSON body, and rejects what Python's parser accepts although it is not valid JSON."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import falcon

from acare.errors import InvalidInput, Problem, UnsupportedMediaType


def read(req: falcon.Request) -> Any:
    """The JSON value in the body of the request. A body without a Content-Type is taken as JSON.

    Raises InvalidInput or UnsupportedMediaType. Falcon's media handling is not used: it also parses forms,
    and its error for malformed JSON does not name a field.
    """
    media_type = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        raise UnsupportedMediaType
    return loads(req.bounded_stream.read())


def loads(data: bytes) -> Any:
    """Parse JSON as RFC 8259 defines it: UTF-8 without a byte order mark, no NaN, no number out of range."""
    if not data:
        raise _invalid("must be a JSON object, but is empty")
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
        # A message of the parser gives the position. Any other ValueError is about a number: Python's for an
        # integer of more than 4,300 digits, ours for a fraction beyond the range of a double.
        reason = str(error) if isinstance(error, json.JSONDecodeError) else "a number is out of range"
        raise _invalid(f"must be valid JSON: {reason}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"must be valid JSON: {name} is not allowed")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(Problem("body", message))
