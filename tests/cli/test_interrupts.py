"""Ctrl-C ends every long command within 2 seconds and leaves a valid database and no temporary file."""

import signal
import subprocess
import time

import pytest
from support.files import query
from support.server import command

from acare.database.disk import PREFIX

# Prints a line as soon as the command works, and makes it report often.
BEGUN = """
import time
from acare.cli import output
from acare.database import copying
begun = []
def show(*_):
    begun or begun.append(print("begun", flush=True))
output.silent = show
copying._CALL_STEPS = 500
"""

COMMANDS = [
    ("backup", "backups"),
    ("verify", "BACKUP"),
    ("restore", "BACKUP"),
    ("compact",),
]


@pytest.fixture
def path(tmp_path, template):
    path = tmp_path / "acare.db"
    path.write_bytes(template[0].read_bytes())
    (tmp_path / "backups").mkdir()
    return path


@pytest.fixture
def interrupt(path, template):
    """Interrupts a command when it works: its exit code, and the seconds from the signal to its end."""

    def run(*arguments):
        words = [str(template[1]) if word == "BACKUP" else word for word in arguments]
        where = [] if arguments[0] == "verify" else ["--database", "acare.db"]
        line = command(*words, *where, before=BEGUN)
        with subprocess.Popen(
            line, cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"begun\n"
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            printed = process.communicate(timeout=10)
            assert b"Traceback" not in printed[1]
            return process.returncode, time.monotonic() - began

    return run


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: arguments[0])
def test_an_interrupted_command_ends_and_leaves_nothing(tmp_path, path, interrupt, arguments):
    code, seconds = interrupt(*arguments)
    assert (code, seconds < 5) == (130, True)
    assert query(path, "PRAGMA quick_check") == [("ok",)]
    assert query(path, "SELECT count(*) FROM clients") == [(5000,)]
    left = [file.name for file in tmp_path.rglob("*") if file.is_file() and file.name != "acare.db"]
    assert [name for name in left if name.startswith(PREFIX) or ".db" in name] == []
