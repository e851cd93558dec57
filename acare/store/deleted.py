"""Lists of the deleted clients that can be restored, and the search among them.

Deleted clients are not in the full-text index, which would keep their words: a search reads all of them.
"""

import json
import sqlite3
from collections.abc import Mapping

from acare.clients import ClientPage
from acare.store.targets import STORED_JSON

_SEARCHED = ("first_name", "last_name", "email", "phone", "tags", "preferred_locations", "notes")
_TEXTS = ", ".join(f"deletion.json -> '$.{name}'" for name in _SEARCHED)

# Without the deletions of restored clients, which exist or were deleted again at a later version. Each word
# of a search must occur in one of the texts; as with LIKE, only the case of ASCII letters is ignored.
FILTERED = f"""
SELECT rowid
FROM client_history AS deletion INDEXED BY client_history_deleted
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND version = (SELECT max(version) FROM client_history WHERE client_id = deletion.client_id)
    AND (:owner_id IS NULL OR json ->> '$.user_id' = :owner_id)
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
    )
ORDER BY ended_at DESC, rowid DESC
"""

PAGE = f"""
SELECT {STORED_JSON}, json_object('deletedAt', ended_at, 'deletedBy', users.email)
FROM client_history
LEFT JOIN users ON users.id = deleted_by
WHERE client_history.rowid IN (SELECT value FROM json_each(:rowids))
ORDER BY ended_at DESC, client_history.rowid DESC
"""

_NO_FILTERS: dict[str, None] = dict.fromkeys(("user_id", "client_type", "status", "email"))


def page(
    connection: sqlite3.Connection, filters: Mapping[str, object], skipped: int, limit: int
) -> ClientPage:
    """At most ``limit`` deleted clients after those that are skipped, last deleted first."""
    words = json.dumps(str(filters.get("q") or "").split())
    values = {**_NO_FILTERS, **filters, "words": words}
    matches = [rowid for (rowid,) in connection.execute(FILTERED, values)]
    rowids = matches[skipped : skipped + limit]
    rows = connection.execute(PAGE, {"rowids": json.dumps(rowids)}).fetchall()
    return ClientPage(len(matches), [row for row, _ in rows], [deletion for _, deletion in rows])
