"""Free space on disks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: Free bytes on the disk below which acare is not ready: the log and a checkpoint need some room.
MIN_FREE = 16 * 1024 * 1024


def size_text(count: int) -> str:
    """Bytes as text: ``1.5 MiB``, ``71.5 GiB``."""
    return f"{count / 2**20:.1f} MiB" if count < 2**30 else f"{count / 2**30:.1f} GiB"


def explain_space(path: Path) -> str:
    """A clause for an error if the disk of a file or folder is nearly full, otherwise empty.

    SQLite calls it a "disk I/O error" if there is no room for a log.
    """
    folder = path if path.is_dir() else Path(os.path.realpath(path)).parent  # resolve() raises in a loop
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"; only {size_text(free)} are free on the disk of {folder}" if free < MIN_FREE else ""
