"""The progress of long commands, on stderr: one line that changes on a terminal, several lines otherwise."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from acare.database.copying import Progress, silent

#: Seconds between two updates on a terminal, and between two lines elsewhere. A shorter step prints nothing:
#: a scheduled backup of a small file prints only its result.
TERMINAL_SECONDS = 0.2
LINE_SECONDS = 10.0


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command that shows progress the flag ``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")


@contextmanager
def shown(args: argparse.Namespace) -> Iterator[Progress]:
    """A function that shows the progress of a command on stderr."""
    if args.quiet:
        yield silent
        return
    is_terminal = sys.stderr.isatty()
    before, after = ("\r\x1b[K", "") if is_terminal else ("", "\n")
    pause = TERMINAL_SECONDS if is_terminal else LINE_SECONDS
    began: dict[str, float] = {}
    last = time.monotonic()

    def show(step: str, done: int, total: int, unit: str) -> None:
        nonlocal last
        now = time.monotonic()
        if step not in began:
            began[step] = last = now
        if now - last >= pause:
            last = now
            sys.stderr.write(f"{before}{describe(step, done, total, unit, now - began[step])}{after}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write(before)  # removes the line from a terminal


def describe(step: str, done: int, total: int, unit: str, seconds: float) -> str:
    """``Copying: 1.2 of 4.8 GB, 12 s``; without a total ``Verifying: 12 s``."""
    if total == 0:
        return f"{step}: {seconds:.0f} s"
    amount = f"{done / 1e9:.1f} of {total / 1e9:.1f} GB" if unit == "B" else f"{done} of {total} {unit}"
    return f"{step}: {amount}, {seconds:.0f} s"
