"""Commands on a full disk, or where a quota is used up: one line says so, and nothing is harmed."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks import large
from support.server import command

from acare.maintenance.backup import back_up

CLIENTS = 900
ROOM = 64 * 1024  # bytes that are left


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A database and its backup."""
    folder = tmp_path_factory.mktemp("large")
    large.make(folder / "acare.db", CLIENTS)
    return folder / "acare.db", back_up(folder / "acare.db", folder / "made")


class FullDisk:
    """A file system of its own, with little room."""

    def __init__(self, folder):
        self.folder, self.limit = folder, ""

    def fill(self, room=ROOM):
        with (self.folder / "ballast").open("wb") as ballast:
            ballast.write(bytes(shutil.disk_usage(self.folder).free - room))

    def empty(self):
        (self.folder / "ballast").unlink()


class Quota(FullDisk):
    """The same without a file system: no file may be written beyond its first bytes."""

    def fill(self, room=ROOM):
        self.limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"

    def empty(self):
        self.limit = ""


@pytest.fixture(params=["full disk", "quota"])
def disk(request, tmp_path, template):
    """A disk with a database, to be filled. Where this user may not mount one, there is a quota twice."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = request.param == "full disk" and mount(folder)
    shutil.copy(template[0], folder / "acare.db")
    yield FullDisk(folder) if mounted else Quota(folder)
    if mounted:
        subprocess.run(["umount", folder], check=True)


def mount(folder):
    try:
        line = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]
        return subprocess.run(line, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def run(disk, template, *arguments):
    """The command's exit code, and what it prints on stderr."""
    with closing(sqlite3.connect(template[0])) as connection:
        (client_id,) = connection.execute("SELECT id FROM clients").fetchone()
    words = {"CLIENT_ID": client_id, "BACKUP": str(template[1])}
    line = command(*[words.get(word, word) for word in arguments], before=disk.limit)
    done = subprocess.run(line, cwd=disk.folder, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def content(folder):
    """The intact content of the database, and the names of the files next to it."""
    with closing(sqlite3.connect(folder / "acare.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        clients = connection.execute("SELECT seq, json FROM clients ORDER BY seq").fetchall()
        keys = connection.execute("SELECT id FROM api_keys").fetchall()
        versions = connection.execute("SELECT client_id, version FROM client_history").fetchall()
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return clients, keys, versions, files - {Path("ballast"), Path("acare.db-wal"), Path("acare.db-shm")}


FAILING = [
    (("backup", "backups"), "acare.db: no backup was made"),
    (("restore", "BACKUP"), "acare.db: .*; it was not changed"),
    (("restore", "BACKUP", "--database", "other.db"), "other.db: .*; it was not changed"),
    (("compact",), "acare.db: .*changed"),
    (("erase", "CLIENT_ID"), "acare.db: .* Nothing was changed"),
    (("export", "clients.jsonl"), "clients.jsonl: not written"),
]


@pytest.mark.parametrize(("arguments", "message"), FAILING, ids=[" ".join(each[0]) for each in FAILING])
def test_on_a_full_disk_a_command_fails_and_changes_nothing(disk, template, arguments, message):
    before = content(disk.folder)
    disk.fill()
    code, printed = run(disk, template, *arguments)
    *_, line = printed.splitlines()
    assert (code, "Traceback" in printed, line.startswith("acare: ")) == (1, False, True)
    assert re.search(message, line)
    disk.empty()
    assert content(disk.folder) == before


def test_a_purge_goes_on_when_there_is_room(disk, template):
    before = content(disk.folder)
    disk.fill()
    code, printed = run(disk, template, "purge", "--older-than", "1")
    assert (code, printed.count("\n")) == (1, 1)
    assert "What was done before stays done, and the same command does the rest" in printed
    disk.empty()
    clients, _, versions, _ = content(disk.folder)
    assert (clients, versions != []) == (before[0], True)
    assert run(disk, template, "purge", "--older-than", "1")[0] == 0
    assert content(disk.folder)[2] == []


def test_an_erasure_without_room_for_the_index_changes_nothing(disk, template):
    """There is room for the deletion alone, and not for a search index without the words."""
    disk.fill(room=ROOM * 5)
    code, printed = run(disk, template, "erase", "CLIENT_ID")
    assert (code, "Nothing was changed" in printed) == (1, True)
    disk.empty()
    assert len(content(disk.folder)[0]) == CLIENTS


def test_a_restore_with_room_for_the_copy_alone_changes_nothing(disk, template):
    """What was erased since is erased again in the copy, which takes a log and new pages."""
    assert run(disk, template, "erase", "CLIENT_ID")[0] == 0
    before = content(disk.folder)
    disk.fill(room=template[1].stat().st_size + 4096)
    code, printed = run(disk, template, "restore", "BACKUP")
    assert (code, printed.count("\n"), "acare.db: " in printed) == (1, 1, True)
    assert "it was not changed" in printed
    disk.empty()
    assert content(disk.folder) == before
