"""The feed of changes, from which a program keeps its copy of the visible clients up to date."""

import re
import sqlite3
from typing import Any, NamedTuple

from acare.auth import Caller
from acare.database.database import ReadableDatabase
from acare.errors import FieldError, InvalidInput, Refused
from acare.store import Store

#: Rows that are read for each change on a page. Most rows can be of old versions or of other owners.
ROWS_PER_CHANGE = 10

#: Bytes of JSON after which a page of changes or events ends: it is in memory, and a client can have 100 KiB.
MAX_PAGE = 4 * 1024 * 1024

# The epoch, the user whose clients the caller can see, the last revision on the page, and the last revision
# when the copy was begun.
_CURSOR = re.compile(r"now|([0-9a-f]{16}\.(?:[0-9a-f-]{36}|all))\.([0-9]{1,18})\.([0-9]{1,18})")


class Page(NamedTuple):
    """Events or changes as JSON texts, whether there are more, and for changes the cursor after them."""

    rows: list[str]
    has_more: bool
    cursor: str = ""


class ChangeFeed(Store[ReadableDatabase]):
    """The changes of the clients in a database."""

    STATE = """
SELECT
    epoch, purged, (SELECT coalesce(max(revision), 0) FROM client_changes),
    (SELECT min(revision) FROM client_changes WHERE revision > :after)
FROM change_cursors
"""

    def page(self, caller: Caller, *, after: str | None, limit: int) -> Page:
        """At most ``limit`` changes after the cursor ``after``, or from the beginning, in order of commits.

        ``now`` as the cursor returns none. There can be fewer even if more pages follow. InvalidInput if the
        cursor is malformed; Refused if it is from another view (the caller's role has changed), if
        removals after it were purged, or if the database was replaced.
        """
        view, revision, begun = _parse(after)
        with self._database.read() as connection:
            connection.execute("BEGIN")
            epoch, purged, newest, following = connection.execute(self.STATE, {"after": revision}).fetchone()
            current_view = f"{epoch}.{caller.owner_id or 'all'}"
            if after == "now":
                return Page([], has_more=False, cursor=f"{current_view}.{newest}.{newest}")
            if after is None:
                view, begun = current_view, newest
            if view != current_view or not purged <= max(revision, begun) <= newest:
                raise Refused("the cursor has expired. Start again without `after`", "CURSOR_EXPIRED")
            rows: list[str] = []
            if following is not None:
                last = min(following + limit * ROWS_PER_CHANGE - 1, newest)
                values = {"after": revision, "last": last, "begun": begun, "owner_id": caller.owner_id}
                rows, revision = _read(connection, values, limit)
        return Page(rows, revision < newest, f"{view}.{revision}.{begun}")


def _parse(cursor: str | None) -> tuple[str, int, int]:
    """The view, revision and beginning in a cursor. Without one, the revision is before the first change."""
    match = _CURSOR.fullmatch("now" if cursor is None else str(cursor))
    if match is None:
        raise InvalidInput(FieldError("after", "must be a cursor from an earlier response, or now"))
    return match[1] or "", int(match[2] or 0), int(match[3] or 0)


# A row with a version counts if version and owner are the client's: during a purge, a deleted client can be
# imported again for another user. A removal counts if the copy can have the client (was begun before it), the
# caller cannot see the client now, and there is no later removal.
PAGE = """
SELECT revision, json_quote(client_id), clients.json, removed_at
FROM client_changes AS change
LEFT JOIN clients ON clients.id = client_id
WHERE revision > :after AND revision <= :last
    AND (:owner_id IS NULL OR change.user_id = :owner_id)
    AND iif(
        removed_at IS NULL,
        clients.version = change.version AND clients.user_id = change.user_id,
        revision > :begun
            AND (clients.id IS NULL OR clients.user_id <> :owner_id)
            AND NOT EXISTS (
                SELECT 1
                FROM client_changes AS later
                WHERE later.client_id = change.client_id
                    AND later.removed_at IS NOT NULL
                    AND later.revision > change.revision
                    AND (:owner_id IS NULL OR later.user_id = :owner_id)
            )
    )
ORDER BY revision
"""


def _read(connection: sqlite3.Connection, values: dict[str, Any], limit: int) -> tuple[list[str], int]:
    """The changes of a page as JSON texts, and the revision where the page ends."""
    rows: list[str] = []
    size = 0
    for revision, client_id, client, removed_at in connection.execute(PAGE, values):
        rest = f'"client":{client}' if removed_at is None else f'"client":null,"removedAt":"{removed_at}"'
        rows.append(f'{{"id":{client_id},{rest}}}')
        size += len(rows[-1].encode())
        if len(rows) == limit or size > MAX_PAGE:
            return rows, revision
    return rows, values["last"]
