"""What the API and the stores share about clients: types, and the methods that the API calls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import NamedTuple, Protocol

from acare.auth import Caller
from acare.field_types import String, number
from acare.fields import ValidFields


class ClientRow(NamedTuple):
    """A stored client; ``json`` is the record as responses show it."""

    version: int
    json: str


class CreatedClient(NamedTuple):
    """A client as it was created. ``replayed``: by an earlier request with the idempotency key."""

    id: str
    json: str
    created_at: str
    replayed: bool


class ClientPage(NamedTuple):
    """The records on one page as JSON texts, and the number of clients on all pages.

    For deleted clients, ``deletions`` has ``deletedAt`` and ``deletedBy``, as JSON texts.
    """

    total: int
    rows: list[str]
    deletions: list[str] | None = None


class Page(NamedTuple):
    """Events or changes as JSON texts, whether there are more, and for changes the cursor after them."""

    rows: list[str]
    has_more: bool
    cursor: str = ""


#: The orders of a list, of which the first one is the default, and their directions.
SORTS = ("created_at", "updated_at", "name")
DIRECTIONS = ("asc", "desc")

#: The text of a search. A possessive quantifier (++) never backtracks.
SEARCH = String(200, 1, pattern=r"\A(\S++\s*+){1,8}\Z", rule="must have at most 8 words")

_text = String(200, pattern=r"[^\W_]", rule="must have a letter or digit").validate


def parse_due(text: str) -> str:
    """The last date of the follow-ups that a list has: ``YYYY-MM-DD``, or ``any``."""
    with suppress(ValueError):
        if text == "any" or date.fromisoformat(text).isoformat() == text:
            return "9999-12-31" if text == "any" else text
    raise ValueError("must be a date such as 2026-12-15, or any")


#: The filters that describe a property, each with its parser.
PROPERTY: Mapping[str, Callable[[str], object]] = {
    "price": number,
    "location": _text,
    "property_type": _text,
    "bedrooms": number,
    "bathrooms": number,
    "square_feet": number,
}


class Precondition(NamedTuple):
    """The versions of a client at which a request may proceed; None: all."""

    allowed: Sequence[int] | None = None
    excluded: Sequence[int] = ()

    def holds(self, version: int) -> bool:
        """Whether the request may proceed when the client is at ``version``."""
        return (self.allowed is None or version in self.allowed) and version not in self.excluded


UNCONDITIONAL = Precondition()


class Lists(Protocol):
    """``ClientLists`` as the API uses it; ``acare.store`` describes the methods."""

    def page(self, caller: Caller, *, page: int, limit: int, **filters: object) -> ClientPage: ...

    def all(self, caller: Caller, max_clients: int, **filters: object) -> Iterator[tuple[str, str]]: ...


class Clients(Protocol):
    """``ClientStore`` as the API uses it."""

    def get(self, caller: Caller, client_id: str, precondition: Precondition) -> ClientRow: ...

    def create(
        self, caller: Caller, client: ValidFields, *, idempotency_key: str | None
    ) -> CreatedClient: ...

    def update(
        self,
        caller: Caller,
        client_id: str,
        changes: ValidFields,
        *,
        version: int | None,
        precondition: Precondition,
        expected: Mapping[str, object] | None = None,
    ) -> ClientRow: ...

    def handover(self, caller: Caller, owner: str, to: str) -> int: ...

    def delete(self, caller: Caller, client_id: str, precondition: Precondition) -> None: ...


class History(Protocol):
    """``HistoryStore`` as the API uses it."""

    def page(self, caller: Caller, client_id: str, *, before: int = ...) -> Page: ...

    def restore(self, caller: Caller, client_id: str) -> ClientRow: ...


class Feed(Protocol):
    """``ChangeFeed`` as the API uses it."""

    def page(self, caller: Caller, *, after: str | None, limit: int) -> Page: ...
