"""One page of clients: a statement for each way that a list can be asked for, and which one to take."""

from __future__ import annotations

import itertools
import sqlite3
from typing import NamedTuple


class ClientPage(NamedTuple):
    """The JSON texts of one page, and how many clients there are on all of them."""

    total: int
    rows: list[str]


# A list is asked for in eight ways, with or without each of these; each way has an index of its own.
_FILTERS = {"owner_id": "user_id = :owner_id", "client_type": "client_type = :client_type",
            "status": "status = :status"}  # fmt: skip


def _where(filters: frozenset[str]) -> str:
    conditions = [condition for name, condition in _FILTERS.items() if name in filters]
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


FILTER_COMBINATIONS = [
    frozenset(names) for n in range(len(_FILTERS) + 1) for names in itertools.combinations(_FILTERS, n)
]

TOTAL = {
    filters: f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(filters)}"
    for filters in FILTER_COMBINATIONS
}

# The inner SELECT walks the narrow index alone to the page, from its nearer end; only the rows of the page
# itself are read.
PAGE = {
    (way, order): f"""
SELECT json
FROM clients
WHERE seq IN (
    SELECT seq
    FROM clients {"" if way else "INDEXED BY clients_by_seq"}
    {_where(way)}
    ORDER BY seq {order}
    LIMIT :rows OFFSET :skipped
)
ORDER BY seq DESC
"""
    for way in FILTER_COMBINATIONS
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

    Begins a transaction, so that rows and total are of one snapshot.
    """
    filters = {"owner_id": owner_id, "client_type": client_type, "status": status}
    values: dict[str, object] = {name: value for name, value in filters.items() if value is not None}
    way = frozenset(values)
    skipped = (page - 1) * limit
    connection.execute("BEGIN")
    (total,) = connection.execute(TOTAL[way], values).fetchone()
    rows = min(limit, total - skipped)
    if rows <= 0:
        return ClientPage(total, [])
    after = total - skipped - rows
    order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
    values |= {"rows": rows, "skipped": nearer}
    found = connection.execute(PAGE[way, order], values).fetchall()
    return ClientPage(total, [text for (text,) in found])
