"""A command on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.server import command


class Terminal:
    """A real ``acare`` process whose standard streams are a terminal, and what it has shown so far."""

    def __init__(self, process: subprocess.Popen[bytes], handle: int) -> None:
        self.process, self._handle, self.shown = process, handle, ""

    def wait_for(self, pattern: str, seconds: float = 20) -> re.Match[str]:
        """What matches in all that was shown; fails if that takes too long."""
        until = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < until, f"no {pattern!r} in {self.shown!r}"
            self._read(0.1)
        return found

    def type(self, text: str) -> None:
        os.write(self._handle, text.encode())

    def end(self, seconds: float = 20) -> int:
        """Read to the end; the exit code."""
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.wait(timeout=0)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._handle], [], [], seconds)[0]:
            return False
        with suppress(OSError):  # the other side is closed
            text = os.read(self._handle, 65536).decode()
            self.shown += text
            return bool(text)
        return False


@contextmanager
def on_terminal(folder: Path, *arguments: object, before: str = "") -> Iterator[Terminal]:
    """Run a command; killed at the end."""
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(
        command(*arguments, before=before), cwd=folder, start_new_session=True, **streams
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)
