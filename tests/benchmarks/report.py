"""The report of a run, in Markdown: the medians, and the ratios with their bars."""

import datetime
import platform
import sqlite3
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

#: Kind of work, candidate to compare with, and the minimum ratio of the rates.
BARS = [
    ("get", "Falcon on waitress", 1.0),
    ("get", "PocketBase", 4.0),
    ("list of 25", "Falcon on waitress", 0.65),
    ("list of 25", "PocketBase", 13.0),
    ("list of 100", "PocketBase", 18.0),
    ("create", "PocketBase", 2.6),
    ("update", "PocketBase", 2.8),
    ("4 reads, 1 write", "PocketBase", 2.7),
]

#: Kind of work, and the latency of acare that must not exceed PocketBase's.
LATENCY_BARS = [("create", "worst"), ("4 reads, 1 write", "p99")]

FIGURES = ("rate", "p50", "p99", "worst")

# (kind of work, candidate, figure) -> the median over the rounds
Median = Callable[[str, str, str], float]


def text(median: Median, runs: Sequence[tuple[str, str]], extra: Sequence[str]) -> str:
    """The report. ``runs`` are pairs of work and candidate, ``extra`` further rows of ratios."""
    ratios = [*_ratios(median, runs), *extra]
    parts = [
        _title(),
        "\n".join(_medians(median, runs)),
        "\n".join(["| ratio of medians | measured | bar | met |", "| --- | --- | --- | --- |", *ratios]),
    ]
    return "\n\n".join(parts)


def row(what: str, ratio: float, bar: float, maximum: bool = False) -> str:
    """A row of the table of ratios; the bar is a minimum, or a ``maximum``."""
    met = ratio <= bar if maximum else ratio >= bar
    return f"| {what} | {ratio:.2f} | {'≤' if maximum else '≥'} {bar} | {'yes' if met else '**no**'} |"


def _title() -> str:
    return (
        f"acare {version('acare')} with falcon {version('falcon')}, waitress {version('waitress')}, "
        f"SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}; "
        f"{datetime.date.today()}; {_machine()}"
    )


def _medians(median: Median, runs: Sequence[tuple[str, str]]) -> list[str]:
    lines = [
        "| work | server | requests/s | p50 ms | p99 ms | worst ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for work, name in runs:
        rate, p50, p99, worst = (median(work, name, figure) for figure in FIGURES)
        lines.append(f"| {work} | {name} | {rate:.0f} | {p50:.1f} | {p99:.1f} | {worst:.1f} |")
    return lines


def _ratios(median: Median, runs: Sequence[tuple[str, str]]) -> list[str]:
    rows = []
    for work, against, bar in BARS:
        if (work, "acare") in runs:
            ratio = median(work, "acare", "rate") / median(work, against, "rate")
            rows.append(row(f"{work}, against {against}", ratio, bar))
    for work, figure in LATENCY_BARS:
        if (work, "acare") in runs:
            ratio = median(work, "acare", figure) / median(work, "PocketBase", figure)
            rows.append(row(f"{work}, {figure} latency against PocketBase", ratio, 1.0, maximum=True))
    return rows


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in info.splitlines() if "model name" in line), "?")
    return f"{model}, server on one core, load on another"
