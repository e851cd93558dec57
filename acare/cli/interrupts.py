"""Ctrl-C ends a command quickly, even while SQLite is busy."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

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
    watch = _Watch(reading, seconds)
    threading.Thread(target=watch.run, daemon=True).start()
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # else it is ignored, as in the background of a script
        signal.signal(signal.SIGINT, watch.interrupt)
    try:
        yield
    finally:
        if handler is signal.default_int_handler:
            signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(before)
        watch.over.set()
        os.close(writing)  # ends the thread


class _Watch:
    """Waits in a thread for Ctrl-C. The interpreter writes the numbers of signals into a pipe at once."""

    def __init__(self, reading: int, seconds: float) -> None:
        self.over = threading.Event()
        self._held = threading.Event()
        self._reading, self._seconds = reading, seconds

    def run(self) -> None:
        try:
            while numbers := os.read(self._reading, 64):
                if signal.SIGINT in numbers:
                    if not self._held.is_set():
                        with suppress(OSError):  # no process can be made: then it takes longer
                            _hold_files()
                        self._held.set()
                    if not self.over.wait(self._seconds):
                        os._exit(EXIT_CODE)
        finally:
            os.close(self._reading)

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT, in the main thread."""
        self._held.wait(self._seconds)
        signal.default_int_handler(number, frame)


def _hold_files() -> None:
    """Let a child keep all files open until this process has ended.

    A file is freed when the last process closes it. That takes a quarter of a second for each GB, and it
    cannot be interrupted: so the child does it.
    """
    parent = os.getpid()
    if os.fork() != 0:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.closerange(0, 3)  # so that a pipe ends with this process
    while os.getppid() == parent:
        time.sleep(0.05)
    os._exit(0)
