"""The command ``acare``: the only code that prints, reads arguments or exits.

A usage error prints one line and exits with 2, a failure prints one line and exits with 1.
"""

from __future__ import annotations

import argparse
import difflib
import io
import itertools
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import acare
from acare.cli import demo, interrupts, serve
from acare.cli.output import printable
from acare.config import unchecked_variable, unknown_variables
from acare.database.connection import SQLITE_VERSION
from acare.database.schema import SCHEMA_VERSION
from acare.errors import AcareError, SettingError
from acare.server.logs import as_json_line

#: The module of each command, in the order of the help.
MODULES = {
    "serve": "serve",
    "demo": "demo",
    "key": "keys",
    "user": "users",
    "transfer": "users",
    "find": "find",
    "import": "import_",
    "export": "export",
    "backup": "backup",
    "verify": "backup",
    "restore": "backup",
    "status": "status",
    "history": "history",
    "undelete": "history",
    "erase": "erase",
    "purge": "erase",
    "compact": "erase",
    "openapi": "openapi",
}


class CommandParser(argparse.ArgumentParser):
    """Reports an error in one line."""

    as_json = False

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # an abbreviation would break with a new flag

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._subparsers is None:  # the parser of one command; argparse calls it with a list
            self._refuse_unknown_options(args)
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:  # reported by the command's own parser, whose help is the one to read
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def _refuse_unknown_options(self, args: Sequence[str]) -> None:
        """Before argparse complains that a required option is missing."""
        for word in itertools.takewhile(lambda word: word != "--", args):
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in self._option_string_actions:
                near = difflib.get_close_matches(name, self._option_string_actions, 1)
                self.error(f"unrecognized option {name}" + (f" (did you mean {near[0]}?)" if near else ""))

    def error(self, message: str) -> NoReturn:
        line = f"{self.prog}: {message}; see '{self.prog} --help'"
        self.exit(2, as_json_line(line) if self.as_json else f"{line}\n")


class JsonCommandParser(CommandParser):
    """Reports an error as a line of the JSON log."""

    as_json = True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that support ASCII only
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = _logs_json(given)
    args = _parser(JsonCommandParser if as_json else CommandParser, given).parse_args(given)
    if unknown := unknown_variables():
        _tell(f"unknown variables are ignored: {', '.join(unknown)}", as_json)
    return _run(args, as_json)


def _run(args: argparse.Namespace, as_json: bool) -> int:
    """Run the command that the arguments name and report a failure in one line. Returns the exit code."""
    try:
        if args.run in (serve.run, demo.run):  # which have a log, and handle Ctrl-C themselves
            return int(args.run(args))
        logging.basicConfig(level=logging.INFO, format="acare: %(message)s")  # such as a migration
        with interrupts.ended_in_time():
            return int(args.run(args))
    except SettingError as error:
        return _fail(2, error, as_json)
    except BrokenPipeError:
        # The reader of the output has ended. Python must not flush the rest into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (AcareError, OSError) as error:
        return _fail(1, error, as_json)
    except KeyboardInterrupt:
        return interrupts.EXIT_CODE
    except Exception:
        if not as_json:
            raise
        sys.stderr.write(as_json_line("unexpected error", traceback.format_exc()))
        return 1


def _logs_json(given: Sequence[str]) -> bool:
    """Whether every line on stderr must be JSON; determined before the arguments are parsed."""
    if not given or given[0] not in ("serve", "demo"):
        return False
    values = [given[n + 1] for n, flag in enumerate(given[:-1]) if flag == "--log-format"]
    values += [flag.partition("=")[2] for flag in given if flag.startswith("--log-format=")]
    return [*values, unchecked_variable("log_format")][0] == "json"


def _fail(code: int, error: Exception, as_json: bool) -> int:
    text = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    _tell(printable(text), as_json)
    return code


def _tell(text: str, as_json: bool) -> None:
    """One line on stderr."""
    sys.stderr.write(as_json_line(f"acare: {text}") if as_json else f"acare: {text}\n")


def _parser(kind: type[CommandParser] = CommandParser, given: Sequence[str] = ()) -> CommandParser:
    """The parser for ``given``. Imports only the module of its command: a server needs no other one."""
    parser = kind(prog="acare", description="The Clients API for real-estate agencies, self-hosted.")
    version = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {SQLITE_VERSION})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    named = MODULES.get(given[0]) if given else None
    for module in [named] if named else dict.fromkeys(MODULES.values()):
        import_module(f"acare.cli.{module}").add_to(commands)
    return parser
