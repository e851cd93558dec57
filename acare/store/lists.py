"""Lists of clients, or of deleted ones, for any combination of filters: one page and the total, or all."""

import json
import sqlite3
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from acare import places, search_terms
from acare.auth import Caller
from acare.database.database import ReadableDatabase
from acare.errors import FieldError, InvalidInput
from acare.fields import CLIENT_TYPES, STATUSES
from acare.filters import PROPERTY
from acare.store import Store
from acare.store.versions import STORED_JSON

#: Seconds that a list, a search or a history may take: other requests wait for it.
MAX_SECONDS = 2.0

#: Seconds that reading all clients of a list may take, including pauses between rows.
MAX_SECONDS_OF_ALL = 30.0

# What an export has: a client, and what else describes it, as JSON.
_EXPORTED = "clients.json, json_object('owner', (SELECT email FROM users WHERE users.id = user_id))"

# The earliest follow-up of a client, a tag such as "due:2026-12-15" with a valid date; NULL if there is none.
_DUE = """(
    SELECT min(substr(value, 5))
    FROM json_each(tags)
    WHERE value GLOB 'due:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'
        AND date(substr(value, 5)) = substr(value, 5)
)"""

_TYPES = "coalesce(property_preferences ->> '$.property_types', '[]')"

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
    "due": f"instr(tags, 'due:') AND {_DUE} <= :due",
    "bedrooms": "coalesce(property_preferences ->> '$.bedrooms_min', 0) <= :bedrooms",
    "bathrooms": "coalesce(property_preferences ->> '$.bathrooms_min', 0) <= :bathrooms",
    "square_feet": "coalesce(property_preferences ->> '$.square_feet_min', 0) <= :square_feet",
    "location": "(preferred_locations = '[]' OR has_place(preferred_locations, :location))",
    "property_type": f"({_TYPES} = '[]' OR has_type({_TYPES}, :property_type))",
}

# The conditions that have an index in the order of the list, and totals.
_INDEXED = {"owner_id", "user_id", "client_type", "status"}

# The orders by ``sort``, with the direction that each has by default. Equal clients are newest first.
_ORDERS = {
    "created_at": ("created_at {order}", "desc"),
    "updated_at": ("updated_at {order}", "desc"),
    "name": ("last_name COLLATE NOCASE {order}, first_name COLLATE NOCASE {order}", "asc"),
    "due": (f"{_DUE} {{order}}", "asc"),
}


class ClientPage(NamedTuple):
    """The records on one page as JSON texts, and the number of clients on all pages.

    For deleted clients, ``deletions`` has ``deletedAt`` and ``deletedBy``, as JSON texts.
    """

    total: int
    rows: list[str]
    deletions: list[str] | None = None


class ClientLists(Store[ReadableDatabase]):
    """Lists of the clients in a database that the caller can see.

    ``filters`` are the query parameters of a list, as they are parsed; None sets no condition.
    """

    def page(self, caller: Caller, *, page: int, limit: int, **filters: object) -> ClientPage:
        """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

        The rows and the total come from one snapshot. A page past the end has no rows. The filter
        ``deleted`` lists deleted clients, last deleted first. StoreUnavailable if that takes too long.
        """
        _require_known(filters)
        skipped = (page - 1) * limit
        with self._database.read(max_seconds=MAX_SECONDS) as connection:
            connection.execute("BEGIN")
            if filters.pop("deleted", False):
                return _deleted_page(connection, {**filters, "owner_id": caller.owner_id}, skipped, limit)
            return _page(connection, _values(caller.owner_id, filters), skipped, limit)

    def all(self, caller: Caller, max_clients: int, **filters: object) -> Iterator[tuple[str, str]]:
        """The JSON of each client, and of its owner's e-mail address, newest first, from one snapshot.

        InvalidInput if there are more than ``max_clients``.
        """
        _require_known(filters)
        with self._database.read(max_seconds=MAX_SECONDS_OF_ALL) as connection:
            connection.execute("BEGIN")
            values = _values(caller.owner_id, filters)
            total, rows = _matches(connection, values, _EXPORTED, 0, max_clients)
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

    def stored(self, *, history: bool, **filters: object) -> Generator[tuple[str, str | None], None, None]:
        """The JSON of each deleted client, or with ``history`` of each earlier version, of all users.

        With the time of the deletion, if that ended the version. Without a time limit.
        """
        _require_known(filters)
        with self._database.read() as connection:
            yield from connection.execute(STORED[history], _stored_values(filters))


#: The names of all filters.
FILTERS = _CONDITIONS.keys() - {"owner_id", "buyers"} | {"sort", "order", "deleted"}


def _require_known(filters: Collection[str]) -> None:
    """TypeError for an unknown filter, which would otherwise be ignored."""
    if unknown := set(filters) - FILTERS:
        raise TypeError(f"unknown filter: {', '.join(sorted(unknown))}")


def _values(owner_id: str | None, filters: Mapping[str, object]) -> dict[str, Any]:
    """The values of the conditions of a list, ``sort`` and ``order``. The caller sees only ``owner_id``."""
    given = {**filters, "owner_id": owner_id}
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if "q" in values:
        values["q"] = search_terms.query(values["q"])
    for name in ("location", "property_type"):
        if name in values:
            values[name] = places.fold(values[name])
    if not values.keys().isdisjoint(PROPERTY):
        values["buyers"] = True
    return values


def _page(connection: sqlite3.Connection, values: dict[str, Any], skipped: int, limit: int) -> ClientPage:
    """At most ``limit`` clients after those that are skipped."""
    if _order(values) or values.keys() - _INDEXED - {"sort", "order"}:
        total, rows = _matches(connection, values, "clients.json", skipped, limit)
        return ClientPage(total, [text for (text,) in rows])
    (total,) = connection.execute(total_statement(values), values).fetchone()
    length = min(limit, total - skipped)
    if length <= 0:
        return ClientPage(total, [])
    after = total - skipped - length
    order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
    values |= {"rows": length, "skipped": nearer}
    texts = [text for (text,) in connection.execute(page_statement(values, order), values)]
    return ClientPage(total, texts if order == "DESC" else texts[::-1])


AT_POSITIONS = """
SELECT {columns}
FROM json_each(:seqs) AS position
CROSS JOIN clients ON clients.seq = position.value
ORDER BY position.key
"""


def _matches(
    connection: sqlite3.Connection, values: dict[str, Any], columns: str, skipped: int, limit: int
) -> tuple[int, sqlite3.Cursor]:
    """Like ``_page``, but for any filters, and with other columns. Reads the positions of all matches."""
    order = _order(values)
    if not order and values.keys() - {"sort", "order"} == {"q"}:
        total, seqs = _found(connection, values["q"], skipped, limit)
    else:
        matches = [seq for (seq,) in connection.execute(matching_statement(values, order), values)]
        total, seqs = len(matches), matches[skipped : skipped + limit]
    rows = connection.execute(AT_POSITIONS.format(columns=columns), {"seqs": json.dumps(seqs)})
    return total, rows


COUNT_FOUND = "SELECT count(*) FROM clients_search WHERE clients_search MATCH :q"

FOUND = """
SELECT rowid
FROM clients_search
WHERE clients_search MATCH :q
ORDER BY rowid DESC
LIMIT :limit OFFSET :skipped
"""


def _found(connection: sqlite3.Connection, q: str, skipped: int, limit: int) -> tuple[int, list[int]]:
    """The number of clients that a search finds, and the positions on a page. Reads only the index."""
    (total,) = connection.execute(COUNT_FOUND, {"q": q}).fetchone()
    rows = connection.execute(FOUND, {"q": q, "limit": limit, "skipped": skipped})
    return total, [seq for (seq,) in rows]


_SEARCHED = ("first_name", "last_name", "email", "phone", "tags", "preferred_locations", "notes")
_TEXTS = ", ".join(f"stored.json -> '$.{name}'" for name in _SEARCHED)

# Without the deletions of restored clients, which exist or were deleted again at a later version. Deleted
# clients are not in the full-text index, which would keep their words: each word of a search must occur in
# one of the texts; as with LIKE, only the case of ASCII letters is ignored.
_STORED_FILTERS = f"""(:owner_id IS NULL OR json ->> '$.user_id' = :owner_id)
    AND (:user_id IS NULL OR json ->> '$.user_id' = :user_id)
    AND (:client_type IS NULL OR json ->> '$.client_type' = :client_type)
    AND (:status IS NULL OR json ->> '$.status' = :status)
    AND (:email IS NULL OR json ->> '$.email' = :email COLLATE NOCASE)
    AND NOT EXISTS (
        SELECT 1
        FROM json_each(:words) AS word
        WHERE NOT EXISTS (
            SELECT 1
            FROM json_tree(json_array({_TEXTS})) AS text
            WHERE instr(lower(text.atom), lower(word.value))
        )
    )"""

_DELETED = f"""
FROM client_history AS stored INDEXED BY client_history_deleted
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND version = (SELECT max(version) FROM client_history WHERE client_id = stored.client_id)
    AND {_STORED_FILTERS}
ORDER BY ended_at DESC, stored.rowid DESC
"""

DELETED = f"SELECT rowid {_DELETED}"

DELETED_PAGE = f"""
SELECT {STORED_JSON}, json_object('deletedAt', ended_at, 'deletedBy', users.email)
FROM client_history
LEFT JOIN users ON users.id = deleted_by
WHERE client_history.rowid IN (SELECT value FROM json_each(:rowids))
ORDER BY ended_at DESC, client_history.rowid DESC
"""


def _deleted_page(
    connection: sqlite3.Connection, filters: Mapping[str, object], skipped: int, limit: int
) -> ClientPage:
    """At most ``limit`` deleted clients after those that are skipped, last deleted first."""
    matches = [rowid for (rowid,) in connection.execute(DELETED, _stored_values(filters))]
    rowids = json.dumps(matches[skipped : skipped + limit])
    rows = connection.execute(DELETED_PAGE, {"rowids": rowids}).fetchall()
    return ClientPage(len(matches), [row for row, _ in rows], [deletion for _, deletion in rows])


def _stored_values(filters: Mapping[str, object]) -> dict[str, object]:
    """The values of ``_STORED_FILTERS``."""
    words = json.dumps(str(filters.get("q") or "").split())
    return {**dict.fromkeys(_CONDITIONS), **filters, "words": words}


# The operator's searches for deleted clients, and for earlier versions of all clients.
STORED = {
    False: f"SELECT {STORED_JSON}, ended_at {_DELETED}",
    True: f"""
SELECT {STORED_JSON}, iif(deleted, ended_at, NULL)
FROM client_history AS stored
WHERE {_STORED_FILTERS}
ORDER BY client_id, version DESC
""",
}


def _order(values: Mapping[str, Any]) -> str:
    """The ORDER BY of a list; empty for the order of the positions, newest first."""
    sort = values.get("sort", "due" if "due" in values else "created_at")
    terms, default = _ORDERS[sort]
    order = values.get("order", default)
    return "" if (sort, order) == ("created_at", "desc") else terms.format(order=order)


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


def total_statement(names: Collection[str]) -> str:
    """The statement for the number of clients in a list with the filters ``names``, which have an index."""
    return f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(names)}"


def count(connection: sqlite3.Connection) -> int:
    """The number of clients."""
    return int(connection.execute(total_statement(())).fetchone()[0])


def page_statement(names: Collection[str], order: str) -> str:
    """The statement for one page of a list with the filters ``names``, which have an index.

    It walks the index to the page, from the end that is nearer: ``order`` is ASC or DESC. The entries of an
    index are in the order of the list where its other columns have one value each. For a missing filter,
    SQLite merges one list for each value.
    """
    missing = {"client_type": CLIENT_TYPES, "status": STATUSES}
    missing = {name: values for name, values in missing.items() if name not in names}
    by_user = "owner_id" in names or "user_id" in names
    if len(missing) == 2:
        index = "clients_by_user" if by_user else "clients_by_seq"
    else:
        index = "clients_by_user_type_status" if by_user else "clients_by_type_status"
    source = f"FROM clients INDEXED BY {index} {_where(names) or 'WHERE TRUE'}"
    if len(missing) != 1:
        # The inner SELECT reads the index alone, which is cheaper than to pass rows of the outer one.
        return f"""
SELECT json
{source} AND seq {"<=" if order == "DESC" else ">="} (
    SELECT seq
    {source}
    ORDER BY seq {order}
    LIMIT 1 OFFSET :skipped
)
ORDER BY seq {order}
LIMIT :rows
"""
    ((name, values),) = missing.items()
    seqs = " UNION ALL ".join(f"SELECT seq {source} AND {name} = '{value}'" for value in values)
    return f"""
SELECT json
FROM clients
WHERE seq IN ({seqs} ORDER BY seq {order} LIMIT :rows OFFSET :skipped)
ORDER BY seq {order}
"""


def _where(names: Collection[str]) -> str:
    conditions = [condition for name, condition in _CONDITIONS.items() if name in names]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
