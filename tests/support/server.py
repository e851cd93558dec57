"""Real ``acare`` processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import acare
from acare.cli.serve import FIRST_USER
from acare.database.database import Database
from acare.store.keys import KeyStore


class RunningServer:
    """A real ``acare`` process on a free port, with its output and address."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, key: str | None, printed: str) -> None:
        self.process, self.url, self.key, self.printed = process, url, key, printed


@contextmanager
def starter(folder: Path) -> Iterator[Callable[..., RunningServer]]:
    """Yields a function that starts ``acare serve`` (or another command) and waits for its address."""
    log = folder / "server.log"
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str, command: str = "serve", env: dict[str, str] | None = None) -> RunningServer:
        where = [] if command == "demo" or "--database" in arguments else ["--database", "served.db"]
        with log.open("a") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "acare", command, "--listen", "127.0.0.1:0", *where, *arguments],
                cwd=folder,
                env={**os.environ, **(env or {})},
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        started.append(process)
        assert process.stdout is not None
        printed = os.read(process.stdout.fileno(), 65536).decode()  # it is written at once
        url = re.search(r"http://[^/\s]+", printed)
        assert url, f"no address in {printed!r}; its log: {log.read_text()}"
        key = re.search(r"\b[0-9a-f]{64}\b", printed)
        made = _make_first_key(folder, arguments, env or {}) if command == "serve" else None
        return RunningServer(process, url[0], key[0] if key else made, printed)

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _make_first_key(folder: Path, arguments: tuple[str, ...], env: dict[str, str]) -> str | None:
    """A key like the one that the first start shows on a terminal; None if the database has one."""
    named = arguments[arguments.index("--database") + 1] if "--database" in arguments else "served.db"
    with closing(Database(folder / env.get("ACARE_DATABASE", named))) as database:
        keys = KeyStore(database)
        if keys.any():
            return None
        return keys.create(FIRST_USER, {"all": ["read", "write"]}, role="broker", name="first key").key


def command(*arguments, before=""):
    """The command line of a real ``acare`` that first runs the Python in ``before``."""
    code = f"{before}\nimport sys\nfrom acare.cli import main\nsys.exit(main())"
    return [sys.executable, "-c", code, *map(str, arguments)]


@contextmanager
def serving(database, *arguments, before="", prefix=(), log=None, env=None):
    """A real ``acare serve`` on the file; its process and its address. Killed at the end.

    ``prefix`` is a command line that runs it; ``log`` is a descriptor for its stderr.
    """
    where = ("--database", database, "--listen", "127.0.0.1:0", "--rate-limit", "off")
    line = [*prefix, *command("serve", *where, *arguments, before=before)]
    path = database.with_name("server.log")
    with (
        path.open("a") as file,
        subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=file if log is None else log, env=env
        ) as process,
    ):
        try:
            address = re.search(r"http://([^/\s]+)", process.stdout.readline().decode())
            assert address, f"it does not start: {path.read_text().splitlines()[-1:]}"
            yield process, address[1]
        finally:
            process.kill()


def _started(line, stderr, env):
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=stderr, env=env)


@contextmanager
def begun(*arguments):
    """A real ``acare`` that is about to run the command, with all modules imported."""
    line = command(*arguments, before="import acare.cli; print('begins', flush=True)")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout.readline() == b"begins\n"
            yield process
        finally:
            process.kill()


def make_key(database):
    with acare.create_app(database=database) as app:
        return app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key
