"""The rows of a file, and their validation."""

import io
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from acare import ids
from acare.errors import FieldError, InvalidInput
from acare.fields import ValidFields, validate_create
from acare.importing import cells
from acare.json_text import to_json

#: The column with the reasons in a file of rejected rows; an import ignores it.
REASON = "acare_reason"

#: Bytes or characters of a line. A longer one is read as several lines, which are invalid.
MAX_LINE = 4 << 20

_MAX_VERSION = 2**40  # far from 2**53, beyond which JSON numbers are not exact in all programs
_MIN_TIME = "1700"  # positions in lists (clients.seq) begin in 1678
_TIME = "must be a date from 1700 on that is not in the future, such as 2026-07-15 or 15.7.2026"

# The values that a row may give besides the fields of a client, and their rules.
_GIVEN = {
    "id": "must be a UUID",
    "owner": "must be the e-mail address of an enabled user",
    "version": f"must be an integer from 1 to {_MAX_VERSION}",
    "created_at": _TIME,
    "updated_at": _TIME,
}

_ROUNDED = "was rounded by a spreadsheet: format the column as text there, and save the file again"

OnDuplicate = Literal["fail", "skip", "create", "update", "keep"]

#: With these, rows with an id update the client that has it: see ``second_import``.
UPDATES = ("update", "keep")


@dataclass(frozen=True)
class Options:
    """The options of an import. ``now`` is its time, and the latest valid ``created_at``.

    ``defaults`` has the values of absent fields, and the ``owner``, which may be None. ``dates``: see
    ``cells.timestamp``. ``may_lack`` are fields that all records of a server may lack.
    """

    now: str
    defaults: Mapping[str, object]
    on_duplicate: OnDuplicate = "fail"
    dates: str | None = None
    rejects: IO[bytes] | None = None
    proof: IO[bytes] = field(default_factory=io.BytesIO)
    dry_run: bool = False
    may_lack: Collection[str] = ()

    @property
    def is_update(self) -> bool:
        return self.on_duplicate in UPDATES


@dataclass
class Row:
    """A row: the ``record`` in the file, JSON values by field, and the content of the file by field."""

    line: int
    record: Any
    values: dict[str, Any]
    contents: dict[str, object]
    has_more: bool = False  # cells than the header

    def validated(self, options: Options, owners: Mapping[str, str]) -> dict[str, Any]:
        """The client to store: its fields and ``user_id``, and id, version and times if the row has them.

        InvalidInput with all problems. ``owners`` are the ids of enabled users by address in lower case.
        """
        own = {name: value for name, value in self.values.items() if value not in (None, "")}
        values = {**options.defaults, **own}
        given = {name: _given(name, values[name], options, owners) for name in _GIVEN if name in values}
        problems = [FieldError(name, _GIVEN[name]) for name, value in given.items() if value is None]
        if self.has_more:
            problems.append(FieldError("row", "must not have more cells than the header"))
        fields = ValidFields()
        try:
            fields = validate_create(values)
        except InvalidInput as error:
            problems += error.problems
        if problems:
            is_rounded = isinstance(values.get("phone"), float)  # see ``cells.phone``
            reasons = {"phone": _ROUNDED} if is_rounded else {}
            raise InvalidInput(*(FieldError(name, reasons.get(name, message)) for name, message in problems))
        return {**fields, **given, "user_id": given["owner"]}

    def text(self, name: str) -> str:
        """The text of a field in the file."""
        value = self.contents.get(name, "")
        return value if isinstance(value, str) else to_json(value)


def _given(name: str, value: object, options: Options, owners: Mapping[str, str]) -> Any:
    """A value that is not a field of a client; None if it is invalid."""
    if name == "version":
        return value if type(value) is int and 1 <= value <= _MAX_VERSION else None
    text = value.strip() if isinstance(value, str) else ""
    if name == "owner":
        return owners.get(text.lower())
    with suppress(ValueError):
        if name == "id":
            return ids.parse(text)
        timestamp = cells.timestamp(text, options.dates)
        return timestamp if _MIN_TIME <= timestamp <= options.now else None
    return None
