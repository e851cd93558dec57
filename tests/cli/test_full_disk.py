"""Commands where a quota is used up, as on a full disk: one line says so, and nothing is harmed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.files import query
from support.server import command

ROOM = 64 * 1024  # bytes that are left


@pytest.fixture
def folder(tmp_path, template):
    """A folder with a database, and a file to import."""
    shutil.copy(template[0], tmp_path / "acare.db")
    (tmp_path / "backups").mkdir()
    rows = (f"A{number},B,buyer,c{number}@b\n" for number in range(3000))
    (tmp_path / "in.csv").write_text("first_name,last_name,client_type,email\n" + "".join(rows))
    return tmp_path


@pytest.fixture
def limited(folder, template):
    """Runs a command: its exit code, and what it prints on stderr. No file may grow beyond ``room``."""
    ((client_id,),) = query(template[0], "SELECT id FROM clients LIMIT 1")
    words = {"CLIENT_ID": client_id, "BACKUP": str(template[1])}

    def limited(*arguments, room=None):
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))"
        line = command(*[words.get(word, word) for word in arguments], before=limit if room else "")
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    return limited


def content(folder):
    """The intact content of the database, and the names of the files next to it."""
    database = folder / "acare.db"
    assert query(database, "PRAGMA integrity_check") == [("ok",)]
    clients = query(database, "SELECT seq, json FROM clients ORDER BY seq")
    versions = query(database, "SELECT client_id, version FROM client_history")
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return clients, versions, files - {Path("acare.db-wal"), Path("acare.db-shm")}


FAILING = [
    (("restore", "BACKUP"), "acare.db: .*; it was not changed"),
    (("compact",), "acare.db: .*changed"),
    (("erase", "--yes", "CLIENT_ID"), "acare.db: The disk"),
    (("export", "clients.jsonl"), "clients.jsonl: File too large"),
    (("import", "in.csv", "--user", "ana@example.com"), "acare.db: The disk"),
]


@pytest.mark.parametrize(("arguments", "message"), FAILING, ids=[" ".join(each[0]) for each in FAILING])
def test_on_a_full_disk_a_command_fails_and_changes_nothing(limited, folder, arguments, message):
    before = content(folder)
    code, printed = limited(*arguments, room=ROOM)
    *_, line = printed.splitlines()
    assert (code, "Traceback" in printed, line.startswith("acare: ")) == (1, False, True)
    assert re.search(message, line)
    assert content(folder) == before
