"""Lists of the deleted clients that can be restored, and the search among them.

Deleted clients are not in the full-text index, which would keep their words: a search reads all of them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Unpack

from acare import phones
from acare.auth import Caller
from acare.clients import DeletedPage, Filters
from acare.database.database import Database
from acare.store.clients import MAX_SECONDS

# The fields that a search reads, one per line, the phone number first.
_SEARCHED = ("phone", "first_name", "last_name", "email", "preferred_locations", "tags", "notes")

_TEXT = " || char(10) || ".join(f"ifnull(json ->> '$.{name}', '')" for name in _SEARCHED)

# Without the deletions of restored clients, which exist or were deleted again at a later version.
MATCHING = f"""
SELECT rowid, iif(:q IS NULL, '', {_TEXT})
FROM client_history AS deletion INDEXED BY client_history_deleted
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND NOT EXISTS (
        SELECT 1
        FROM client_history AS later
        WHERE later.client_id = deletion.client_id AND later.version > deletion.version
    )
    AND (:owner_id IS NULL OR json ->> '$.user_id' = :owner_id)
    AND (:user_id IS NULL OR json ->> '$.user_id' = :user_id)
    AND (:client_type IS NULL OR json ->> '$.client_type' = :client_type)
    AND (:status IS NULL OR json ->> '$.status' = :status)
    AND (:email IS NULL OR json ->> '$.email' = :email COLLATE NOCASE)
ORDER BY ended_at DESC, rowid DESC
"""

PAGE = """
SELECT json, json_object('deletedAt', ended_at, 'deletedBy', users.email)
FROM client_history
LEFT JOIN users ON users.id = deleted_by
WHERE client_history.rowid IN (SELECT value FROM json_each(:rowids))
ORDER BY ended_at DESC, client_history.rowid DESC
"""

_NO_FILTERS: dict[str, None] = dict.fromkeys(("user_id", "client_type", "status", "email", "q"))

_COMBINING = re.compile("[\u0300-\u036f]")

# A text is searched as it is, and with these spellings of its letters.
_SPELLINGS: tuple[dict[int, str], ...] = (
    {},
    str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae"}),
    str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ß": "ss", "æ": "ae"}),
)

_PHONE = re.compile(r"[-+()./\s0-9]+")


class DeletedStore:
    """The deleted clients in a database. A list or search may take ``max_seconds``."""

    def __init__(self, database: Database, max_seconds: float = MAX_SECONDS) -> None:
        self._database = database
        self._max_seconds = max_seconds

    def page(self, caller: Caller, *, page: int, limit: int, **filters: Unpack[Filters]) -> DeletedPage:
        """Page number ``page`` of ``limit`` clients that the caller could see until their deletion.

        The last one deleted comes first. Rows and total come from one snapshot. StoreUnavailable if that
        takes too long.
        """
        values = {**_NO_FILTERS, **filters, "owner_id": caller.owner_id}
        matches = matcher(filters.get("q"))
        with self._database.read(max_seconds=self._max_seconds) as connection:
            connection.execute("BEGIN")
            found = [rowid for rowid, text in connection.execute(MATCHING, values) if matches(text)]
            rowids = found[(page - 1) * limit : page * limit]
            rows = connection.execute(PAGE, {"rowids": json.dumps(rowids)}).fetchall()
        return DeletedPage(len(found), [row for row, _ in rows], [deletion for _, deletion in rows])


def matcher(q: str | None) -> Callable[[str], bool]:
    """A function that tells whether the search ``q`` finds a text with the lines ``_SEARCHED``."""
    if q is None:
        return lambda text: True
    words = [re.findall(r"[^\W_]+", _fold(word)) for word in q.split()]
    phrases = [(tokens[0], re.compile(r"(?<![^\W_])" + r"[\W_]+".join(tokens))) for tokens in words if tokens]
    number = phones.normalize(q) if _PHONE.fullmatch(q) else ""

    def matches(text: str) -> bool:
        spelled = _spellings(text)
        # Most texts lack the word, and `in` is much faster than the expression.
        if phrases and all(token in spelled and phrase.search(spelled) for token, phrase in phrases):
            return True
        return len(number) >= phones.MIN_DIGITS and phones.is_same(text.partition("\n")[0], number)

    return matches


def _fold(text: str) -> str:
    """Text without case and accents."""
    return _COMBINING.sub("", unicodedata.normalize("NFD", text.lower()))


def _spellings(text: str) -> str:
    """The text without case and accents, in all spellings of its lines."""
    text = text.lower()
    if text.isascii():
        return text
    lines = text.split("\n")
    accented = "\n".join(line for line in lines if not line.isascii())
    spelled = [_fold(accented.translate(table)) for table in _SPELLINGS]
    return "\n".join([*filter(str.isascii, lines), *spelled])
