"""The report of a run, in Markdown: the medians, and other figures."""

import datetime
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

# (kind of work, candidate, figure) -> the median over the rounds
Median = Callable[[str, str, str], float]


def text(median: Median, runs: Sequence[tuple[str, str]], figures: Sequence[str]) -> str:
    """The report. ``runs`` are pairs of work and candidate."""
    return "\n\n".join([_title(), "\n".join(_medians(median, runs)), *figures])


def _title() -> str:
    return (
        f"acare {version('acare')} with falcon {version('falcon')}, waitress {version('waitress')}, "
        f"SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}; "
        f"{datetime.date.today()}; {_machine()}; a sync of 4 KiB takes {_sync_ms():.2f} ms"
    )


def _medians(median: Median, runs: Sequence[tuple[str, str]]) -> list[str]:
    lines = [
        "| work | server | requests/s | p99 ms |",
        "| --- | --- | --- | --- |",
    ]
    for work, name in runs:
        lines.append(
            f"| {work} | {name} | {median(work, name, 'rate'):.0f} | {median(work, name, 'p99'):.1f} |"
        )
    return lines


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), "?")
    return f"{model}, Linux {platform.release()}, server on one core, load on another"


def _sync_ms() -> float:
    """The median of 100 syncs in the folder for temporary files, where the databases are."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            os.pwrite(file.fileno(), bytes(4096), 0)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)
