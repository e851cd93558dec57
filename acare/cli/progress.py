"""The progress of long commands, on stderr: one line that changes on a terminal, several lines otherwise."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from acare.database.copying import Report, silent

#: Seconds between two updates on a terminal, and between two lines elsewhere. A shorter step prints nothing:
#: a scheduled backup of a small file prints only its result.
TERMINAL_SECONDS = 0.2
LINE_SECONDS = 10.0


def add_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command that shows progress the flag ``--quiet``."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")


@contextmanager
def shown(args: argparse.Namespace) -> Iterator[Report]:
    """A function that reports the progress of a command on stderr."""
    if args.quiet:
        yield silent
        return
    progress = ProgressLine(sys.stderr, sys.stderr.isatty())
    try:
        yield progress
    finally:
        progress.clear()


class ProgressLine:
    """A ``Report`` that writes to a stream."""

    def __init__(
        self, stream: TextIO, is_terminal: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._is_terminal, self._clock = stream, is_terminal, clock
        self._step = ""
        self._began = self._last = 0.0
        self._drawn = False

    def __call__(self, step: str, done: int, total: int, unit: str) -> None:
        now = self._clock()
        if step != self._step:
            self._step, self._began, self._last = step, now, now
        if now - self._last < (TERMINAL_SECONDS if self._is_terminal else LINE_SECONDS):
            return
        self._last = now
        line = describe(step, done, total, unit, now - self._began)
        self._stream.write(f"\r\x1b[K{line}" if self._is_terminal else f"{line}\n")
        self._stream.flush()
        self._drawn = True

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self._drawn and self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def describe(step: str, done: int, total: int, unit: str, seconds: float) -> str:
    """``Copying: 1.2 of 4.6 GB (26 %), 12 s left``"""
    ratio = done / total if total else 1.0
    left = _duration(seconds / ratio - seconds) if ratio > 0 else "unknown time"
    amount = {
        "": f"{ratio:.0%}".replace("%", " %"),
        "B": f"{done / 1e9:.1f} of {total / 1e9:.1f} GB ({int(ratio * 100)} %)",
    }.get(unit, f"{done} of {total} {unit} ({int(ratio * 100)} %)")
    return f"{step}: {amount}, {left} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
