"""One page of clients: a statement for each combination of filters and each direction of the scan."""

from __future__ import annotations

import itertools
import sqlite3
from typing import Any

from acare.clients import ClientPage, Filters
from acare.store import search

# A list can use any combination of these three filters; each combination has an index of its own.
_FILTERS = {
    "owner_id": "user_id = :owner_id",
    "client_type": "client_type = :client_type",
    "status": "status = :status",
}

FILTER_COMBINATIONS = [
    frozenset(names) for n in range(len(_FILTERS) + 1) for names in itertools.combinations(_FILTERS, n)
]

# Filters with an index of their own; the other filters are applied to the clients found in it.
_SEARCHES = {
    "q": "clients_search MATCH :q",
    "email": "clients.email = :email COLLATE NOCASE",
}
_SOURCES = {
    frozenset({"q"}): "clients_search CROSS JOIN clients ON clients.seq = clients_search.rowid",
    frozenset({"email"}): "clients INDEXED BY clients_by_email",
    frozenset({"q", "email"}): (
        "clients INDEXED BY clients_by_email CROSS JOIN clients_search ON clients_search.rowid = clients.seq"
    ),
}

SEARCHES = [source | filters for source, filters in itertools.product(_SOURCES, FILTER_COMBINATIONS)]


def _where(filters: frozenset[str]) -> str:
    conditions = [condition for name, condition in {**_SEARCHES, **_FILTERS}.items() if name in filters]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _source(filters: frozenset[str]) -> str:
    return _SOURCES[filters.intersection(_SEARCHES)]


TOTAL = {
    filters: f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(filters)}"
    for filters in FILTER_COMBINATIONS
}

SEARCH_TOTAL = {filters: f"SELECT count(*) FROM {_source(filters)} {_where(filters)}" for filters in SEARCHES}
SEARCH_TOTAL[frozenset({"q"})] = "SELECT count(*) FROM clients_search WHERE clients_search MATCH :q"

# The inner SELECT walks only the narrow index, from the end that is nearer to the page; the outer SELECT
# reads the rows of the page.
PAGE = {
    (filters, order): f"""
SELECT json
FROM clients
WHERE seq IN (
    SELECT seq
    FROM clients {"" if filters else "INDEXED BY clients_by_seq"}
    {_where(filters)}
    ORDER BY seq {order}
    LIMIT :rows OFFSET :skipped
)
ORDER BY seq DESC
"""
    for filters in FILTER_COMBINATIONS
    for order in ("ASC", "DESC")
}

SEARCH_PAGE = {
    (filters, order): f"""
SELECT json
FROM clients
WHERE seq IN (
    SELECT clients.seq
    FROM {_source(filters)}
    {_where(filters)}
    ORDER BY {"clients_search.rowid" if "email" not in filters else "clients.seq"} {order}
    LIMIT :rows OFFSET :skipped
)
ORDER BY seq DESC
"""
    for filters in SEARCHES
    for order in ("ASC", "DESC")
}

_TOTALS = {**TOTAL, **SEARCH_TOTAL}
_PAGES = {**PAGE, **SEARCH_PAGE}


def read(
    connection: sqlite3.Connection, owner_id: str | None, page: int, limit: int, filters: Filters
) -> ClientPage:
    """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

    ``owner_id`` is the owner whose clients the caller can see; None: all owners. Begins a transaction, so
    that the rows and the total come from one snapshot.
    """
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    user_id = values.pop("user_id", None) or owner_id
    if user_id is not None:
        if owner_id not in (None, user_id):
            return ClientPage(0, [])
        values["owner_id"] = user_id
    if "q" in values:
        values["q"] = search.expression(values["q"])
    names = frozenset(values)
    skipped = (page - 1) * limit
    connection.execute("BEGIN")
    (total,) = connection.execute(_TOTALS[names], values).fetchone()
    rows = min(limit, total - skipped)
    if rows <= 0:
        return ClientPage(total, [])
    after = total - skipped - rows
    order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
    values |= {"rows": rows, "skipped": nearer}
    found = connection.execute(_PAGES[names, order], values).fetchall()
    return ClientPage(total, [text for (text,) in found])
