"""Fixtures: a command that runs in process, and agencies with a database and the files that they exchange."""

from typing import NamedTuple

import pytest
from support.importing import Agency

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


@pytest.fixture
def agency(tmp_path):
    return Agency(tmp_path)


@pytest.fixture
def other(tmp_path):
    """An agency without clients."""
    (tmp_path / "other").mkdir()
    return Agency(tmp_path / "other")
