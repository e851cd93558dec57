"""The request headers that change an operation: If-Match, If-None-Match (RFC 9110) and Idempotency-Key."""

import re

import falcon

from acare.api.request import Request
from acare.errors import FieldError, InvalidInput
from acare.fields import Lock

_VERSION = re.compile(r'"([1-9][0-9]{0,17})"')

_IDEMPOTENCY_KEY = re.compile(r"[!#-\[\]-~]{1,255}")

# The maximum length of a list of entity tags.
_MAX_TAGS_LENGTH = 4000


def with_if_match(req: Request, lock: Lock) -> Lock:
    """The lock of a write, with the versions in ``If-Match``. (RFC 9110 13.1.1)"""
    header = req.env.get("HTTP_IF_MATCH")
    if header is None or _is_star(header):
        return lock
    named = map(_VERSION.fullmatch, _tags(header))
    return lock._replace(if_match=[int(match[1]) for match in named if match])


def revalidate(req: Request, resp: falcon.Response, current: str) -> bool:
    """Set the entity tag. Returns whether ``If-None-Match`` lists it, so that the response is 304.

    The comparison is weak (RFC 9110 8.8.3.2), because a proxy that compresses weakens a strong tag.
    """
    resp.set_header("ETag", current)
    header = req.env.get("HTTP_IF_NONE_MATCH")
    tags = [] if header is None else [tag.removeprefix("W/") for tag in _tags(header)]
    if header is None or not (_is_star(header) or current in tags):
        return False
    resp.status = falcon.HTTP_304
    return True


def _is_star(header: str) -> bool:
    return header.strip(" \t") == "*"


def _tags(header: str) -> list[str]:
    """The entity tags in a list; none if it is too long."""
    listed = header.split(",") if len(header) <= _MAX_TAGS_LENGTH else []  # no tag of acare has a comma
    return [tag.strip(" \t") for tag in listed]


def idempotency_key(req: Request) -> str | None:
    """The ``Idempotency-Key``, with or without quotes; None if there is none. Raises InvalidInput."""
    sent: str | None = req.env.get("HTTP_IDEMPOTENCY_KEY")
    if sent is None:
        return None
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        message = "must be 1 to 255 printable ASCII characters other than spaces, quotes and backslashes"
        raise InvalidInput(FieldError("Idempotency-Key", message))
    return key
