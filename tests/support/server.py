"""Real ``acare`` processes."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from support.data import ALL_SCOPES
from support.keys import new_key
from support.sockets import wait_for

import acare

#: The broker to whom the first key of a server belongs.
FIRST_USER = "broker@localhost"


class RunningServer(NamedTuple):
    """A real ``acare`` process on a free port, its address, and a key."""

    process: subprocess.Popen
    url: str
    key: str | None


def command(*arguments, before=""):
    """The command line of a real ``acare`` that first runs the Python in ``before``."""
    code = f"{before}\nimport sys\nfrom acare.cli import main\nsys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]


@contextmanager
def _started(line, log, stderr=None, **options):
    """The process and what it printed first, which has its address. Killed at the end."""
    with log.open("a") as file:
        options["stderr"] = file if stderr is None else stderr
        process = subprocess.Popen(line, stdout=subprocess.PIPE, **options)
    with process:
        try:
            printed = os.read(process.stdout.fileno(), 65536).decode()  # it is written at once
            assert "http://" in printed, f"it does not start: {log.read_text().splitlines()[-1:]}"
            yield process, printed
        finally:
            process.kill()


@contextmanager
def serving(database, *arguments, before="", prefix=(), log=None, env=None):
    """A real ``acare serve`` on the file; its process and its address.

    ``prefix`` is a command line that runs it; ``log`` is a descriptor for its stderr.
    """
    where = ("--database", database, "--listen", "127.0.0.1:0", "--rate-limit", "off")
    line = [*prefix, *command("serve", *where, *arguments, before=before)]
    with _started(line, database.with_name("server.log"), log, env=env) as (process, printed):
        yield process, re.search(r"http://([^/\s]+)", printed)[1]


@contextmanager
def starter(folder):
    """Yields a function that starts ``acare serve``, or ``acare demo``, with default settings in the folder.

    The first server on the database gets a key.
    """

    def start(*arguments, command="serve", env=None):
        line = [sys.executable, "-m", "acare", command, "--listen", "127.0.0.1:0", *arguments]
        database = folder / "served.db"
        is_new = command == "serve" and not database.exists()
        if command == "serve":
            line += ["--database", database.name]
        env = {**os.environ, "TMPDIR": str(folder), **(env or {})}  # a killed demo leaves a folder
        started = _started(line, folder / "server.log", cwd=folder, env=env)
        process, printed = stack.enter_context(started)
        key = re.search(r"\b[0-9a-f]{64}\b", printed)
        made = make_key(database, FIRST_USER) if is_new else key and key[0]
        return RunningServer(process, re.search(r"http://[^/\s]+", printed)[0], made)

    with ExitStack() as stack:
        yield start


def interrupt_when_it_waits(process, number=signal.SIGINT):
    """Send a signal to a process that is about to read: one just before the read would wait for its end."""
    state = Path(f"/proc/{process.pid}/stat")
    wait_for(lambda: state.read_text().rpartition(") ")[2].startswith("S"))
    process.send_signal(number)


def make_key(database, email="broker@example.com"):
    with acare.create_app(database=database) as app:
        return new_key(app.keys, email, ALL_SCOPES, role="broker").key
