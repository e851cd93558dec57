"""A request: the context that the middleware fills, and the parameters of its query string."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import falcon

from acare import ids
from acare.auth import Caller
from acare.errors import FieldError, InvalidInput, NotFound

#: A store as the API uses it: a protocol in ``acare.clients`` or ``acare.auth``.
Store = TypeVar("Store")


class Context(falcon.Context):
    """Facts about a request, set by the middleware for later middleware and the responder."""

    request_id: str
    started: float  # seconds, by time.perf_counter
    caller: Caller | None = None
    body: bytes = b""
    session_user: str | None = None  # named by the embedding app or the proxy, for a request without a key


class Request(falcon.Request):
    """Falcon's request, with a typed context."""

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

    @property
    def caller(self) -> Caller:
        """The caller, once ``RequireKey`` has rejected the requests under ``/v1`` without one."""
        assert self.context.caller is not None
        return self.context.caller


def path_id(text: str, record: str = "client") -> str:
    """The id in a path, in canonical form. NotFound for a malformed one, which no record can have."""
    try:
        return ids.parse(text)
    except ValueError:
        raise NotFound(record) from None


def api_key(env: Mapping[str, Any]) -> str | None:
    """The API key that was sent, valid or not."""
    key: str | None = env.get("HTTP_X_API_KEY") or env.get("HTTP_API_KEY")
    return key


class StoreResource(Generic[Store]):
    """A resource of one of the stores. A setting can require a precondition of its writes."""

    def __init__(self, store: Store, require_precondition: bool = False) -> None:
        self._store = store
        self._require_precondition = require_precondition


def read_query(req: Request, parameters: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """The parameters that are given; see ``parse_each``. A blank value counts as not given."""
    given = {name: value for name, value in req.params.items() if name in parameters}
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
