"""Fixtures: a command that runs in process, and a backup that a test may change."""

import errno
import os
import shutil

import pytest
from support import command
from support.backups import back_up, fill

from acare.database.file import checksum_file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "acare.db"


@pytest.fixture
def folder(tmp_path):
    """The folder for backups, which does not exist yet."""
    return tmp_path / "backups"


@pytest.fixture
def run(path):
    """Runs a command on the database at ``path``: its exit code and what it printed."""

    def run_it(name, *arguments, database=path):
        where = [] if name == "verify" else ["--database", str(database)]
        return command.run(name, *arguments, *where)

    return run_it


@pytest.fixture(scope="session")
def intact(tmp_path_factory):
    """A backup of 20 clients."""
    folder = tmp_path_factory.mktemp("intact")
    fill(folder / "acare.db", *(f"Client {n}" for n in range(20)))
    return back_up(folder / "acare.db", folder)


@pytest.fixture
def backup(intact, tmp_path):
    """A backup that a test may change."""
    backup = tmp_path / "mine" / intact.name
    backup.parent.mkdir()
    shutil.copyfile(intact, backup)
    shutil.copyfile(checksum_file(intact), checksum_file(backup))
    return backup


@pytest.fixture
def fail(monkeypatch):
    """Lets the last of so many calls of a function of ``os`` fail: there is no room."""

    def fail_at(name, times):
        real, calls = getattr(os, name), []

        def call(*arguments):
            calls.append(arguments)
            if len(calls) == times:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)

        monkeypatch.setattr(os, name, call)

    return fail_at


@pytest.fixture
def synced(monkeypatch):
    """The inodes of the files and folders that were synced."""
    synced, fsync = set(), os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.add(os.fstat(handle).st_ino) or fsync(handle))
    return synced


@pytest.fixture
def renamed(monkeypatch, synced):
    """Whether each file that was renamed had been synced."""
    renamed, replace = [], os.replace

    def note(source, target):
        renamed.append(os.stat(source).st_ino in synced)
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    return renamed
