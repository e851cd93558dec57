"""One page of clients: a statement for each combination of filters and each direction of the scan."""

from __future__ import annotations

import itertools
import sqlite3

from acare.clients import ClientPage

# A list can use any combination of these three filters; each combination has an index of its own.
_FILTERS = {
    "owner_id": "user_id = :owner_id",
    "client_type": "client_type = :client_type",
    "status": "status = :status",
}

FILTER_COMBINATIONS = [
    frozenset(names) for n in range(len(_FILTERS) + 1) for names in itertools.combinations(_FILTERS, n)
]


def _where(filters: frozenset[str]) -> str:
    conditions = [condition for name, condition in _FILTERS.items() if name in filters]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


TOTAL = {
    filters: f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(filters)}"
    for filters in FILTER_COMBINATIONS
}

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


def read(
    connection: sqlite3.Connection,
    owner_id: str | None,
    page: int,
    limit: int,
    client_type: str | None,
    status: str | None,
) -> ClientPage:
    """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

    Begins a transaction, so that the rows and the total come from one snapshot.
    """
    given = {"owner_id": owner_id, "client_type": client_type, "status": status}
    values: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    filters = frozenset(values)
    skipped = (page - 1) * limit
    connection.execute("BEGIN")
    (total,) = connection.execute(TOTAL[filters], values).fetchone()
    rows = min(limit, total - skipped)
    if rows <= 0:
        return ClientPage(total, [])
    after = total - skipped - rows
    order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
    values |= {"rows": rows, "skipped": nearer}
    found = connection.execute(PAGE[filters, order], values).fetchall()
    return ClientPage(total, [text for (text,) in found])
