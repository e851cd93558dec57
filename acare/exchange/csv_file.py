"""CSV files as spreadsheets and other programs write them, and as spreadsheets read them."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import IO, Any

from acare.clients import ImportRow
from acare.errors import Problem, UserError
from acare.exchange import cells
from acare.exchange.columns import Columns
from acare.exchange.rows import REASON, Refused, Rules, unreadable
from acare.field_types import Amount, Flag, Texts, to_json
from acare.fields import FIELDS
from acare.property_preferences import Preferences

_NOT_UTF8 = re.compile("[\udc80-\udcff]+")  # bytes, as surrogateescape decodes them

_KINDS = {field.name: type(field.kind) for field in FIELDS}
_EXPORTED = ("id", "owner", *_KINDS, "version", "created_at", "updated_at")
_WRITERS: dict[type | None, Callable[[Any], str]] = {
    Amount: cells.amount,
    Texts: cells.join,
    Preferences: lambda value: to_json(value) if value else "",
    Flag: to_json,
}


class CsvReader:
    """The clients of a CSV file: UTF-8, UTF-16 or Windows-1252. ``unknown`` has the columns without a field.

    UserError if the header cannot be read.
    """

    def __init__(self, file: IO[bytes], rules: Rules) -> None:
        self._text = io.TextIOWrapper(file, _encoding(file), "surrogateescape", newline="")
        self._rules = rules
        self._line = 0
        self._last = ""  # the last line that was read
        lines = self._lines()
        first = next(filter(str.strip, lines), "")
        told = re.fullmatch(r"sep=(.)\s*", first)  # Excel's own way to tell the delimiter
        delimiter = told[1] if told else max(",;\t", key=re.sub(r'"[^"]*("|$)', "", first).count)
        self._records = csv.reader(lines if told else chain([first], lines), delimiter=delimiter, strict=True)
        try:
            header = next((record for record in self._records if any(map(str.strip, record))), None)
        except csv.Error as error:
            raise UserError(f"the header cannot be read: {error}") from None
        if header is None:
            raise UserError("the file is empty")
        self._columns = Columns(header, rules)
        self.unknown = self._columns.unknown

    def _lines(self) -> Iterator[str]:
        """The lines. Bytes that are not UTF-8 are Windows-1252, one by one: a file may have both."""
        try:
            for line in self._text:
                self._last = line if line.isascii() else _NOT_UTF8.sub(_as_windows_1252, line)
                self._line += 1
                yield self._last
        except UnicodeError as error:
            raise UserError(f"line {self._line + 1} cannot be read: {error}") from None

    def __iter__(self) -> Iterator[ImportRow | Refused]:
        width = len(self._columns.names)
        while True:
            line = self._line + 1
            try:
                record = next(self._records)
            except StopIteration:
                return
            except csv.Error as error:
                message = f"must have closed quotes and cells of at most 131072 characters: {error}"
                yield unreadable(line, [self._last.rstrip("\r\n")], self._last.strip(), message)
                continue
            if any(map(str.strip, record)):
                draft = self._columns.read(line, record)
                if len(record) < width and not self._last.endswith(("\r", "\n")):
                    draft.problems.append(
                        Problem("row", f"is cut off: it has {len(record)} of {width} cells")
                    )
                yield draft.finish(self._rules)

    def write_refused(self, file: IO[str], refused: Iterable[tuple[list[str], str]]) -> None:
        """Write refused rows, with a column for the reasons, to be corrected and imported.

        Cells beyond the header come after the reason, so that they are refused again.
        """
        file.write("\ufeff")
        writer = csv.writer(file)
        names = self._columns.names
        width = len(names)
        old = names.index(REASON) if REASON in names else width
        for record, reasons in chain([(names, REASON)], refused):
            padded = record + [""] * (width - len(record))
            row = [*padded[:old], *padded[old + 1 : width], reasons, *padded[width:]]
            writer.writerow(cells.defuse(cells.undefuse(cell)) for cell in row)


def _encoding(file: IO[bytes]) -> str:
    start = file.read(2)
    file.seek(0)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if 0 in start:  # half of the first letter
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def _as_windows_1252(wrong: re.Match[str]) -> str:
    """A byte that Windows-1252 does not have either remains a surrogate, which every field refuses."""
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
