"""Temporary files: a killed process leaves them, and the next one removes them."""

import os
import signal
import subprocess
import sys

import pytest

from acare.database.database import Database
from acare.database.temporary import PREFIX, make_folder, remove_leftovers, temporary
from acare.maintenance.backup import back_up

# Begins a temporary file as a backup does, and waits.
BEGIN = """
import sys, time
from pathlib import Path
from acare.database.temporary import temporary
with temporary(Path(sys.argv[1])) as path:
    path.write_bytes(b"a client")
    path.with_name(path.name + "-journal").write_bytes(b"a client")
    print("begun", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def begin(tmp_path):
    """Starts a process that has a temporary file in the folder."""
    started = []

    def start():
        line = [sys.executable, "-c", BEGIN, tmp_path / "acare.db"]
        started.append(subprocess.Popen(line, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"begun\n"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def temporaries(folder):
    return [each.name for each in folder.iterdir() if each.name.startswith(PREFIX)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("what", ["start", "backup"])
def test_the_next_process_removes_the_files_of_a_killed_one(tmp_path, begin, number, what):
    Database(tmp_path / "acare.db").close()
    process = begin()
    process.send_signal(number)
    process.wait()
    assert len(temporaries(tmp_path)) == 3
    if what == "start":
        Database(tmp_path / "acare.db").close()
    else:
        back_up(tmp_path / "acare.db", tmp_path)
    assert temporaries(tmp_path) == []


def test_the_files_of_a_live_process_are_kept(tmp_path, begin):
    begin()
    remove_leftovers(tmp_path)
    assert len(temporaries(tmp_path)) == 3


def test_a_finished_process_leaves_no_file(tmp_path):
    with temporary(tmp_path / "acare.db") as path:
        os.replace(path, tmp_path / "acare.db")
    assert [each.name for each in tmp_path.iterdir()] == ["acare.db"]


def test_each_new_folder_is_synced_in_the_one_above(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "a").stat().st_ino]
