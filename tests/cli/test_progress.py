"""The progress of long commands."""

from types import SimpleNamespace

import pytest

from acare.cli import progress
from acare.cli.progress import describe


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (("Copying", 1_200_000_000, 4_800_000_000, "B", 4.0), "Copying: 1.2 of 4.8 GB, 4 s"),
        (("Purging", 5, 10, "versions", 90.0), "Purging: 5 of 10 versions, 90 s"),
        (("Importing", 1, 3, "", 1.0), "Importing: 33 %, 1 s"),
        (("Verifying", 0, 0, "", 10.4), "Verifying: 10 s"),
    ],
)
def test_a_line_has_the_step_what_is_done_and_the_time(step, line):
    assert describe(*step) == line


@pytest.mark.parametrize(("is_terminal", "quiet"), [(True, False), (False, False), (True, True)])
def test_progress_is_shown_on_a_terminal_unless_quiet(capsys, monkeypatch, is_terminal, quiet):
    monkeypatch.setattr(progress, "SECONDS", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    with progress.shown(SimpleNamespace(quiet=quiet)) as show:
        show("Copying", 1, 2, "rows")
        show("Copying", 2, 2, "rows")
    drawn = "\r\x1b[KCopying: 1 of 2 rows, 0 s\r\x1b[KCopying: 2 of 2 rows, 0 s\r\x1b[K"
    assert capsys.readouterr().err == (drawn if is_terminal and not quiet else "")
