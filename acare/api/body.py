"""Reads a JSON body, and rejects what Python's parser accepts although it is not valid JSON."""

from __future__ import annotations

from typing import Any

import falcon

from acare.api.envelope import ApiError
from acare.errors import FieldError, InvalidInput
from acare.field_types import from_json


def read(req: falcon.Request) -> Any:
    """The JSON value in the body of the request. A body without a Content-Type is taken as JSON.

    Raises InvalidInput or ApiError. Falcon's media handling is not used: it also parses forms,
    and its error for malformed JSON does not name a field.
    """
    media_type = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        message = "The body must be JSON, with Content-Type: application/json."
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", message, headers={"Accept": falcon.MEDIA_JSON})
    return loads(req.bounded_stream.read())


def loads(data: bytes) -> Any:
    """Parse JSON as RFC 8259 defines it: UTF-8 without a byte order mark, no NaN, no number out of range."""
    if not data:
        raise _invalid("must be a JSON object, but is empty")
    try:
        return from_json(data.decode())
    except UnicodeDecodeError:
        raise _invalid("must be UTF-8") from None
    except ValueError as error:
        raise _invalid(f"must be valid JSON: {error}") from None


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(FieldError("body", message))
