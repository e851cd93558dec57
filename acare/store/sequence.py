"""The place of a client in the lists, ``clients.seq``.

It is the time of creation in milliseconds since 1970 or, if another client has this place, the next free one.
So lists are in the order of the primary key: by ``created_at``, then by insertion.
"""

from __future__ import annotations

from acare.store.connection import NOW

# The milliseconds of a timestamp are its characters 21 to 23.
_MILLISECONDS = "unixepoch({at}) * 1000 + substr({at}, 21, 3)"

#: SQL for ``seq`` and ``created_at`` of a new client. Neither is less than that of the newest client, even if
#: the clock was set back. (Next to max(seq), created_at is of that row: sqlite.org/lang_select.html#bareagg)
NEXT = f"""
SELECT max({_MILLISECONDS.format(at="created_at")}, newest + 1) AS seq, created_at
FROM (
    SELECT coalesce(max(seq), 0) AS newest, max({NOW}, coalesce(created_at, '')) AS created_at
    FROM clients
)
"""

#: SQL for the place of the time ``:created_at``.
PLACE = f"SELECT {_MILLISECONDS.format(at=':created_at')}"


def free(start: str) -> str:
    """SQL for the first free place from ``start`` on, which is a column or a parameter."""
    return f"""iif(
    EXISTS (SELECT 1 FROM clients WHERE clients.seq = {start}),
    (
        SELECT taken.seq + 1
        FROM clients AS taken
        WHERE taken.seq >= {start}
            AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.seq = taken.seq + 1)
        ORDER BY taken.seq
        LIMIT 1
    ),
    {start}
)"""
