"""Reads a JSON body, and rejects invalid JSON that Python's parser accepts."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

import falcon

from acare.api.request import Request
from acare.errors import FieldError, InvalidInput, Refused
from acare.fields import parse_each
from acare.json_text import from_json

#: The maximum size of a body in bytes.
MAX_BODY = 64 * 1024

#: Bytes of a body over the limit that are read before the 413, so that the sender receives the 413.
MAX_DISCARDED = 8 * 1024 * 1024


def receive(stream: Any, size: int) -> bytes:
    """Read from the WSGI server. InvalidInput if it rejects the framing or the caller has disconnected."""
    try:
        return bytes(stream.read(size))
    except (OSError, ValueError):
        raise _invalid("is malformed: the server could not read it") from None


def discard(stream: Any) -> None:
    """Read the rest of a body: if it stays unread, some servers lose the response or the next request."""
    left = MAX_DISCARDED
    with suppress(OSError, ValueError):
        while left > 0 and (data := stream.read(64 * 1024)):
            left -= len(data)


def read(req: Request) -> dict[str, Any]:
    """The JSON object in the body of the request. A body without a Content-Type is taken as JSON.

    Raises InvalidInput or Refused. Falcon's media handling is not used: it also parses forms, and its error
    for malformed JSON does not name a field.
    """
    media_type = (req.content_type or falcon.MEDIA_JSON).partition(";")[0].strip().lower()
    if media_type != falcon.MEDIA_JSON:
        message = "The body must be JSON, with Content-Type: application/json."
        raise Refused(message, "UNSUPPORTED_MEDIA_TYPE", headers={"Accept": falcon.MEDIA_JSON})
    try:
        members = from_json(req.context.body.decode())
    except UnicodeDecodeError:
        raise _invalid("must be UTF-8") from None
    except ValueError as error:
        raise _invalid(f"must be valid JSON: {error}") from None
    if not isinstance(members, dict):
        raise _invalid("must be a JSON object")
    return members


def read_fields(
    req: Request, fields: Mapping[str, Callable[[object], Any]], required: Collection[str] = ()
) -> dict[str, Any]:
    """The fields of a JSON object that are present and not null; see ``parse_each``.

    For bodies in which null means absent; records use ``validate_update``. Other members are ignored.
    """
    members = read(req)
    problems = [FieldError(name, "is required") for name in required if members.get(name) is None]
    given = {
        name: value
        for name, value in members.items()
        if name in fields and (value is not None or name == "version")  # null would disable the lock
    }
    return parse_each(given, fields, problems)


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(FieldError("body", message))
