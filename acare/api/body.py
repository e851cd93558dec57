"""Reading a JSON body: everything that Python's parser lets through and JSON does not have is refused."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import falcon
from falcon.media import Handlers, JSONHandler

from acare.errors import InvalidInput, Problem


def read(req: falcon.Request) -> Any:
    """The JSON value in the request's body. InvalidInput, or 415 if it is declared as something else."""
    try:
        return req.get_media()
    except falcon.MediaNotFoundError:
        raise _invalid("must be a JSON object; it is empty") from None


def handlers() -> Handlers:
    """Falcon's media handlers: JSON and nothing else, so that no form body is ever parsed."""
    return Handlers({falcon.MEDIA_JSON: JSONHandler(loads=loads)})


def loads(text: str | bytes) -> Any:
    """Parse JSON as RFC 8259 has it: UTF-8 without a byte order mark, no NaN, no number out of range."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(decoded, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise _invalid("must be UTF-8") from None
    except RecursionError:
        raise _invalid("is nested too deeply") from None
    except ValueError as error:
        # The parser's words tell the place; "Exceeds the limit" is Python's for an integer of 4,300 digits.
        reason = f": {error}" if isinstance(error, json.JSONDecodeError) else ": a number is out of range"
        raise _invalid(f"must be valid JSON{reason}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"must be valid JSON: there is no {name}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(Problem("body", message))
