"""The command ``acare`` for shell scripts: a small program that asks this process to fork a warm one."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import warm
from support.nursery import MAX_BYTES

# It passes on its arguments, folder, variables and standard streams, and ends with the exit code.
PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
asked = {{"line": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({address!r})
    socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
    connection.shutdown(socket.SHUT_WR)
    sys.exit(int(connection.recv(9)))
"""


@contextmanager
def relayed(program: Path) -> Iterator[None]:
    """Writes the program, which works until the end of the ``with``."""
    # Not in the folder of the program: the path of a socket has at most 100 characters or so.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        address = f"{folder}/relay"
        program.write_text(PROGRAM.format(python=sys.executable, address=address), encoding="utf-8")
        program.chmod(0o755)
        listener.bind(address)
        listener.listen()
        thread = threading.Thread(target=_answer_all, args=(listener,))
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # ends the thread
            thread.join()


def _answer_all(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            text, streams, _, _ = socket.recv_fds(connection, MAX_BYTES, 3)
            while more := connection.recv(MAX_BYTES):
                text += more
            asked = json.loads(text)
            line = [sys.executable, "-m", "acare", *asked.pop("line")]
            named = dict(zip(("stdin", "stdout", "stderr"), streams, strict=True))
            process = warm.Popen(line, **asked, **named)
            for stream in streams:
                os.close(stream)
            connection.send(str(process.wait()).encode())
