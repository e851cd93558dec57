"""Runs the tests in several processes, which take one file of tests after another.

The processes are forked once the tests are collected, so nothing is imported twice. The first one shows what
the others report. ACARE_TEST_PROCESSES is their number; by default there is one more than there are
processors, since many tests wait, but not more than four. There is only one for less than 1000 tests, with an
option that stops at a failure or shows output, and on systems other than Linux.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import pytest

MANY = 1000  # tests, for which it is worth while
ONE_PROCESS = ("maxfail", "usepdb", "stepwise", "setupshow", "setuponly", "setupplan")  # options

_SET_PDEATHSIG = 1  # of prctl: the signal that tells that the first process is gone


def run(session: pytest.Session) -> bool | None:
    """Run the collected tests, as the hook ``pytest_runtestloop``; None if one process is to do it."""
    config = session.config
    if session.testsfailed or config.option.collectonly or not _is_worth_while(session):
        return None
    count = int(os.environ.get("ACARE_TEST_PROCESSES", min(4, len(os.sched_getaffinity(0)) + 1)))
    if count < 2:
        return None
    # From the last one, so that the short files of tests/api remain when others have nothing left to do.
    files = [list(items) for _, items in groupby(session.items, key=lambda item: item.path)][::-1]
    queue = _queue_of(len(files))
    folder = config._tmp_path_factory.mktemp("reports")  # also creates the folder that all have in common
    helpers = [_Helper(session, files, queue, folder / str(number)) for number in range(1, count)]
    try:
        for item, following in _taken(files, queue):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            for helper in helpers:
                helper.show_reports()
        for helper in helpers:
            helper.finish()
    finally:
        for helper in helpers:
            helper.stop()
        os.close(queue)
    return True


def _is_worth_while(session: pytest.Session) -> bool:
    alone = any(session.config.getoption(name, None) for name in ONE_PROCESS)
    captured = session.config.getoption("capture") == "fd"
    return sys.platform == "linux" and len(session.items) >= MANY and captured and not alone


def _queue_of(count: int) -> int:
    """A pipe with the numbers of the files. A process takes one by reading two bytes."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(number.to_bytes(2, "big") for number in range(count)))
    os.close(writing)
    return reading


def _taken(files: list[list[pytest.Item]], queue: int) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    """The tests that this process takes, each with the one that follows it."""
    previous = None
    while number := os.read(queue, 2):
        for item in files[int.from_bytes(number, "big")]:
            if previous is not None:
                yield previous, item
            previous = item
    if previous is not None:
        yield previous, None


class _Helper:
    """Another process, and what it has reported."""

    def __init__(
        self, session: pytest.Session, files: list[list[pytest.Item]], queue: int, path: Path
    ) -> None:
        self._config, self._status, self._last = session.config, None, "its start"
        with path.open("wb", buffering=0) as reports:
            self._pid = os.fork()
            if self._pid == 0:
                os._exit(_help(session, _taken(files, queue), reports))
        self._reports = path.open("rb")

    def show_reports(self) -> None:
        """Report what it has reported since the last time."""
        hook = self._config.hook
        while (line := self._reports.readline()).endswith(b"\n"):
            report = hook.pytest_report_from_serializable(config=self._config, data=json.loads(line))
            self._last = report.nodeid
            if report.when == "setup":
                hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
            hook.pytest_runtest_logreport(report=report)
            if report.when == "teardown":
                hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
        self._reports.seek(-len(line), os.SEEK_CUR)

    def finish(self) -> None:
        """Show its reports until it has ended."""
        while self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = status if pid else None
            self.show_reports()
            time.sleep(0.01)
        if self._status:
            raise RuntimeError(f"another process of the tests ended with {self._status} after {self._last}")

    def stop(self) -> None:
        if self._status is None:
            os.kill(self._pid, signal.SIGINT)
            os.waitpid(self._pid, 0)
        self._reports.close()


def _help(session: pytest.Session, taken: Iterator[Any], reports: BinaryIO) -> int:
    """In a new process: run tests and report them; the exit code."""
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGINT)
    config, plugins = session.config, session.config.pluginmanager
    plugins.unregister(plugins.getplugin("terminalreporter"))
    capture = plugins.getplugin("capturemanager")
    capture.stop_global_capturing()  # into a file that the processes would share
    capture.start_global_capturing()
    plugins.register(_Reporter(config, reports))
    try:
        for item, following in taken:
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        config._ensure_unconfigure()
    except BaseException as error:
        session._setupstate.teardown_exact(None)
        os.write(2, f"{error!r}\n".encode())
        return 1
    return 0


class _Reporter:
    """A plugin that writes each report as a line."""

    def __init__(self, config: pytest.Config, reports: BinaryIO) -> None:
        self._config, self._reports = config, reports

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        self._reports.write(json.dumps(data, default=str).encode() + b"\n")
