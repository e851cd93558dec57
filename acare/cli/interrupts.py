"""Ctrl-C ends a command quickly, even while SQLite is busy."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds that a command has to clean up after Ctrl-C before the process is ended.
GRACE_SECONDS = 0.3

#: The exit code of a command that was interrupted: 128 and the number of SIGINT.
EXIT_CODE = 130


@contextmanager
def ended_in_time(seconds: float = GRACE_SECONDS) -> Iterator[None]:
    """In the ``with``, Ctrl-C raises KeyboardInterrupt, and ends the process if the cleanup takes too long.

    Python raises it only between two of its own instructions, and SQLite can be busy for minutes: when it
    copies a log, or waits for the disk. Ending the process then is safe, as even SIGKILL is. Has no effect
    outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()
    threading.Thread(target=_watch, args=(reading, over, seconds), daemon=True).start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        over.set()
        os.close(writing)  # ends the thread


def _watch(reading: int, over: threading.Event, seconds: float) -> None:
    """Wait for a signal: the interpreter writes its number into the pipe immediately."""
    try:
        while numbers := os.read(reading, 64):
            if signal.SIGINT in numbers and not over.wait(seconds):
                os._exit(EXIT_CODE)
    finally:
        os.close(reading)
