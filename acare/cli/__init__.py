"""The command ``acare``: the only code that prints, reads arguments or exits.

A usage error prints one line and exits with 2, a failure prints one line and exits with 1.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import acare
from acare.cli import backup, demo, export, find, history, import_, keys, openapi, serve, users
from acare.errors import AcareError, SettingError
from acare.store.connection import SQLITE_VERSION
from acare.store.schema import SCHEMA_VERSION


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:  # said by the command's own parser, whose help is the one to read
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ('{self.prog} --help' tells more)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows ASCII alone is enough
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except SettingError as error:
        return _fail(2, error)
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing more is to be flushed into it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AcareError, OSError) as error:
        return _fail(1, error)
    except KeyboardInterrupt:
        return 130


def _fail(code: int, error: Exception) -> int:
    sys.stderr.write(f"acare: {error}\n")
    return code


def _parser() -> Parser:
    parser = Parser(prog="acare", description="The Clients API for real-estate agencies, self-hosted.")
    version = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {SQLITE_VERSION})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (serve, demo, users, keys, find, import_, export, backup, history, openapi):
        command.add_to(commands)
    return parser
