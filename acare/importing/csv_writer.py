"""Writes clients as CSV that is safe to open in a spreadsheet, and reads such cells back."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from acare.fields import FIELD_NAMES, parse_client
from acare.json_text import to_json

# Text that a spreadsheet would run as a formula: at the start of a cell (OWASP, "CSV Injection"), or after a
# character that ends a cell in a spreadsheet with other settings. An apostrophe in front makes it plain text.
_FORMULA = r"'*[^\S\t\r\n]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_START = r"(?:\A|(?<=[;\t\r\n]))"
_UNSAFE = re.compile(rf"{_START}(?={_FORMULA})|\A(?='*[\t\r\n])")
_DEFUSED = re.compile(rf"{_START}'(?={_FORMULA})|\A'(?='*[\t\r\n])")


def defuse(text: str) -> str:
    """The text with ' before each part that a spreadsheet would run as a formula; see ``undefuse``."""
    return _UNSAFE.sub("'", text)


def undefuse(text: str) -> str:
    """The text that was given to ``defuse``."""
    return _DEFUSED.sub("", text) if "'" in text else text


def amount(value: float) -> str:
    """A float, never with three decimals, which would be read as thousands."""
    text = f"{Decimal(str(value)):f}"
    return f"{text}0" if re.search(r"\.\d{3}\Z", text) else text


def join(items: list[str]) -> str:
    """A list as an import reads it: with ``;`` between the items, or as JSON if an item has one.

    Another program can have stored items that are not text: they are left out.
    """
    items = [item for item in items if isinstance(item, str)]
    text = "; ".join(items)
    if text.startswith('["') or not all(item and ";" not in item for item in items):
        return to_json(items)
    return f"{text};" if len(items) == 1 and re.search(",|:::", text) else text  # one tag, not several


# How values of a JSON type are written; others are written as text.
_WRITERS: dict[type, Callable[[Any], str]] = {
    bool: to_json,
    float: amount,
    list: join,
    dict: lambda value: to_json(value) if value else "",
}

BOM = "\ufeff"  # tells spreadsheets that a file is UTF-8

#: The fields of a client, and what else the store yields for an export.
COLUMNS = ("id", "owner", *FIELD_NAMES, "version", "created_at", "updated_at")


class _Lines:
    """A file for a CSV writer, which makes ``writerow`` return the line."""

    def write(self, line: str) -> str:
        return line


def line(cells: Iterable[str], delimiter: str = ",") -> str:
    """A line of a CSV file."""
    return str(csv.writer(_Lines(), delimiter=delimiter).writerow(map(defuse, cells)))


def lines(clients: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The lines of a CSV file. ``clients``: see ``ClientLists.export``."""
    yield BOM + line(COLUMNS)
    for text, more in clients:
        client = {**parse_client(text), **json.loads(more)}
        values = (client[name] for name in COLUMNS)
        cells = line("" if value is None else _WRITERS.get(type(value), str)(value) for value in values)
        yield cells.encode(errors="replace").decode()  # JSON can have half of a surrogate pair
