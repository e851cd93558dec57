"""A request: the context that the middleware fills, and the parameters of its query string."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import falcon

from acare import ids
from acare.auth import Caller
from acare.clients import PROPERTY
from acare.errors import AcareError, ClientNotFound, FieldError, InvalidInput

#: See ``workload``.
Workload = Literal["quick", "slow", "write"]

#: A page after this many rows takes milliseconds to find: SQLite walks the index up to the page.
DEEP = 10_000

_SLOW = ("/history", ".csv", "/keys", "/changes", "/readyz")
_SEARCH = re.compile(rf"(?:^|&)(?:q|email|deleted|sort|{'|'.join(PROPERTY)})=")
_NUMBERS = re.compile(r"(?:^|&)(page|limit)=([0-9]{1,100})(?=&|$)", re.ASCII)


class Context(falcon.Context):
    """Facts about a request, set by the middleware for later middleware and the responder."""

    request_id: str
    started: float  # seconds, by time.perf_counter
    caller: Caller | None = None
    session_user: str | None = None  # named by the embedding app or the proxy, for a request without a key


class Request(falcon.Request):
    """Falcon's request, with a typed context."""

    __slots__ = ()
    context_type = Context
    context: Context

    def __init__(self, env: dict[str, object], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        if self.method == "WEBSOCKET":
            # Falcon uses this name internally and rejects it before any middleware runs. In lower case it
            # is an unknown method like any other.
            self.method = "websocket"
        #: Whether the path belongs to the API, which needs a key and is rate-limited. Falcon's router ignores
        #: additional and missing leading slashes.
        self.is_api = self.path.lstrip("/").partition("/")[0] == "v1"


def path_id(text: str, error: type[AcareError] = ClientNotFound) -> str:
    """The id in a path, in canonical form. Raises ``error`` for a malformed one, which no row can have."""
    found = ids.canonical(text)
    if found is None:
        raise error
    return found


class Turn(NamedTuple):
    """How a server queues a request: the callers take turns, and each has one request answered at a time.

    Requests that may overlap, the writes of a user, are answered together: they share a commit.
    """

    caller: str
    workload: Workload
    overlaps: bool


def api_key(env: Mapping[str, Any]) -> str | None:
    """The API key that was sent, valid or not."""
    key: str | None = env.get("HTTP_X_API_KEY") or env.get("HTTP_API_KEY")
    return key


def workload(method: str, path: str, query_string: str) -> Workload:
    """The cost of a request, by which a server decides which thread answers it.

    "quick" has a short answer, takes a few milliseconds and does not wait for the disk, so that an event loop
    may answer it. "slow" is every other read: a list of more than 25 clients, of deleted clients, for a
    property, in another order, or after ``DEEP`` rows; a search, changes, a history, a file, the keys, and
    the readiness check, which writes.

    A URL with escapes counts as slow: decoding it here, and again later, would take longer.
    """
    if method in ("POST", "PUT", "DELETE"):
        return "write"
    path = path.rstrip("/")
    if "%" in path or path.endswith(_SLOW):
        return "slow"
    if not query_string:
        return "quick"
    if "%" in query_string or "+" in query_string or _SEARCH.search(query_string):
        return "slow"
    numbers = dict(_NUMBERS.findall(query_string))
    limit = int(numbers.get("limit", 25))
    is_short = limit <= 25 and int(numbers.get("page", 1)) * limit < DEEP
    return "quick" if is_short else "slow"


class StoreResource:
    """A resource that only needs one of the stores, which the API does not import."""

    def __init__(self, store: Any) -> None:
        self._store = store


def read_query(req: Request, parameters: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters that are given; see ``parse_each``. A blank value counts as not given."""
    given = {name: req.params[name] for name in parameters if name in req.params}
    repeated = [name for name, value in given.items() if isinstance(value, list)]
    problems = [FieldError(name, "must not be given more than once") for name in repeated]
    texts = {name: value for name, value in given.items() if isinstance(value, str) and value.strip()}
    return parse_each(texts, parameters, problems)


def parse_each(
    values: Mapping[str, Any], parsers: Mapping[str, Callable[[Any], Any]], problems: list[FieldError]
) -> dict[str, Any]:
    """The values, each as the function of its name returns it.

    Each function raises ValueError with the rule, worded to follow the name. InvalidInput lists every
    problem, with those in ``problems``.
    """
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        try:
            parsed[name] = parsers[name](value)
        except ValueError as error:
            problems.append(FieldError(name, str(error)))
    if problems:
        raise InvalidInput(*problems)
    return parsed
