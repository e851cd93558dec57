"""Reads CSV files as spreadsheets and other programs write them."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from acare.errors import FieldError, UserError
from acare.importing import cells
from acare.importing.columns import PREFERENCES, TARGETS, find_fields
from acare.importing.rows import MAX_LINE, REASON, Row

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")  # bytes, as surrogateescape decodes them
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, which are ZIP archives; .xls
_UNREADABLE = "must have closed quotes and cells of at most 131072 characters"


class CsvReader:
    """The rows of a CSV file: UTF-8, UTF-16 or Windows-1252. UserError if the header cannot be read.

    ``columns`` has the field of each column, "" for one that is ignored, or None. ``chosen`` are fields by
    column. With ``extra_columns``, what has no field is read into property_preferences. ``dates`` is the
    order of day and month, dmy or mdy.
    """

    def __init__(
        self, file: IO[bytes], chosen: dict[str, str], *, extra_columns: bool, dates: str | None
    ) -> None:
        self._encoding = _encoding(file)
        self._encodings: set[str] = set()
        self._text = io.TextIOWrapper(file, self._encoding, "surrogateescape", newline="")
        self._last = ""  # the last line that was read
        first = next(filter(str.strip, self._lines()), "")
        self._text.seek(0)
        stated = re.fullmatch(r"sep=(.)\s*", first)  # how Excel states the delimiter
        self._delimiter = stated[1] if stated else max(",;\t", key=re.sub(r'"[^"]*("|$)', "", first).count)
        self._records = self._read_records()
        if stated:
            next(self._records)
        line, header, error = next(self._records, (0, [], ""))
        if not header:
            raise UserError("the file is empty")
        if error:
            raise UserError(f"line {line}, the header {error}")
        self.columns = find_fields(header, chosen)
        self._extra_columns = extra_columns
        self._dates = dates

    @property
    def layout(self) -> str:
        """How the file was read: encoding and delimiter."""
        encoding = "UTF-16" if "16" in self._encoding else " and ".join(sorted(self._encodings)) or "UTF-8"
        return f"CSV, {encoding}, delimiter {json.dumps(self._delimiter)}"

    def __iter__(self) -> Iterator[Row]:
        width = len(self.columns)
        for line, record, error in self._records:
            if error:
                yield Row.unreadable(line, record, record[0].strip(), error)
                continue
            row = Row(line, record)
            self._read(row)
            if any(map(str.strip, record[width:])):
                message = f"must not have more cells than the header, which has {width}"
                row.problems.append(FieldError("row", message))
            if len(record) < width and not self._last.endswith(("\r", "\n")):
                row.problems.append(FieldError("row", f"is cut off: it has {len(record)} of {width} cells"))
            yield row

    def reject(self, file: IO[str], row: Row, reason: str) -> None:
        """Write a row with the reason, to be corrected and imported, into a file with the same columns.

        Cells beyond the header come after the reason, so that they are refused again.
        """
        writer = csv.writer(file, delimiter=self._delimiter)
        names = [name for name in self.columns if name != REASON]
        if file.tell() == 0:
            file.write("\ufeff")
            if self._delimiter not in ",;\t":
                file.write(f"sep={self._delimiter}\r\n")
            writer.writerow(map(cells.defuse, [*names, REASON]))
        by_name = dict(zip(self.columns, row.record, strict=False))
        written = [*(by_name.get(name, "") for name in names), reason, *row.record[len(self.columns) :]]
        writer.writerow(map(cells.defuse, written))

    def _lines(self) -> Iterator[str]:
        """The lines. Bytes that are not UTF-8 are Windows-1252, one by one: a file may have both."""
        try:
            while line := self._text.readline(MAX_LINE):
                self._last = line
                if not line.isascii():
                    self._last = _NOT_UTF8.sub(_as_windows_1252, line)
                    self._encodings.add("UTF-8" if self._last == line else "Windows-1252")
                yield self._last
        except UnicodeError as error:
            raise UserError(f"the file cannot be read: {error}") from None

    def _read_records(self) -> Iterator[tuple[int, list[str], str]]:
        """Each record that is not empty, with its line, and why it cannot be read."""
        records = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            line = records.line_num + 1
            try:
                record = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, [self._last.rstrip("\r\n")], f"{_UNREADABLE}: {error}"
            else:
                if any(map(str.strip, record)):
                    yield line, list(map(cells.undefuse, record)), ""

    def _read(self, row: Row) -> None:
        """Read the cells. Of several columns for one field, the first that is not empty counts."""
        preferences: dict[str, Any] = {}
        for (column, target), text in zip(self.columns.items(), row.record, strict=False):
            if not (text if target == "notes" else text.strip()) or target == "" or target in row.found:
                continue
            if target is None:
                if self._extra_columns:
                    preferences[column] = text
                continue
            row.found[target] = column, text
            value = TARGETS[target](text)
            if target == "full_name":
                for name, part in zip(("first_name", "last_name"), value, strict=True):
                    if part and name not in row.found:
                        row.values[name], row.found[name] = part, (column, text)
            elif target == "created_at":
                row.values[target] = cells.timestamp(text, self._dates) or ""
            elif target.startswith(PREFERENCES):
                row.found.setdefault("property_preferences", (column, text))
                preferences[target.removeprefix(PREFERENCES)] = value
            else:
                row.values[target] = value
        given = row.values.get("property_preferences", {})
        if preferences and isinstance(given, dict):
            row.values["property_preferences"] = given | preferences


def _encoding(file: IO[bytes]) -> str:
    start = file.read(4)
    file.seek(0)
    if start in _SPREADSHEETS:
        raise UserError("this is a spreadsheet, not CSV: open it in its program and save it as CSV (UTF-8)")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    return "utf-8-sig"


def _as_windows_1252(wrong: re.Match[str]) -> str:
    """A byte that Windows-1252 lacks too remains a surrogate, which every field refuses."""
    return wrong[0].encode("utf-8", "surrogateescape").decode("cp1252", "surrogateescape")
