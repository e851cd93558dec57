"""A command that runs in process, and a database in which commands work for a while."""

import pytest
from support import command
from support.backups import back_up, fill


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on acare.db in this test's folder; ``status`` is its expected exit code."""
    monkeypatch.setenv("ACARE_DATABASE", str(tmp_path / "acare.db"))

    def run(*arguments, status=0):
        ended = command.run(*arguments)
        assert ended.code == status, ended
        return ended

    return run


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """A database of 5,000 clients, and its backup."""
    folder = tmp_path_factory.mktemp("large")
    fill(folder / "acare.db", *(f"Client {n}" for n in range(5000)))
    return folder / "acare.db", back_up(folder / "acare.db", folder / "made")
