"""Reads CSV files as spreadsheets and other programs write them, and maps their columns to fields."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from acare.errors import Refused
from acare.importing import cells, csv_writer
from acare.importing.rows import MAX_LINE, REASON, Row

_NAMES = {"first_name", "last_name"}

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")  # bytes, as surrogateescape decodes them


class Column(NamedTuple):
    """A column: its name, and its target, "" if it is ignored, or None if it is unknown.

    ``meanings`` maps the text of a cell, in lower case, to the text that replaces it; ``*`` stands for any
    other text.
    """

    name: str
    target: str | None
    meanings: dict[str, str]


def find_columns(
    header: Sequence[str], chosen: Mapping[str, str], values: Sequence[tuple[str, str, str]]
) -> list[Column]:
    """The columns of a file.

    ``chosen`` maps columns to fields; ``values`` has columns, texts of cells and their meanings. Refused if
    one of these columns does not exist or has no field, or if no column has names.
    """
    names = _unique_names(header)
    listed = ", ".join(names)
    for name in (*chosen, *(name for name, *_ in values)):
        if name not in names:
            raise Refused(f"there is no column {name!r}; the columns are {listed}")
    known = {cells.plain(target): target for target in cells.TARGETS}
    known |= {**cells.known("columns.ini"), cells.plain(REASON): ""}  # reasons are ignored
    others = _NAMES - {chosen.get(name, known.get(cells.plain(name))) for name in names}
    if len(others) == 1:  # a first or last name has a column of its own: ``Name`` is the other
        (known["name"],) = others
    columns = {name: Column(name, chosen.get(name, known.get(cells.plain(name))), {}) for name in names}
    for name, text, meaning in values:
        if not columns[name].target:
            raise Refused(f"--value: {name!r} has no field; --map '{name}=FIELD' assigns one")
        columns[name].meanings[text.casefold()] = meaning
    if {column.target for column in columns.values()}.isdisjoint(("full_name", *_NAMES)):
        raise Refused(
            f"no column has names: {listed}. --map 'COLUMN=full_name' assigns one; columns must be separated "
            "by commas, semicolons or tabs"
        )
    return [*columns.values()]


def _unique_names(header: Sequence[str]) -> dict[str, None]:
    names: dict[str, None] = {}
    for number, text in enumerate(header, 1):
        name = " ".join(text.split())
        while not name or name in names:
            name = f"{name or 'column'} ({number})"
        names[name] = None
    return names


class CsvReader:
    """The rows of a CSV file: UTF-8, Windows-1252, or UTF-16 with a byte order mark. Refused for others.

    ``chosen`` and ``values`` are the arguments of ``find_columns``.
    """

    def __init__(
        self, file: IO[bytes], chosen: Mapping[str, str], values: Sequence[tuple[str, str, str]]
    ) -> None:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        file.seek(0)
        encoding, errors = ("utf-16", "replace") if is_utf16 else ("utf-8-sig", "surrogateescape")
        self._text = io.TextIOWrapper(file, encoding, errors, newline="")
        first = next(filter(str.strip, self._lines()), "")
        if "\0" in first:
            raise Refused("not CSV in UTF-8 or Windows-1252; a spreadsheet can save it as CSV (UTF-8)")
        self._text.seek(0)
        self._delimiter = max(",;\t", key=re.sub(r'"[^"]*("|$)', "", first).count)
        self._records = self._read_records()
        _, header = next(self._records, (0, []))
        if not header:
            raise Refused("the file is empty")
        self.columns = find_columns(header, chosen, values)
        self.unknown = [column.name for column in self.columns if column.target is None]
        self._chosen = chosen
        self._chosen_first = sorted(enumerate(self.columns), key=lambda column: column[1].name not in chosen)

    def __iter__(self) -> Iterator[Row]:
        for line, record in self._records:
            row = self._read(line, record)
            row.has_more = any(map(str.strip, record[len(self.columns) :]))
            yield row

    def reject(self, file: IO[bytes], row: Row, reason: str) -> None:
        """Write a cell with the reason and then the row, which can be corrected and imported."""
        text = csv_writer.line([reason, *row.record], self._delimiter)
        if file.tell() == 0:
            names = [REASON, *(column.name for column in self.columns)]
            text = csv_writer.BOM + csv_writer.line(names, self._delimiter) + text
        file.write(text.encode(errors="surrogateescape"))

    def _lines(self) -> Iterator[str]:
        """The lines. Bytes that are not UTF-8 are read as Windows-1252: a file may have both.

        A byte that Windows-1252 lacks too remains a surrogate, which every field refuses.
        """
        errors = "surrogateescape"
        while line := self._text.readline(MAX_LINE):
            yield _NOT_UTF8.sub(lambda wrong: wrong[0].encode(errors=errors).decode("cp1252", errors), line)

    def _read_records(self) -> Iterator[tuple[int, list[str]]]:
        """Each record that is not empty, with its line."""
        records = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        line = 1
        try:
            for record in records:
                if any(map(str.strip, record)):
                    yield line, list(map(csv_writer.undefuse, record))
                line = records.line_num + 1
        except csv.Error as error:
            reason = "must have closed quotes and cells of at most 131072 characters"
            raise Refused(f"line {line} {reason}: {error}") from None

    def _read(self, line: int, record: list[str]) -> Row:
        """Read the cells. If several columns map to a field, the first non-empty cell is used.

        Columns in ``chosen`` come first. The other columns of the field are added to the notes with their
        names, and so are columns that ``chosen`` maps to notes, and the further values that Google Contacts
        separates by `` ::: ``. A text whose meaning is empty leaves the field to the next column.
        """
        values: dict[str, Any] = {}
        contents: dict[str, object] = {}
        others: list[str] = []
        for index, (name, target, meanings) in self._chosen_first:
            written = text = record[index] if index < len(record) else ""
            if text.strip():
                text = meanings.get(text.strip().casefold(), meanings.get("*", text))
            if not target or not text.strip():
                continue
            if target in contents or (target == "notes" and name in self._chosen):
                if written != contents.get(target):
                    others.append(f"{name}: {text}")
                continue
            if target in ("email", "phone"):
                text, *more = text.split(" ::: ")
                others += [f"{name}: {value}" for value in more]
            contents[target] = written
            values[target] = cells.TARGETS[target](text)
        for name, part in zip(("first_name", "last_name"), values.pop("full_name", ()), strict=False):
            if name not in contents:
                contents[name] = contents["full_name"]
                values[name] = part or None
        if others:
            values["notes"] = "\n".join([*filter(None, [values.get("notes")]), *others])
        return Row(line, record, values, contents)
