"""The output of commands: text that is safe on a terminal, lists, JSON, progress and files."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from acare.database.copying import Progress, silent
from acare.database.disk import temporary

#: The name of stdout as a file.
STDOUT = Path("-")

#: Seconds between two updates of the progress. A shorter command shows none.
PROGRESS_SECONDS = 0.2

_CLEAR_LINE = "\r\x1b[K"

# Control characters (C0, DEL and C1), line separators, surrogates, and text direction marks.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """Text from a file, a database or a server in one line, with control characters escaped."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def print_error(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(f"acare: {printable(text)}\n")


def print_json(value: object) -> None:
    """Print JSON, in ASCII unless the output is UTF-8, with control characters escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=sys.stdout.encoding != "utf-8")
    print(_UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text))


def print_rows(rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print these columns under their names, aligned; or the complete rows as a JSON list."""
    if as_json:
        print_json(rows)
        return
    cells = (["-" if row[name] is None else printable(row[name]) for name in columns] for row in rows)
    lines = [list(columns), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())


def counted(number: int, noun: str) -> str:
    """``1 key``, ``2,000 keys``."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A function that shows the progress of a command on stderr, if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    began = last = time.monotonic()

    def show(step: str, done: int, total: int, unit: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS:
            last = now
            amount = f"{done:,}{f' of {total:,}' if total else ''} {unit}, " if done or total else ""
            sys.stderr.write(f"{_CLEAR_LINE}{step}: {amount}{now - began:.0f} s")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(_CLEAR_LINE)


@contextmanager
def open_output(path: Path, *, keep_empty: bool = True) -> Iterator[IO[bytes]]:
    """Stdout, a device or a pipe to write to, or a private file, which replaces another only at the end."""
    if path == STDOUT:
        yield sys.stdout.buffer
    elif path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
    else:
        target = Path(os.path.realpath(path))  # a symbolic link stays; its target is replaced
        with temporary(target) as unfinished:
            with unfinished.open("wb") as file:
                yield file
            if keep_empty or unfinished.stat().st_size:
                os.replace(unfinished, target)
