"""Why a row of an import must not be merged into its client."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Literal

from acare.clients import ImportRow

# Each follows the name of the field and says what to do.
REPEATED = "must not be the id of an earlier row; if the row is another client, clear its id"
STALE = (
    "must not be older than that of the client; export the client again, or clear the version to overwrite "
    "the newer change"
)
CROSSED = "must not be more than budget_max when the row is merged into the client; correct one of them"

# A row if the client is newer than the row that would change it: whether the row equals a replaced version.
COMPARE = """
SELECT EXISTS (
    SELECT 1
    FROM client_history
    WHERE client_id = :id AND version = :version AND {equals_history}
)
FROM clients
WHERE seq = :seq AND version > :version AND ({differs})
"""


def compare(connection: sqlite3.Connection, row: ImportRow, seq: int) -> Literal["unedited", "stale"] | None:
    """Whether a row with the id and the version of a client must not be merged into it.

    ``unedited``: it is as an older version of the client; ``stale``: that version was edited.
    """
    if "version" not in row.kept or not row.values:
        return None
    equals_history = " AND ".join(f"json_extract(json, '$.{name}') IS :{name}" for name in row.values)
    statement = COMPARE.format(equals_history=equals_history, differs=differs(row.values))
    parameters = {**row.values, "seq": seq, "id": row.kept["id"], "version": row.kept["version"]}
    found = connection.execute(statement, parameters).fetchone()
    return None if found is None else "unedited" if found[0] else "stale"


def differs(values: Iterable[str]) -> str:
    """The condition that a client does not have these values, which are parameters."""
    return " OR ".join(f"{name} IS NOT :{name}" for name in values)
