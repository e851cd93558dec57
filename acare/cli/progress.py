"""The progress of long commands: one line that changes, on a terminal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from acare.database.copying import Progress, silent

#: Seconds between two updates. A shorter step shows nothing.
SECONDS = 0.2

_CLEAR_LINE = "\r\x1b[K"


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command that shows progress the flag ``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")


@contextmanager
def shown(args: argparse.Namespace) -> Iterator[Progress]:
    """A function that shows the progress of a command on stderr, if that is a terminal."""
    if args.quiet or not sys.stderr.isatty():
        yield silent
        return
    began: dict[str, float] = {}
    last = time.monotonic()

    def show(step: str, done: int, total: int, unit: str) -> None:
        nonlocal last
        now = time.monotonic()
        began.setdefault(step, now)
        if now - last >= SECONDS:
            last = now
            sys.stderr.write(f"{_CLEAR_LINE}{describe(step, done, total, unit, now - began[step])}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(_CLEAR_LINE)


def describe(step: str, done: int, total: int, unit: str, seconds: float) -> str:
    """``Copying: 1.2 of 4.8 GB, 12 s``; without a total ``Verifying: 12 s``."""
    if total == 0:
        return f"{step}: {seconds:.0f} s"
    amounts = {"B": f"{done / 1e9:.1f} of {total / 1e9:.1f} GB", "": f"{100 * done // total} %"}
    return f"{step}: {amounts.get(unit, f'{done} of {total} {unit}')}, {seconds:.0f} s"
