"""Maps the columns of CSV files to fields, and fields to the functions that read their cells."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from acare.errors import UserError
from acare.field_types import Amount, Boolean, Enum, Preferences, StringList
from acare.fields import FIELDS
from acare.importing import cells

# The function that reads the cells of a field, by the field's type; by default, str.
_READERS: dict[type, Callable[[str], Any]] = {
    Amount: cells.money,
    Boolean: cells.boolean,
    Enum: cells.word,
    StringList: cells.texts,
    Preferences: cells.json_value,
}

#: The possible targets of a column, and the function that reads the cells of each.
TARGETS: dict[str, Callable[[str], Any]] = {
    **{field.name: _READERS.get(type(field.kind), str) for field in FIELDS},
    "phone": cells.phone,
    "tags": cells.tags,
    "full_name": cells.full_name,
    **dict.fromkeys(("owner", "created_at"), str),
}


class Column(NamedTuple):
    """A column: its name, and its field, "" if it is ignored, or None if it is unknown.

    ``meanings`` maps the text of a cell, in lower case, to the text that replaces it; ``*`` stands for any
    other text.
    """

    position: int
    name: str
    field: str | None
    meanings: Mapping[str, str]


def find_columns(
    header: Sequence[str], chosen: Mapping[str, str], values: Iterable[tuple[str, str, str]]
) -> list[Column]:
    """The columns of a file.

    ``chosen`` maps columns to fields; ``values`` has columns, texts of cells and their meanings. UserError if
    one of these columns does not exist or has no field, or if no column has names.
    """
    names = _unique_names(header)
    listed = ", ".join(names)
    meanings: dict[str, dict[str, str]] = {}
    for name, text, meaning in values:
        meanings.setdefault(name, {})[text.casefold()] = meaning
    for name in (*chosen, *meanings):
        if name not in names:
            raise UserError(f"there is no column {name!r}; the columns are {listed}")
    known = _fields_by_name()
    columns = []
    for position, name in enumerate(names):
        field = chosen.get(name, known.get(cells.plain(name)))
        columns.append(Column(position, name, field, meanings.get(name, {})))
        if name in meanings and not field:
            raise UserError(f"--value: {name!r} has no field; --map '{name}=FIELD' assigns one")
    if {column.field for column in columns}.isdisjoint(("full_name", "first_name", "last_name")):
        raise UserError(
            f"no column has names: {listed}. --map 'COLUMN=full_name' assigns one; columns must be separated "
            "by commas, semicolons or tabs"
        )
    return columns


def _unique_names(header: Sequence[str]) -> dict[str, None]:
    names: dict[str, None] = {}
    for position, text in enumerate(header, 1):
        name = " ".join(text.split())
        while not name or name in names:
            name = f"{name or 'column'} ({position})"
        names[name] = None
    return names


def _fields_by_name() -> dict[str, str]:
    """The field of each plain name."""
    return {
        **{cells.plain(target): target for target in TARGETS},
        **cells.known("columns.ini"),
        "acarereason": "",  # the column of reasons in a file of rejected rows
    }
