"""The command ``acare``: the only code that prints, reads arguments or exits.

A usage error prints one line and exits with 2, a failure prints one line and exits with 1.
"""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import acare
from acare.cli import clients, import_, maintenance, serve, users
from acare.cli.options import Commands
from acare.cli.output import print_error, printable
from acare.database.connection import SQLITE_VERSION
from acare.database.schema import SCHEMA_VERSION
from acare.errors import AcareError, SettingError


class CommandParser(argparse.ArgumentParser):
    """Reports an error in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # an abbreviation would break with a new flag

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}; see '{self.prog} --help'\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:  # reported by the parser of the command, whose help has its flags
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and report a failure in one line. Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that support ASCII only
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:
        # The reader of the pipe has exited. Python must not flush the rest into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print_error(str(error) if error.filename is None else f"{error.filename}: {error.strerror}")
        return 1
    except AcareError as error:
        print_error(str(error))
        return 2 if isinstance(error, SettingError) else 1
    except KeyboardInterrupt:
        return 130


def _run(arguments: Sequence[str]) -> int:
    args = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="acare: %(message)s")  # for example about a migration
    code = args.run(args) or 0
    sys.stdout.flush()  # so that a failed write is reported like other errors
    return code


def _parser() -> CommandParser:
    parser = CommandParser(prog="acare", description="The Clients API for real-estate agencies, self-hosted.")
    version = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {SQLITE_VERSION})"
    parser.add_argument("--version", action="version", version=version)
    commands = Commands(parser, "COMMAND")
    for module in (serve, users, clients, import_, maintenance):
        module.add_to(commands)
    return parser
