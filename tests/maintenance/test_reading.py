"""Commands that only read change no file, and a backup is only read."""

import os
import subprocess

import pytest
from support import command, old_schema, server
from support.backups import fill, leave_log, sign
from support.data import UNKNOWN_ID
from support.files import contents

import acare
from acare.errors import DatabaseRefused

USER = "ana@example.com"
READING = [
    "find Client --deleted", f"history {UNKNOWN_ID}", "export", "key list", "user list",
    f"erase {UNKNOWN_ID}", f"import in.csv --user {USER} --dry-run",
]  # fmt: skip
WRITING = [
    "user add new@example.com", f"user disable {USER}", f"key create --user {USER}", "compact",
    f"key revoke {UNKNOWN_ID}", f"handover --from {USER} --to {USER}",
    f"erase {UNKNOWN_ID} --yes", "purge --keep-days 1", f"import in.csv --user {USER}", "restore mine/2.db",
]  # fmt: skip


@pytest.fixture
def execute(tmp_path):
    """Runs a command on a database: how it ended, and whether it changed a file in the folder."""
    (tmp_path / "in.csv").write_text("first_name,last_name,client_type\nZoë,Sørensen,buyer\n")

    def execute(line, database):
        before = contents(database.parent)
        ended = command.run(*line.split(), "--database", database, cwd=tmp_path)
        return ended, contents(database.parent) != before

    return execute


FILES = {
    "closed": lambda path: fill(path, "Client 1"),
    "a backup with a log": lambda path: (leave_log(path, "Client 1"), sign(path)),
    "of an older schema": lambda path: old_schema.write_to(path),
}


@pytest.mark.parametrize("line", READING)
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_a_command_that_reads_changes_no_file(execute, tmp_path, line, make):
    database = tmp_path / "files" / "acare.db"
    database.parent.mkdir()
    make(database)
    ended, is_changed = execute(line, database)
    assert (ended.code, is_changed) == (int(UNKNOWN_ID in line), False)


@pytest.mark.parametrize("line", WRITING)
def test_a_command_that_writes_refuses_a_backup(execute, backup, line):
    (backup.parent / "2.db").write_bytes(backup.read_bytes())
    ended, is_changed = execute(line, backup)
    assert (ended.is_refusal(), is_changed) == (True, False)
    assert ": a backup, since its checksum" in ended.err
    with pytest.raises(DatabaseRefused, match=": a backup, since its checksum"):
        acare.create_app(database=backup)


def test_the_log_and_files_of_older_schemas_are_read(run, path):
    leave_log(path, "In the log")
    assert "In the log" in run("find", "log").out
    old_schema.write_to(path)
    client = old_schema.answers()["lists"][old_schema.BROKER[0]]["clients"][0]
    path.with_name("acare.db-wal").unlink()
    assert client["id"] in run("find", client["last_name"]).out


@pytest.mark.parametrize("what", ["folder", "file with a log"])
def test_a_file_that_cannot_be_written_is_read_and_verified(path, tmp_path_factory, what):
    (leave_log if "log" in what else fill)(path, "Ana")  # SQLite would create a log next to a closed file
    lines = [f"backup {tmp_path_factory.mktemp('backups')} --database", "find --database"]
    if "log" not in what:
        sign(path)
        lines.append("verify")
    (path.parent if what == "folder" else path).chmod(0o500)
    before = contents(path.parent)
    bound = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []  # root ignores modes
    for line in lines:
        subprocess.run([*bound, *server.command(*line.split(), path)], check=True)
    assert contents(path.parent) == before
