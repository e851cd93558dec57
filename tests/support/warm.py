"""Real ``acare`` processes that begin at once: forked from one that has imported everything.

Starting Python and importing acare takes longer than most of what the tests do with a process. ``Popen`` and
``run`` are those of ``subprocess``, for the same command lines; for one that cannot be forked, or on a system
other than Linux, they start an ordinary process.
"""

from __future__ import annotations

import ctypes
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_SET_CHILD_SUBREAPER = 36  # of prctl: who becomes the parent of an orphan
_PARAMETERS = inspect.signature(subprocess.Popen._execute_child)
_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_")  # variables that are read before any of our code runs


class Popen(subprocess.Popen):
    """``subprocess.Popen``, whose Python process is forked instead of started if possible."""

    def _execute_child(self, *given: Any) -> None:
        asked = _PARAMETERS.bind(self, *given).arguments
        if not _can_be_forked(asked):
            super()._execute_child(*given)
            return
        pipes = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        handles = [own if handle == -1 else handle for own, handle in enumerate(pipes)]
        request = {
            "line": [os.fspath(word) for word in asked["args"]][1:],
            "cwd": os.fspath(asked["cwd"] or os.getcwd()),
            "env": dict(os.environ if asked["env"] is None else asked["env"]),
            "start_new_session": asked["start_new_session"],
        }
        self.pid = _nursery_for(request["env"]).fork(request, handles)
        self._child_created = True
        ends = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(asked[name] for name in ends))


def run(
    line: list[Any], *, capture_output: bool = False, timeout: float | None = None, check: bool = False,
    **options: Any,
) -> subprocess.CompletedProcess:  # fmt: skip
    """``subprocess.run`` with such a process."""
    if capture_output:
        options.update(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with Popen(line, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


def _can_be_forked(asked: dict[str, Any]) -> bool:
    args = asked["args"]
    if not (sys.platform == "linux" and isinstance(args, list) and args[0] == sys.executable):
        return False
    if args[1] != "-c" and args[1:3] != ["-m", "acare"]:
        return False
    return not (asked["shell"] or asked["preexec_fn"] or asked["pass_fds"])


def _nursery_for(env: dict[str, str]) -> _Nursery:
    """One that was started with the same variables, as far as they matter at the start."""
    key = frozenset(item for item in env.items() if item[0].startswith(_AT_THE_START))
    with _lock:
        if key not in _nurseries:
            _nurseries[key] = _Nursery(env)
        return _nurseries[key]


def stop() -> None:
    """End the processes that others are forked from."""
    while _nurseries:
        _nurseries.popitem()[1].stop()


class _Nursery:
    """A process that others are forked from."""

    def __init__(self, env: dict[str, str]) -> None:
        self._lock = threading.Lock()
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            code = Path(__file__).with_name("nursery.py").read_text(encoding="utf-8")
            line = [sys.executable, "-c", code, str(theirs.fileno())]
            nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
            self._process = subprocess.Popen(line, pass_fds=[theirs.fileno()], env=env, **nothing)

    def fork(self, request: dict[str, Any], handles: list[int]) -> int:
        """The id of a new process, which is a child of this one."""
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(request).encode()], handles)
            return int(self._socket.recv(20))

    def stop(self) -> None:
        self._socket.close()
        self._process.wait(timeout=30)


_lock = threading.Lock()
_nurseries: dict[frozenset[tuple[str, str]], _Nursery] = {}
