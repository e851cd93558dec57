"""The place of a client in the lists, ``clients.seq``.

Each millisecond since 1970 has 10,000 places. A client gets the one after the last client of its
``created_at``, or if that is the next millisecond's, the first free place from there on. So lists are in the
order of the primary key: by ``created_at``, then by insertion.
"""

from __future__ import annotations

import sqlite3

from acare.database.connection import NOW

PLACES = 10_000  # of a millisecond

# The milliseconds of a timestamp are its characters 21 to 23.
_FIRST_PLACE = f"(unixepoch({{at}}) * 1000 + substr({{at}}, 21, 3)) * {PLACES}"

#: SQL for ``seq`` and ``created_at`` of a new client. Neither is less than that of the newest client, even if
#: the clock was set back. (Next to max(seq), created_at is of that row: sqlite.org/lang_select.html#bareagg)
NEXT = f"""
SELECT max({_FIRST_PLACE.format(at="created_at")}, newest + 1) AS seq, created_at
FROM (
    SELECT coalesce(max(seq), 0) AS newest, max({NOW}, coalesce(created_at, '')) AS created_at
    FROM clients
)
"""

#: SQL for the place of a client with the time ``:created_at``. It may be taken if the millisecond is full.
PLACE = f"""
SELECT coalesce((SELECT max(seq) + 1 FROM clients WHERE seq >= first AND seq < first + {PLACES}), first)
FROM (SELECT {_FIRST_PLACE.format(at=":created_at")} AS first)
"""


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


FREE = f"SELECT {free(':place')}"


class Places:
    """Places for many clients. A million may have one time, more than it has places: so the range of places
    that are known to be taken is kept, and the search for a free one continues at its end.
    """

    def __init__(self) -> None:
        self._taken = range(0)

    def next(self, connection: sqlite3.Connection, created_at: str | None) -> tuple[int, str]:
        """The ``seq`` and ``created_at`` of a new client, which the caller inserts; None is the present."""
        if created_at is None:
            ((place, created_at),) = connection.execute(NEXT).fetchall()
            return place, created_at
        ((place,),) = connection.execute(PLACE, {"created_at": created_at}).fetchall()
        first = place
        if place in self._taken:
            first, place = self._taken.start, self._taken.stop
        ((place,),) = connection.execute(FREE, {"place": place}).fetchall()
        self._taken = range(first, place + 1)
        return place, created_at
