"""The statements of lists: the conditions of filters, and orders."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, NamedTuple

from acare import places, search_terms
from acare.fields import CLIENT_TYPES, STATUSES, parse_arguments
from acare.filters import FILTERS, PROPERTY

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
INDEXED = {"owner_id", "user_id", "client_type", "status"}
SEARCH = {"q"}

# The orders by ``sort``, with the direction that each has by default. Equal clients are newest first.
_ORDERS = {
    "created_at": ("created_at {order}", "desc"),
    "updated_at": ("updated_at {order}", "desc"),
    "name": ("last_name COLLATE NOCASE {order}, first_name COLLATE NOCASE {order}", "asc"),
    "due": (f"{_DUE} {{order}}", "asc"),
}


class Query(NamedTuple):
    """The values of the conditions of a list, and its ORDER BY; empty: by position, newest first."""

    values: dict[str, Any]
    order: str


def query_of(owner_id: str | None, filters: Mapping[str, object]) -> Query:
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
    return Query(values, "" if (sort, order) == ("created_at", "desc") else terms.format(order=order))


@cache  # of the few sets of filters that have an index: to make the text takes longer than to look it up
def total_statement(names: frozenset[str]) -> str:
    """The statement for the number of clients in a list with the filters ``names``, which have an index."""
    if names == SEARCH:
        return f"SELECT count(*) FROM clients_search {_where(names)}"
    return f"SELECT coalesce(sum(total), 0) FROM client_totals {_where(names)}"


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
    if names == SEARCH:
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
