"""Conditional requests (RFC 9110) and safe retries: what the headers ask for, in the words of the store."""

from __future__ import annotations

import re

import falcon

from acare.errors import InvalidInput, Problem

_VERSION = re.compile(r"[1-9][0-9]{0,17}")
_IDEMPOTENCY_KEY = r"[!#-\[\]-~]{1,255}"

#: What an ``Idempotency-Key`` looks like, as a regular expression of JSON Schema.
IDEMPOTENCY_KEY_PATTERN = f'^({_IDEMPOTENCY_KEY}|"{_IDEMPOTENCY_KEY}")$'


def etag(version: int) -> str:
    """The strong entity tag of a client at a version."""
    return f'"{version}"'


def not_modified(req: falcon.Request, version: int) -> bool:
    """Whether ``If-None-Match`` says that the caller has this version already."""
    sent = req.env.get("HTTP_IF_NONE_MATCH")
    if sent is None:
        return False
    return sent.strip() == "*" or str(version) in (req.if_none_match or ())


def has_match(req: falcon.Request) -> bool:
    """Whether there is an ``If-Match`` at all."""
    return "HTTP_IF_MATCH" in req.env


def matches(req: falcon.Request) -> list[int] | None:
    """The versions that ``If-Match`` names, None if there is no such condition or it is ``*``.

    What is no strong tag of a version of ours names none: a condition that cannot be read never holds.
    """
    if not has_match(req) or req.env["HTTP_IF_MATCH"].strip() == "*":
        return None
    tags = req.if_match or ()
    return [int(tag) for tag in tags if _VERSION.fullmatch(tag) and not getattr(tag, "is_weak", False)]


def idempotency_key(req: falcon.Request) -> str | None:
    """The ``Idempotency-Key``, with quotes around it or without; InvalidInput if it is no key."""
    sent: str | None = req.env.get("HTTP_IDEMPOTENCY_KEY")
    if sent is None:
        return None
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not re.fullmatch(_IDEMPOTENCY_KEY, key):
        message = "must be 1 to 255 printable ASCII characters without spaces, quotes and backslashes"
        raise InvalidInput(Problem("Idempotency-Key", message))
    return key
