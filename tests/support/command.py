"""Runs ``acare`` commands in process; ``command`` in server.py runs a real process."""

import io
import logging
import re
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from acare.cli import main


class Ended(NamedTuple):
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str

    def is_refusal(self) -> bool:
        """Exit code 1, and one line on stderr."""
        return (self.code, self.out, bool(re.fullmatch(r"acare: [^\n]+\n", self.err))) == (1, "", True)


def run(*arguments: object, cwd: Path | None = None) -> Ended:
    """Run the command with these arguments."""
    out, err = _stream(), _stream()
    root = logging.getLogger()
    with ExitStack() as stack:
        # Without the handlers of pytest, which would keep a command from setting up its log.
        stack.enter_context(mock.patch.object(root, "handlers", []))
        stack.callback(root.setLevel, root.level)
        stack.enter_context(chdir(cwd or "."))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        code = _exit_code([str(argument) for argument in arguments])
    return Ended(code, _text(out), _text(err))


def _exit_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:  # a usage error, or --help
        return int(end.code or 0)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
