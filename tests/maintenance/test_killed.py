"""Backups and restores that are killed before any change of a name."""

import subprocess
import sys

import pytest
from support.backups import back_up, fill, leave_log, names

from acare.database.database import Database
from acare.maintenance.backup import verify

# Runs the command in copies of a folder; it is killed before the first change of a name, the second, ...
CUT_OFF = """
import os, shutil, sys
from pathlib import Path
from acare.maintenance.backup import back_up
from acare.maintenance.restore import restore

template, where, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
step = 0
while True:
    folder = where / str(step)
    shutil.copytree(template, folder)
    child = os.fork()
    if child == 0:
        left = step

        def cut_off(event, arguments):
            global left
            if event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate"):
                left -= 1
                if left < 0:
                    os._exit(9)

        sys.addaudithook(cut_off)
        if what == "restore":
            restore(next((folder / "backups").glob("*.db")), folder / "acare.db")
        else:
            back_up(folder / "acare.db", folder / "backups", keep=1)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    step += 1
"""


@pytest.fixture
def template(tmp_path):
    (tmp_path / "template" / "backups").mkdir(parents=True)
    return tmp_path / "template"


@pytest.fixture
def cut_off(tmp_path, template):
    def run(what):
        where = tmp_path / "steps"
        where.mkdir()
        subprocess.run([sys.executable, "-c", CUT_OFF, template, where, what], check=True)
        return sorted(where.iterdir(), key=lambda step: int(step.name))

    return run


def test_a_killed_backup_is_complete_or_absent(template, cut_off):
    fill(template / "acare.db", "Ana")
    back_up(template / "acare.db", template / "backups")
    steps = cut_off("backup")
    backups = [[verify(backup) for backup in step.glob("backups/acare*.db")] for step in steps]
    assert (backups[0], backups[-1], len(steps) > 3) == ([1], [1], True)
    assert all(1 <= len(found) <= 2 for found in backups)


def test_a_killed_restore_leaves_the_old_or_the_new(template, cut_off):
    """Each can be opened, also while the old database has its second name."""
    fill(template / "acare.db", "New")
    back_up(template / "acare.db", template / "backups")
    (template / "acare.db").unlink()
    leave_log(template / "acare.db", "Old")
    files = [step / "acare.db" for step in cut_off("restore")]
    assert max(file.stat().st_nlink for file in files) == 2
    for file in files:
        Database(file).close()
    steps = [names(file) for file in files]
    assert (steps[0], steps[-1]) == (["Old"], ["New"])
    assert steps == sorted(steps, reverse=True)
