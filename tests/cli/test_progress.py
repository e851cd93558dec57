"""The progress of long commands."""

import io
import os
import threading
from types import SimpleNamespace

import pytest

from acare.cli import progress
from acare.cli.progress import ProgressLine, describe
from acare.maintenance import backup


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def report_each_second(show, clock, seconds):
    for second in range(seconds + 1):
        clock.now = second
        show("Copying", second, seconds, "B")


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (("Copying", 1_200_000_000, 4_800_000_000, "B", 4.0), "Copying: 1.2 of 4.8 GB (25 %), 12 s left"),
        (("Purging", 5, 10, "versions", 90.0), "Purging: 5 of 10 versions (50 %), 1 min 30 s left"),
        (("Verifying", 1, 4, "", 10.0), "Verifying: 25 %, 30 s left"),
        (("Verifying", 0, 4, "", 10.0), "Verifying: 0 %, unknown time left"),
        (("Purging", 0, 0, "versions", 1.0), "Purging: 0 of 0 versions (100 %), 0 s left"),
    ],
)
def test_a_line_has_the_step_what_is_done_and_the_time_left(report, line):
    assert describe(*report) == line


def test_on_a_terminal_the_line_is_overwritten(clock):
    stream = io.StringIO()
    show = ProgressLine(stream, True, clock)
    report_each_second(show, clock, 5)
    show.clear()
    assert (stream.getvalue().count("\r\x1b[K"), "\n" in stream.getvalue()) == (6, False)


def test_elsewhere_it_is_a_line_every_ten_seconds(clock):
    stream = io.StringIO()
    report_each_second(ProgressLine(stream, False, clock), clock, 25)
    assert stream.getvalue().count("\n") == 2


def test_a_short_step_prints_nothing(clock):
    stream = io.StringIO()
    report_each_second(ProgressLine(stream, False, clock), clock, 3)
    assert stream.getvalue() == ""


def test_quiet_prints_nothing(capsys):
    with progress.shown(SimpleNamespace(quiet=True)) as report:
        report("Copying", 1, 2, "B")
    assert capsys.readouterr().err == ""


def test_a_backup_checks_its_copy_in_the_background(app, tmp_path, monkeypatch):
    """In another thread, since only root can take a thread out of the background again."""
    used, check = [], backup.check_content

    def recording(*arguments):
        used.append((os.sched_getscheduler(0), threading.current_thread() is threading.main_thread()))
        check(*arguments)

    monkeypatch.setattr(backup, "check_content", recording)
    before = os.sched_getscheduler(0)
    backup.back_up(app.database.path, tmp_path / "backups")
    assert (used, os.sched_getscheduler(0)) == ([(os.SCHED_IDLE, False)], before)
