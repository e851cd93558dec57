"""The source of an import: a CSV file, a file of JSON lines, or the pages of another server."""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from acare.cli.import_report import reasons
from acare.cli.progress import Report
from acare.clients import ImportRow
from acare.errors import UserError
from acare.exchange.csv_reader import CsvReader, RefusedCsv, open_text
from acare.exchange.jsonl import JsonReader, RefusedJson
from acare.exchange.mapping import Choices
from acare.exchange.remote import Remote
from acare.exchange.rows import Refused, Rules
from acare.store.backup import temporary


@dataclass(frozen=True)
class Source:
    """A source that is open. ``position`` is in bytes."""

    reader: Iterable[ImportRow | Refused]
    sha256: bytes
    size: int
    position: Callable[[], int]
    unknown: Callable[[], list[str]]  # known once all is read
    refused_writer: Callable[[IO[str]], Any]
    keeps_ids: bool = True
    newest_first: bool = False


@contextmanager
def open_source(args: argparse.Namespace, rules: Rules, database: Path, tell: Report) -> Iterator[Source]:
    """The source that the arguments name.

    What is downloaded is kept next to the database until the import ends, so that an interrupted one goes on.
    """
    if not args.source.startswith(("http://", "https://")):
        with _open_file(Path(args.source), args, rules) as source:
            yield source
        return
    if args.key_file is None:
        raise UserError("a URL needs --key-file, the name of a file with an API key")
    name = hashlib.sha256(args.source.encode()).hexdigest()[:12]
    pages = database.with_name(f"{database.name}.import-{name}.jsonl")
    remote = Remote(args.source, args.key_file.read_text("utf-8", "replace").strip())
    remote.download(pages, lambda done, total: tell("Downloading", done, total, "clients"))
    with _open_json(pages, rules, newest_first=True) as source:
        yield source
    pages.unlink()


@contextmanager
def _open_file(path: Path, args: argparse.Namespace, rules: Rules) -> Iterator[Source]:
    with path.open("rb") as file:
        is_json = file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    if is_json:
        if args.targets:
            raise UserError("--map is for CSV")
        with _open_json(path, rules) as source:
            yield source
        return
    choices = Choices(dict(args.targets), args.keep_unknown, args.day_first)
    with open_text(path, args.encoding) as text:
        reader = CsvReader(text, choices, rules)
        columns = reader.columns
        yield Source(
            reader,
            _sha256(path),
            path.stat().st_size,
            text.buffer.tell,  # type: ignore[attr-defined]  # a TextIOWrapper has it
            lambda: columns.unknown,
            lambda refused: RefusedCsv(refused, columns.names),
            keeps_ids=False,
        )


@contextmanager
def _open_json(path: Path, rules: Rules, *, newest_first: bool = False) -> Iterator[Source]:
    with path.open("rb") as file:
        reader = JsonReader(file, rules)
        size = path.stat().st_size
        yield Source(
            reader,
            _sha256(path),
            size,
            file.tell,
            lambda: list(reader.unknown),
            RefusedJson,
            newest_first=newest_first,
        )


@contextmanager
def refused_file(source: Source, target: Path | None) -> Iterator[Callable[[Refused], None]]:
    """What takes refused rows and writes them to ``target``, if there are any.

    UserError if there is a file of this name with something else in it.
    """
    if target is None:
        yield lambda row: None
        return
    count = 0
    with temporary(target) as path:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = source.refused_writer(file)

            def write(row: Refused) -> None:
                nonlocal count
                count += 1
                writer.write(row.source, reasons(row.problems))

            yield write
        if count:
            if target.exists() and not filecmp.cmp(path, target, shallow=False):
                raise UserError(f"{target}: exists already; name another file for the refused rows")
            os.replace(path, target)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
