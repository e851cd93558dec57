"""The request headers that change an operation: If-Match and If-None-Match (RFC 9110), Idempotency-Key, and
``Prefer: handling=strict`` (RFC 7240), which rejects the input that acare otherwise ignores.
"""

import re
from collections.abc import Collection, Iterable

import falcon

from acare.api.request import Request
from acare.errors import FieldError, InvalidInput, Refused
from acare.store.clients import UNCONDITIONAL, Precondition

_VERSION = re.compile(r'"([1-9][0-9]{0,17})"')

_IDEMPOTENCY_KEY = re.compile(r"[!#-\[\]-~]{1,255}")

# The maximum length of a list of entity tags.
_MAX_TAGS_LENGTH = 4000

_HANDLING = re.compile(r'(?:^|,)[ \t]*handling[ \t]*=[ \t]*"?([\w-]*)', re.IGNORECASE)

# The maximum number of problems in one response: a body can have thousands of unknown fields.
_MAX_PROBLEMS = 20


def read_precondition(req: Request) -> Precondition:
    """The precondition of a GET or HEAD; ``revalidate`` is called after it has held."""
    header = req.env.get("HTTP_IF_MATCH")
    if header is None or _is_star(header):
        return UNCONDITIONAL
    return Precondition(_versions(header, weak=False))


def write_precondition(req: Request, version: int | None, is_required: bool) -> Precondition:
    """The precondition of a PUT or DELETE. (RFC 9110 13.1.1, 13.1.2)

    Refused if the server requires one, or the ``version`` in the body, and there is neither.
    """
    if is_required and version is None and "HTTP_IF_MATCH" not in req.env:
        message = "Send the version that you read, in If-Match or, except with DELETE, in the body."
        raise Refused(message, "PRECONDITION_REQUIRED")
    if_none_match = req.env.get("HTTP_IF_NONE_MATCH")
    if if_none_match is None:
        return read_precondition(req)
    if _is_star(if_none_match):
        return Precondition(allowed=[])  # no version of an existing client satisfies it
    return read_precondition(req)._replace(excluded=_versions(if_none_match, weak=True))


def revalidate(req: Request, resp: falcon.Response, current: str) -> bool:
    """Set the entity tag. Returns whether ``If-None-Match`` lists it, so that the response is 304.

    The comparison is weak (RFC 9110 8.8.3.2), because a proxy that compresses weakens a strong tag.
    """
    resp.set_header("ETag", current)
    header = req.env.get("HTTP_IF_NONE_MATCH")
    if header is None or not (_is_star(header) or current in _tags(header, weak=True)):
        return False
    resp.status = falcon.HTTP_304
    return True


def _is_star(header: str) -> bool:
    return header.strip(" \t") == "*"


def _tags(header: str, weak: bool) -> list[str]:
    """The opaque tags in a list of entity tags, weak ones only if ``weak``; none if it is too long."""
    listed = header.split(",") if len(header) <= _MAX_TAGS_LENGTH else []  # no tag of acare has a comma
    tags = [tag.strip(" \t") for tag in listed]
    return [tag.removeprefix("W/") for tag in tags if weak or not tag.startswith("W/")]


def _versions(header: str, weak: bool) -> list[int]:
    named = map(_VERSION.fullmatch, _tags(header, weak))
    return [int(match[1]) for match in named if match]


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


def is_strict(req: Request) -> bool:
    """Whether the caller prefers strict handling."""
    context = req.context
    if context.is_strict is None:
        header = req.env.get("HTTP_PREFER")
        context.is_strict = header is not None and context.is_api and _prefers_strict(header)
    return context.is_strict


def _prefers_strict(header: str) -> bool:
    """If a preference is repeated, the first one counts."""
    first = _HANDLING.search(header)
    return first is not None and first[1].lower() == "strict"


def reject_unknown(req: Request, names: Iterable[str], known: Collection[str], problem: str) -> None:
    """InvalidInput with ``problem`` for each name that is not known, if the caller prefers strict handling.

    The names can be any text from the request.
    """
    if is_strict(req) and (unknown := [name for name in names if name not in known]):
        raise InvalidInput(*(FieldError(name[:100], problem) for name in unknown[:_MAX_PROBLEMS]))


def reject_body(req: Request) -> None:
    """InvalidInput for a body of an operation that takes none, if the caller prefers strict handling."""
    reject_unknown(req, ("body",) if req.context.body else (), (), "is ignored by this operation")
