"""Readiness: whether the database can be written now."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from acare.database.access import MIN_FREE
from acare.database.log import write_one_page
from acare.errors import StoreUnavailable

#: Nanoseconds for which the result of the write check is reused: each check costs a disk sync.
CHECK_EVERY = 1_000_000_000

#: Seconds that a caller waits while another one runs the write check.
CHECK_WAIT_SECONDS = 1.0


class ReadinessChecks:
    """The checks of one database. ``write`` runs a function in a transaction and commits it."""

    def __init__(
        self,
        path: Path,
        write: Callable[[Callable[[sqlite3.Connection], None]], None],
        clock: Callable[[], int],
    ) -> None:
        """``clock`` returns nanoseconds."""
        self._path = path
        self._write = write
        self._clock = clock
        self._checking = threading.Lock()
        self._write_check: tuple[int, str] | None = None  # when it was made, and its result

    def run_checks(self) -> dict[str, str]:
        """The result of each check, "ok" or the problem: "write" is a small write, "disk" the free space."""
        return {"write": self._check_write(), "disk": self._check_disk()}

    def _check_write(self) -> str:
        """Make a real write: a transaction can begin even if the disk or the quota is full."""
        if not self._checking.acquire(timeout=CHECK_WAIT_SECONDS):
            return "A write has not finished yet."
        try:
            if self._write_check is None or self._clock() - self._write_check[0] >= CHECK_EVERY:
                result = self._try_to_write()
                self._write_check = self._clock(), result  # the time after the write, which may take long
            return self._write_check[1]
        finally:
            self._checking.release()

    def _try_to_write(self) -> str:
        try:
            self._write(write_one_page)
        except (StoreUnavailable, sqlite3.Error) as error:
            return str(error)
        return "ok"

    def _check_disk(self) -> str:
        try:
            free = shutil.disk_usage(self._path.parent).free
        except OSError as error:
            return f"The free space of the disk cannot be read: {error.strerror}."
        return "ok" if free >= MIN_FREE else f"Only {free // 2**20} MiB are free on the disk."
