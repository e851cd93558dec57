"""Lists of clients for any combination of filters: one page and the total, or all clients."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Any

from acare import words
from acare.clients import ClientPage, Filters
from acare.errors import FieldError, InvalidInput
from acare.fields import CLIENT_TYPES, STATUSES

_WITH_OWNER = "json, (SELECT email FROM users WHERE users.id = user_id)"

_CONDITIONS = {
    "q": "clients_search MATCH :q",
    "email": "clients.email = :email COLLATE NOCASE",
    "owner_id": "user_id = :owner_id",
    "client_type": "client_type = :client_type",
    "status": "status = :status",
}


def read(
    connection: sqlite3.Connection, owner_id: str | None, page: int, limit: int, filters: Filters
) -> ClientPage:
    """Page number ``page``, counted from 1, of ``limit`` clients, newest first.

    ``owner_id`` is the owner whose clients the caller can see; None: all owners. Begins a transaction, so
    that the rows and the total come from one snapshot.
    """
    total, values = _count(connection, owner_id, filters)
    names = _conditions(values)
    skipped = (page - 1) * limit
    rows = min(limit, total - skipped)
    if rows <= 0:
        return ClientPage(total, [])
    after = total - skipped - rows
    order, nearer = ("DESC", skipped) if skipped <= after else ("ASC", after)
    values |= {"rows": rows, "skipped": nearer}
    found = connection.execute(page_statement(names, order), values).fetchall()
    return ClientPage(total, [text for (text,) in found])


def read_all(
    connection: sqlite3.Connection, owner_id: str | None, max_clients: int, filters: Filters
) -> sqlite3.Cursor:
    """The JSON of each client and the e-mail address of its owner, newest first.

    Begins a transaction. InvalidInput if there are more than ``max_clients``.
    """
    total, values = _count(connection, owner_id, filters)
    if total > max_clients:
        problem = f"match {total:,} clients, more than {max_clients:,}: add a filter, or use 'acare export'"
        raise InvalidInput(FieldError("filters", problem))
    statement = page_statement(_conditions(values), "DESC", _WITH_OWNER)
    return connection.execute(statement, {**values, "rows": total, "skipped": 0})


def _count(
    connection: sqlite3.Connection, owner_id: str | None, filters: Filters
) -> tuple[int, dict[str, Any]]:
    """The number of clients in a list, and the values of its conditions. Begins a transaction."""
    values: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    user_id = values.pop("user_id", None) or owner_id
    if user_id is not None:
        if owner_id not in (None, user_id):
            return 0, {}
        values["owner_id"] = user_id
    if "q" in values:
        values["q"] = words.query(values["q"])
    connection.execute("BEGIN")
    (total,) = connection.execute(total_statement(_conditions(values)), values).fetchone()
    return total, values


def _conditions(values: dict[str, Any]) -> tuple[str, ...]:
    """The filters among the values of a statement."""
    return tuple(name for name in values if name in _CONDITIONS)


def total_statement(names: tuple[str, ...]) -> str:
    """The statement for the number of clients in a list with the filters ``names``."""
    if names == ("q",):
        return f"SELECT count(*) FROM clients_search {_where(names)}"
    if "q" in names or "email" in names:
        return f"SELECT count(*) FROM {_source(names)} {_where(names)}"
    return f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(names)}"


def page_statement(names: tuple[str, ...], order: str, columns: str = "json") -> str:
    """The statement for one page of a list with the filters ``names``.

    The inner SELECT walks only an index, from the end that is nearer to the page: ``order`` is ASC or DESC.
    The outer SELECT reads the rows of the page.
    """
    order_by = "seq"
    if "email" in names or "q" in names:
        order_by = "clients.seq" if "email" in names else "clients_search.rowid"
        seqs = f"SELECT clients.seq FROM {_source(names)} {_where(names)}"
    else:
        seqs = _list(names)
    return f"""
SELECT {columns}
FROM clients
WHERE seq IN ({seqs} ORDER BY {order_by} {order} LIMIT :rows OFFSET :skipped)
ORDER BY seq DESC
"""


def _list(names: Collection[str]) -> str:
    """The SELECT of the positions in a list without a search, from one of the indexes for lists.

    The entries of an index are in the order of the list where its other columns have one value each. For a
    missing filter, SQLite merges one list for each value.
    """
    by_user = "owner_id" in names
    if "client_type" not in names and "status" not in names:
        index = "clients_by_user" if by_user else "clients_by_seq"
    else:
        index = "clients_by_user_type_status" if by_user else "clients_by_type_status"
    select = f"SELECT seq FROM clients INDEXED BY {index} {_where(names)}"
    if "status" in names and "client_type" not in names:
        return " UNION ALL ".join(f"{select} AND client_type = '{value}'" for value in CLIENT_TYPES)
    if "client_type" in names and "status" not in names:
        return " UNION ALL ".join(f"{select} AND status = '{value}'" for value in STATUSES)
    return select


def _source(names: Collection[str]) -> str:
    """The tables of a list with a search. CROSS JOIN keeps their order."""
    if "email" not in names:
        return "clients_search CROSS JOIN clients ON clients.seq = clients_search.rowid"
    joined = "CROSS JOIN clients_search ON clients_search.rowid = clients.seq" if "q" in names else ""
    return f"clients INDEXED BY clients_by_email {joined}"


def _where(names: Collection[str]) -> str:
    return f"WHERE {' AND '.join([_CONDITIONS[name] for name in names])}" if names else ""
