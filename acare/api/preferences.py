"""``Prefer: handling=strict`` (RFC 7240): rejects the input that acare otherwise ignores."""

import re
from collections.abc import Collection, Iterable

import falcon

from acare.api.request import Request
from acare.errors import FieldError, InvalidInput

# The preferences in a header, separated by commas outside quotes. Possessive quantifiers never backtrack.
_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*+"?)++')

# The maximum length of the header; a longer one is ignored, because reading it could take milliseconds.
_MAX_LENGTH = 1000

# The maximum number of problems in one response: a body can have thousands of unknown fields.
_MAX_PROBLEMS = 20


def is_strict(req: Request) -> bool:
    """Whether the caller prefers strict handling. If a preference is repeated, the first one counts."""
    header = req.env.get("HTTP_PREFER")
    if header is None or len(header) > _MAX_LENGTH or not req.is_api:
        return False
    for preference in _PREFERENCE.findall(header):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip(" \t").lower() == "handling":
            return bool(value.strip(" \t").strip('"').lower() == "strict")
    return False


def reject_unknown(req: Request, names: Iterable[str], known: Collection[str], problem: str) -> None:
    """InvalidInput with ``problem`` for each name that is not known, if the caller prefers strict handling.

    The names can be any text from the request.
    """
    if is_strict(req) and (unknown := [name for name in names if name not in known]):
        shown = (name[:100].encode(errors="replace").decode() for name in unknown[:_MAX_PROBLEMS])
        raise InvalidInput(*(FieldError(name, problem) for name in shown))


class StrictHandling:
    """Rejects query parameters and bodies that would be ignored, if the caller prefers strict handling.

    The attribute ``parameters`` of a resource has its query parameters, and ``takes_body = False`` says
    that its POST has no body. The fields of a body are an argument of ``body.read``.
    """

    def process_resource(self, req: Request, resp: falcon.Response, resource: object, _: object) -> None:
        known = getattr(resource, "parameters", ()) if req.method not in ("POST", "PUT") else ()
        reject_unknown(req, req.params, known, "is not a query parameter of this operation")
        takes_body = req.method in ("POST", "PUT") and getattr(resource, "takes_body", True)
        if not takes_body and req.context.body:
            reject_unknown(req, ("body",), (), "is ignored by this operation")

    def process_response(self, req: Request, resp: falcon.Response, *_: object) -> None:
        if is_strict(req):
            resp.set_header("Preference-Applied", "handling=strict")
