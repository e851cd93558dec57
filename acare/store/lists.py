"""Lists of clients for any combination of filters: one page and the total, or all."""

import json
import sqlite3
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing
from functools import cache
from typing import Any, NamedTuple

from acare import places, search_terms
from acare.auth import Caller
from acare.database.connection import readable_text
from acare.database.database import ReadableDatabase
from acare.errors import FieldError, InvalidInput
from acare.fields import CLIENT_TYPES, STATUSES, parse_arguments
from acare.filters import FILTERS, PROPERTY
from acare.store import MAX_SQLITE_INTEGER, Listing, Store

#: Seconds that a list, a search or a history may take: other requests wait for it.
MAX_SECONDS = 2.0

#: Seconds that reading all clients of a list may take, including pauses between rows.
MAX_SECONDS_OF_ALL = 30.0

# What an export has: a client, and what else describes it, as JSON.
_EXPORTED = "clients.json, json_object('owner', (SELECT email FROM users WHERE users.id = user_id))"

# The earliest follow-up of a client, a tag such as "due:2026-12-15" with a valid date; NULL if there is none.
# (Without a modifier, SQLite 3.40 also takes 30 February for a date.)
_DUE = """(
    SELECT min(substr(value, 5))
    FROM json_each(tags)
    WHERE value GLOB 'due:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        AND date(substr(value, 5), '+0 days') = substr(value, 5)
)"""

_TYPES = "CAST(coalesce(property_preferences ->> '$.property_types', '[]') AS BLOB)"

# In the order in which SQLite checks them: columns before JSON, and functions of acare last. What a client
# leaves open suits every property.
_CONDITIONS = {
    "q": "clients_search MATCH :q",
    "email": "clients.email = :email COLLATE NOCASE",
    "owner_id": "user_id = :owner_id",
    "user_id": "user_id = :user_id",
    "client_type": "client_type = :client_type",
    "status": "status = :status",
    "buyers": "client_type <> 'seller'",
    "price": ":price BETWEEN coalesce(budget_min, 0) AND coalesce(budget_max, :price)",
    "tag": "EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag COLLATE NOCASE)",
    "due": f"instr(tags, 'due:') AND {_DUE} <= :due",
    "bedrooms": "coalesce(property_preferences ->> '$.bedrooms_min', 0) <= :bedrooms",
    "bathrooms": "coalesce(property_preferences ->> '$.bathrooms_min', 0) <= :bathrooms",
    "square_feet": "coalesce(property_preferences ->> '$.square_feet_min', 0) <= :square_feet",
    "location": "(preferred_locations = '[]' OR has_place(CAST(preferred_locations AS BLOB), :location))",
    "property_type": f"({_TYPES} = CAST('[]' AS BLOB) OR has_type({_TYPES}, :property_type))",
}

# What is compared in place of the value of a filter.
_PREPARE = {"q": search_terms.query, "location": places.fold, "property_type": places.fold}

# The conditions that have an index in the order of the list, and totals; and the one that is its own index.
_INDEXED = {"owner_id", "user_id", "client_type", "status"}
_SEARCH = {"q"}

# The orders by ``sort``, with the direction that each has by default. Equal clients are newest first.
_ORDERS = {
    "created_at": ("created_at {order}", "desc"),
    "updated_at": ("updated_at {order}", "desc"),
    "name": ("last_name COLLATE NOCASE {order}, first_name COLLATE NOCASE {order}", "asc"),
    "due": (f"{_DUE} {{order}}", "asc"),
}


class ClientLists(Store[ReadableDatabase]):
    """Lists of the clients in a database that the caller can see.

    ``filters`` are the query parameters of a list (``acare.filters``); None sets no condition.
    Without ``sort``, the newest clients are first.
    """

    def page(self, caller: Caller, *, page: int, limit: int, **filters: object) -> Listing[str]:
        """Page number ``page``, counted from 1, of ``limit`` clients as JSON texts.

        The rows and the total come from one snapshot. A page past the end has no rows. StoreUnavailable if
        that takes too long.
        """
        query = _query(caller.owner_id, filters)
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            connection.execute("BEGIN")
            skipped = min((page - 1) * limit, MAX_SQLITE_INTEGER)
            try:
                connection.text_factory = str  # a tenth faster, but it fails for text that is not UTF-8
                return _page(connection, query, skipped, limit)
            except sqlite3.OperationalError as error:
                if "Could not decode" not in str(error):
                    raise
                connection.text_factory = readable_text
                return _page(connection, query, skipped, limit)
            finally:
                connection.text_factory = readable_text

    def all(self, caller: Caller, max_clients: int, **filters: object) -> Iterator[tuple[str, str]]:
        """The JSON of each client, and of its owner's e-mail address, from one snapshot.

        InvalidInput if there are more than ``max_clients``.
        """
        query = _query(caller.owner_id, filters)
        with self._database.read(max_seconds=MAX_SECONDS_OF_ALL) as connection:
            connection.execute("BEGIN")
            total, rows = _matches(connection, query, _EXPORTED, 0, max_clients)
            with closing(rows):  # an open cursor would keep the snapshot for the connection's next read
                if total > max_clients:
                    more = f"match {total:,} clients, more than {max_clients:,}"
                    problem = f"{more}: add a filter, or use 'acare export'"
                    raise InvalidInput(FieldError("filters", problem))
                yield from rows

    EXPORT = f"SELECT {_EXPORTED} FROM clients ORDER BY seq"

    def export(self) -> Generator[tuple[str, str], None, None]:
        """Like ``all``, but all clients of all users, oldest first, without a time limit."""
        with self._database.read() as connection:
            yield from connection.execute(self.EXPORT)


class _Query(NamedTuple):
    """The values of the conditions of a list, and its ORDER BY; empty: by position, newest first."""

    values: dict[str, Any]
    order: str


def _query(owner_id: str | None, filters: Mapping[str, object]) -> _Query:
    """The query of a list with these filters; see ``parse_arguments``. The caller sees only ``owner_id``."""
    values = parse_arguments(FILTERS, **filters) if filters else {}
    values = {name: value for name, value in values.items() if value is not None}
    if owner_id is not None:
        values["owner_id"] = owner_id
    for name, prepare in _PREPARE.items():
        if name in values:
            values[name] = prepare(values[name])
    if not values.keys().isdisjoint(PROPERTY):
        values["buyers"] = True
    sort = values.pop("sort", "due" if "due" in values else "created_at")
    terms, default = _ORDERS[sort]
    order = values.pop("order", default)
    return _Query(values, "" if (sort, order) == ("created_at", "desc") else terms.format(order=order))


@cache  # of the few sets of filters that have an index: to make the text takes longer than to look it up
def total_statement(names: frozenset[str]) -> str:
    """The statement for the number of clients in a list with the filters ``names``, which have an index."""
    if names == _SEARCH:
        return f"SELECT count(*) FROM clients_search {_where(names)}"
    return f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(names)}"


def count(connection: sqlite3.Connection) -> int:
    """The number of clients."""
    return int(connection.execute(total_statement(frozenset())).fetchone()[0])


# JSON5, which SQLite takes too, is not JSON.
NOT_TEXT = """
SELECT
    id,
    CAST(json AS BLOB),
    NOT json_valid(tags)
        OR NOT json_valid(preferred_locations)
        OR EXISTS (SELECT 1 FROM json_each(tags) WHERE type <> 'text')
        OR EXISTS (SELECT 1 FROM json_each(preferred_locations) WHERE type <> 'text')
FROM clients
ORDER BY seq
"""


def not_text(connection: sqlite3.Connection) -> list[str]:
    """The clients of whom another program has stored text that is not UTF-8, or lists of other values."""
    rows = connection.execute(NOT_TEXT)
    return [
        client_id
        for client_id, stored, is_other in rows
        if is_other or readable_text(stored).encode() != stored
    ]


def _page(connection: sqlite3.Connection, query: _Query, skipped: int, limit: int) -> Listing[str]:
    """At most ``limit`` clients after those that are skipped."""
    values = query.values
    names = frozenset(values)
    if query.order or (names != _SEARCH and names - _INDEXED):
        total, rows = _matches(connection, query, "clients.json", skipped, limit)
        return Listing(total, [text for (text,) in rows])
    (total,) = connection.execute(total_statement(names), values).fetchone()
    if skipped >= total:
        return Listing(total, [])
    values |= {"rows": limit, "skipped": skipped}
    return Listing(total, [text for (text,) in connection.execute(page_statement(names), values)])


AT_POSITIONS = """
SELECT {columns}
FROM json_each(:seqs) AS position
CROSS JOIN clients ON clients.seq = position.value
ORDER BY position.key
"""


def _matches(
    connection: sqlite3.Connection, query: _Query, columns: str, skipped: int, limit: int
) -> tuple[int, sqlite3.Cursor]:
    """Like ``_page``, but for any filters, and with other columns. Reads the positions of all matches."""
    matches = [seq for (seq,) in connection.execute(matching_statement(*query), query.values)]
    seqs = json.dumps(matches[skipped : skipped + limit])
    return len(matches), connection.execute(AT_POSITIONS.format(columns=columns), {"seqs": seqs})


def matching_statement(names: Collection[str], order: str = "") -> str:
    """The statement for the positions of all clients in a list with the filters ``names``."""
    source, seq = "clients INDEXED BY clients_by_email" if "email" in names else "clients", "clients.seq"
    if "q" in names:  # CROSS JOIN reads the index of words first, in the order of its rowids
        seq = "clients_search.rowid"
        source = f"clients_search CROSS JOIN clients ON clients.seq = {seq}"
    return f"""
SELECT {seq}
FROM {source}
{_where(names)}
ORDER BY {f"{order}, " if order else ""}{seq} DESC
"""


@cache
def page_statement(names: frozenset[str]) -> str:
    """The statement for one page of a list with the filters ``names``, which have an index.

    SQLite walks the index to the page. For a missing filter, it merges one list for each value.
    """
    source = f"FROM clients {_where(names)}"
    missing = {"client_type": CLIENT_TYPES, "status": STATUSES}
    missing = {name: values for name, values in missing.items() if name not in names}
    if names == _SEARCH:
        seqs = f"SELECT rowid AS seq FROM clients_search {_where(names)}"
    elif len(missing) == 1:
        ((name, values),) = missing.items()
        seqs = " UNION ALL ".join(f"SELECT seq {source} AND {name} = '{value}'" for value in values)
    else:
        # The inner SELECT reads the index alone, which is cheaper than to pass rows of the outer one.
        return f"""
SELECT json
{source} AND seq <= (
    SELECT seq
    {source}
    ORDER BY seq DESC
    LIMIT 1 OFFSET :skipped
)
ORDER BY seq DESC
LIMIT :rows
"""
    return f"""
SELECT json
FROM clients
WHERE seq IN ({seqs} ORDER BY seq DESC LIMIT :rows OFFSET :skipped)
ORDER BY seq DESC
"""


def _where(names: Collection[str]) -> str:
    conditions = (condition for name, condition in _CONDITIONS.items() if name in names)
    return " AND ".join(["WHERE TRUE", *conditions])
