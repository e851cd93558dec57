"""The formats of files with clients: CSV and JSON lines, each with a reader and a writer."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO

from acare.errors import Refused, SettingError
from acare.importing import csv_rows, json_lines
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader

Reader = CsvReader | JsonReader

#: The functions that write the lines of an export, by format, which is also the extension of the file. They
#: take what ``ClientLists.export`` yields.
WRITERS: dict[str, Callable[[Iterable[tuple[str, str]]], Iterator[str]]] = {
    "csv": csv_rows.lines,
    "jsonl": json_lines.lines,
}


def open_reader(file: IO[bytes], chosen: Mapping[str, str], values: Sequence[tuple[str, str, str]]) -> Reader:
    """The rows of a file. ``chosen`` and ``values``: see ``csv_file.find_columns``."""
    if not file.seekable():
        raise Refused("is a pipe; write its content to a file, and import the file")
    start = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()
    file.seek(0)
    if re.match(rb"{|\[\s*{", start):  # a list of records is refused as JSON, not as CSV
        return JsonReader(json_lines.read_lines(file), owners(chosen, values))
    return CsvReader(file, chosen, values)


def owners(chosen: Mapping[str, str], values: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """The e-mail address for each ``user_id`` in JSON. SettingError for what only CSV has."""
    if chosen or any(name != "user_id" for name, *_ in values):
        raise SettingError(
            "--map and --value are for CSV: JSON lines have names of fields, not columns; "
            "only --value user_id:UUID=EMAIL is for both"
        )
    return {text.casefold(): email for _, text, email in values}
