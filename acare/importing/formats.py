"""The formats of files with clients: CSV and JSON lines, each with a reader and a writer."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO

from acare.errors import Refused, SettingError
from acare.importing import csv_rows, json_lines
from acare.importing.csv_file import CsvReader
from acare.importing.json_lines import JsonReader

#: The functions that write the lines of an export, by format, which is also the extension of the file. They
#: take what ``ClientLists.export`` yields.
WRITERS: dict[str, Callable[[Iterable[tuple[str, str]]], Iterator[str]]] = {
    "csv": csv_rows.lines,
    "jsonl": json_lines.lines,
}


def open_reader(
    file: IO[bytes], chosen: Mapping[str, str], values: Iterable[tuple[str, str, str]]
) -> CsvReader | JsonReader:
    """The rows of a file. ``chosen`` and ``values`` are for CSV: see ``csv_file.find_columns``."""
    if not file.seekable():
        raise Refused("is a pipe; write its content to a file, and import the file")
    start = file.read(1024).removeprefix(codecs.BOM_UTF8).lstrip()
    file.seek(0)
    if re.match(rb"{|\[\s*{", start):  # a list of records is refused as JSON, not as CSV
        if chosen or values:
            raise SettingError("--map and --value are for CSV: JSON lines have names of fields, not columns")
        return JsonReader(file)
    return CsvReader(file, chosen, values)
