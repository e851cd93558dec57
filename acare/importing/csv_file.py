"""CSV files as spreadsheets and other programs write them, and as spreadsheets read them."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import IO, Any

from acare.errors import FieldError, UserError
from acare.field_types import Amount, Boolean, StringList, to_json
from acare.fields import FIELDS
from acare.importing import cells
from acare.importing.columns import Columns
from acare.importing.rows import REASON, Draft
from acare.property_preferences import Preferences

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")  # bytes, as surrogateescape decodes them
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods, which are ZIP archives; .xls
_UNREADABLE = "must have closed quotes and cells of at most 131072 characters"

_KINDS = {field.name: type(field.kind) for field in FIELDS}
_EXPORTED = ("id", "owner", *_KINDS, "version", "created_at", "updated_at")
_WRITERS: dict[type | None, Callable[[Any], str]] = {
    Amount: cells.amount,
    StringList: cells.join,
    Preferences: lambda value: to_json(value) if value else "",
    Boolean: to_json,
}


class CsvReader:
    """The clients of a CSV file: UTF-8, UTF-16 or Windows-1252. UserError if the header cannot be read.

    ``columns`` has the field of each column, "" for one that is ignored, or None. The arguments are those of
    ``Columns``.
    """

    def __init__(
        self, file: IO[bytes], targets: dict[str, str], keep_unknown: bool, dates: str | None
    ) -> None:
        self._file = file
        self._encoding = _encoding(file)
        self._line = 0
        self._last = ""  # the last line that was read
        self._encodings: set[str] = set()
        first = next(filter(str.strip, self._lines()), "")
        told = re.fullmatch(r"sep=(.)\s*", first)  # how Excel states the delimiter
        self._delimiter = told[1] if told else max(",;\t", key=re.sub(r'"[^"]*("|$)', "", first).count)
        self._has_sep_line = told is not None
        line, header, error = next(islice(self._records(), self._has_sep_line, None), (0, [], ""))
        if not header:
            raise UserError("the file is empty")
        if error:
            raise UserError(f"line {line}, the header {error}")
        self._columns = Columns(header, targets, keep_unknown)
        self._columns.survey(((line, record) for line, record, _ in self._rows()), dates)
        self.columns = self._columns.fields

    @property
    def layout(self) -> str:
        """How the file was read: encoding and delimiter."""
        encoding = "UTF-16" if "16" in self._encoding else " and ".join(sorted(self._encodings)) or "UTF-8"
        return f"CSV, {encoding}, delimiter {json.dumps(self._delimiter)}"

    def _lines(self) -> Iterator[str]:
        """The lines. Bytes that are not UTF-8 are Windows-1252, one by one: a file may have both."""
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, self._encoding, "surrogateescape", newline="")
        try:
            for line in text:
                self._last = line
                if not line.isascii():
                    self._last = _NOT_UTF8.sub(_as_windows_1252, line)
                    self._encodings.add("UTF-8" if self._last == line else "Windows-1252")
                self._line += 1
                yield self._last
        except UnicodeError as error:
            raise UserError(f"line {self._line + 1} cannot be read: {error}") from None
        finally:
            text.detach()  # it would close the file

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        """Each record that is not empty, with its line, and why it cannot be read."""
        self._line = 0
        records = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            line = self._line + 1
            try:
                record = next(records)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, [self._last.rstrip("\r\n")], f"{_UNREADABLE}: {error}"
            else:
                if any(map(str.strip, record)):
                    yield line, record, ""

    def _rows(self) -> Iterator[tuple[int, list[str], str]]:
        """The records below the header."""
        return islice(self._records(), 1 + self._has_sep_line, None)

    def __iter__(self) -> Iterator[Draft]:
        width = len(self._columns.names)
        for line, record, error in self._rows():
            if error:
                yield Draft.unreadable(line, record[0].strip(), error)
                continue
            draft = self._columns.read(line, record)
            if len(record) < width and not self._last.endswith(("\r", "\n")):
                draft.problems.append(FieldError("row", f"is cut off: it has {len(record)} of {width} cells"))
            yield draft

    def write_refused(self, file: IO[str], reasons: Mapping[int, str]) -> None:
        """Write the rows that have ``reasons``, with a column for these, to be corrected and imported.

        The delimiter is that of the file. Cells beyond the header come after the reason, so that they are
        refused again.
        """
        file.write("\ufeff")
        if self._has_sep_line:
            file.write(f"sep={self._delimiter}\r\n")
        writer = csv.writer(file, delimiter=self._delimiter)
        names = self._columns.names
        width = len(names)
        old = names.index(REASON) if REASON in names else width

        def write(record: list[str], reason: str) -> None:
            padded = record + [""] * (width - len(record))
            row = [*padded[:old], *padded[old + 1 : width], reason, *padded[width:]]
            writer.writerow(cells.defuse(cells.undefuse(cell)) for cell in row)

        write(names, REASON)
        for line, record, _ in self._rows():
            if line in reasons:
                write(self._columns.with_plain_dates(record), reasons[line])


def _encoding(file: IO[bytes]) -> str:
    file.seek(0)
    start = file.read(4)
    if start in _SPREADSHEETS:
        raise UserError("this is a spreadsheet, not CSV: open it in its program and save it as CSV (UTF-8)")
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if 0 in start[:2]:  # half of the first letter
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def _as_windows_1252(wrong: re.Match[str]) -> str:
    """A byte that Windows-1252 lacks too remains a surrogate, which every field refuses."""
    return wrong[0].encode("utf-8", "surrogateescape").decode("cp1252", "surrogateescape")


def write_csv(file: IO[str], clients: Iterable[tuple[str, str]]) -> int:
    """Write clients, each with its JSON and the owner's e-mail address, one a row; how many there were."""
    file.write("\ufeff")  # tells spreadsheets that this is UTF-8
    writer = csv.writer(file)
    writer.writerow(_EXPORTED)
    count = 0
    for text, owner in clients:
        client = {**json.loads(text), "owner": owner}
        writer.writerow([_WRITERS.get(_KINDS.get(name), _write_text)(client[name]) for name in _EXPORTED])
        count += 1
    return count


def _write_text(value: object) -> str:
    return "" if value is None else cells.defuse(str(value))
