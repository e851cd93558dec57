"""The process that those of ``warm.py`` are forked from.

It reads requests, and has imported what they need. Each is forked twice, so that the new process becomes a
child of the tests; it then does what Python does with such a command line.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import socket
import sys
import time
from contextlib import suppress
from typing import Any

MAX_BYTES = 1 << 20  # bytes of a request


def wait_for_request(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """In a new process: its request, and its stdin, stdout and stderr. Ends when the tests do."""
    while True:
        text, handles, _, _ = socket.recv_fds(requests, MAX_BYTES, 3)
        if not text:
            sys.exit()
        reading, writing = os.pipe()
        middle = os.fork()
        if middle == 0:
            child = os.fork()
            if child == 0:
                os.close(reading)
                os.close(writing)
                requests.close()
                return json.loads(text), handles
            os.write(writing, str(child).encode())
            os._exit(0)
        os.waitpid(middle, 0)  # from here on the new process is a child of the tests
        requests.send(os.read(reading, 20))
        for handle in (reading, writing, *handles):
            os.close(handle)


def become(request: dict[str, Any], handles: list[int]) -> None:
    """Be as a process that was just started."""
    for target, handle in enumerate(handles):
        os.dup2(handle, target)
    for handle in handles:
        os.close(handle)
    if request["start_new_session"]:
        os.setsid()
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        old = getattr(sys, name)
        raw = old.fileno()
        new = open(raw, mode, encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115
        new.reconfigure(line_buffering=name == "stderr" or new.isatty())
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)


def execute(line: list[str]) -> None:
    """Do what Python does with ``-c CODE ...`` or ``-m MODULE ...``."""
    kind, what, *arguments = line
    sys.path[0] = "" if kind == "-c" else os.getcwd()
    sys.argv = [kind, *arguments]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        module = type(sys)("__main__")
        sys.modules["__main__"] = module
        exec(compile(what, "<string>", "exec"), module.__dict__)


class _End:
    """Ends the process once all else is done, with its exit code if it has one.

    Python would clear every module, and by that copy the memory that is shared: most of the time that a short
    command takes here.
    """

    code: object = None

    def __call__(self) -> None:
        if isinstance(self.code, int):
            with suppress(Exception):  # Python reports it in its own way
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(self.code)


if __name__ == "__main__":
    atexit.register(end := _End())  # first, so that it is called last

    from acare.cli import _parser

    _parser()  # imports the modules of all commands

    gc.freeze()  # what is there now is not copied when a garbage collection looks at it
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        request, handles = wait_for_request(requests)
    become(request, handles)
    try:
        execute(request["line"])
        end.code = 0
    except SystemExit as exit_:
        end.code = exit_.code
        raise
