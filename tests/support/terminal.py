"""A command on a terminal."""

import os
import pty
import re
import subprocess
from contextlib import contextmanager, suppress

from support.server import command
from support.sockets import wait_for


class Terminal:
    """A real ``acare`` process whose standard streams are a terminal, and what it has shown so far."""

    def __init__(self, process, handle):
        self.process, self._handle, self.shown = process, handle, ""

    def wait_for(self, pattern):
        """The match in the complete output; fails if it takes too long."""
        wait_for(lambda: re.search(pattern, self._read()), 20)
        return re.search(pattern, self.shown)

    def type(self, text):
        os.write(self._handle, text.encode())

    def _read(self):
        with suppress(OSError):  # there is nothing more for now, or the other side is closed
            while text := os.read(self._handle, 65536).decode():
                self.shown += text
        return self.shown


@contextmanager
def on_terminal(folder, *arguments):
    """Run a command; killed at the end."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command(*arguments), cwd=folder, start_new_session=True, **streams) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)
