"""Temporary files: a killed process leaves them, and they are removed when they are a day old."""

import os
import time

import pytest

from acare.database.access import copy_owner
from acare.database.database import Database
from acare.database.temporary import MAX_AGE, PREFIX
from acare.maintenance.backup import back_up


@pytest.mark.parametrize("what", ["start", "backup"])
def test_old_temporary_files_are_removed(tmp_path, what):
    Database(tmp_path / "acare.db").close()
    for name, age in (("old", MAX_AGE + 60), ("old-journal", MAX_AGE + 60), ("new", MAX_AGE - 60)):
        (tmp_path / f"{PREFIX}{name}").write_bytes(b"a client")
        os.utime(tmp_path / f"{PREFIX}{name}", (time.time() - age,) * 2)
    if what == "start":
        Database(tmp_path / "acare.db").close()
    else:
        back_up(tmp_path / "acare.db", tmp_path)
    assert [each.name for each in tmp_path.glob(f"{PREFIX}*")] == [f"{PREFIX}new"]


def test_an_owner_is_not_copied_through_a_link(tmp_path, monkeypatch):
    """The user of the folder could make root give them any file."""
    changed, source = [], os.stat_result(range(10))  # of user 4, group 5
    monkeypatch.setattr(os, "chown", lambda path, *owner, **options: changed.append((path, owner, options)))
    target = tmp_path / "link"
    target.symlink_to("/etc/passwd")
    copy_owner(source, target)
    assert changed == [(target, (4, 5), {"follow_symlinks": False})]
