"""CSV files as spreadsheets and other programs write them."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from acare.clients import ImportRow
from acare.errors import UserError
from acare.exchange.cells import defuse_source
from acare.exchange.mapping import Choices, Columns
from acare.exchange.rows import REASON, Draft, Refused, Rules

_DELIMITERS = ",;\t|"
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_FALLBACK = "acare-windows-1252"


class CsvReader:
    """The clients of a CSV file. ``columns`` are known once it is made."""

    def __init__(self, file: IO[str], choices: Choices, rules: Rules) -> None:
        self._file = file
        self._rules = rules
        self._last = ""  # the last line that was read
        first = next((line for line in file if line.strip()), "")
        separator = re.fullmatch(r"sep=(.)[\r\n]*", first)  # Excel's own way to tell it
        if separator is None:
            file.seek(0)
        self._skipped = int(separator is not None)
        delimiter = separator[1] if separator else _delimiter(first)
        self._records = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        try:
            header = next((record for record in self._records if any(map(str.strip, record))), [])
        except csv.Error as error:
            raise UserError(f"the header cannot be read: {error}") from None
        if not header:
            raise UserError("the file is empty")
        self.columns = Columns(header, choices)

    def _lines(self) -> Iterator[str]:
        for line in self._file:
            self._last = line
            yield line

    def __iter__(self) -> Iterator[ImportRow | Refused]:
        while True:
            line = self._records.line_num + self._skipped + 1
            try:
                record = next(self._records)
            except StopIteration:
                return
            except csv.Error as error:
                broken = Draft(line, [self._last.rstrip("\r\n")])
                broken.found["row"] = "", self._last.strip()
                broken.refuse(
                    "row", f"must have closed quotes and cells of at most 131072 characters: {error}"
                )
                yield broken.finish(self._rules)
                continue
            if any(map(str.strip, record)):
                yield self._read(line, record)

    def _read(self, line: int, record: list[str]) -> ImportRow | Refused:
        draft = self.columns.read(line, record)
        if len(record) < len(self.columns.names) and not self._last.endswith(("\r", "\n")):
            draft.refuse("row", f"is cut off: it has {len(record)} of {len(self.columns.names)} cells")
        return draft.finish(self._rules)


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[IO[str]]:
    """The file as text: UTF-8 or UTF-16, with or without a byte order mark, or Windows-1252.

    Bytes that are not UTF-8 are read as Windows-1252 one by one, so a file may have both.
    """
    codecs.register_error(_FALLBACK, _as_windows_1252)
    if encoding is None:
        with path.open("rb") as file:
            encoding = _encoding(file.read(4096))
    errors = _FALLBACK if encoding.startswith("utf-8") else "strict"
    try:
        with path.open(encoding=encoding, errors=errors, newline="") as text:
            yield text
    except UnicodeError as error:
        raise UserError(f"{path}: is not valid {encoding}: {error}") from None
    except LookupError:
        raise UserError(f"{encoding!r} is not an encoding; cp1252 or mac_roman are some") from None


def _encoding(start: bytes) -> str:
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            return encoding
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 > len(start):  # a zero in every second byte
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig"


def _as_windows_1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "surrogateescape"), error.end  # a surrogate is refused by every field


def _delimiter(header: str) -> str:
    """The delimiter that the header has most of, outside quotes."""
    bare = re.sub(r'"[^"]*("|$)', "", header)
    return max(_DELIMITERS, key=bare.count)


class RefusedCsv:
    """Writes refused records as CSV, with a column for the reasons, to be corrected and imported."""

    def __init__(self, file: IO[str], columns: list[str]) -> None:
        self._writer = csv.writer(file)
        self._width = len(columns)
        self._reason = columns.index(REASON) if REASON in columns else None
        file.write("\ufeff")
        self._write(columns, REASON)

    def write(self, source: list[str], reasons: str) -> None:
        self._write(source + [""] * (self._width - len(source)), reasons)

    def _write(self, cells: list[str], reason: str) -> None:
        """Cells beyond the header come after the reason, so that they are refused again."""
        width = self._width
        own = [cell for position, cell in enumerate(cells[:width]) if position != self._reason]
        self._writer.writerow(map(defuse_source, [*own, reason, *cells[width:]]))
