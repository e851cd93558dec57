"""A command that runs in process."""

import pytest
from support import command


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on acare.db in this test's folder; ``status`` is its expected exit code."""
    monkeypatch.setenv("ACARE_DATABASE", str(tmp_path / "acare.db"))

    def run(*arguments, status=0):
        ended = command.run(*arguments)
        assert ended.code == status, ended
        return ended

    return run
