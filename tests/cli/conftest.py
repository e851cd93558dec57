"""A command that runs in process."""

from typing import NamedTuple

import pytest

from acare.cli import main


class Printed(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command on acare.db in this test's folder; ``status`` is its expected exit code."""
    monkeypatch.setenv("ACARE_DATABASE", str(tmp_path / "acare.db"))

    def run(*arguments, status=0):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as end:
            code = end.code
        printed = Printed(code, *capsys.readouterr())
        assert code == status, printed
        return printed

    return run
