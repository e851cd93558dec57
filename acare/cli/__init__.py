"""The command ``acare``: the only code that prints and reads arguments.

A usage error prints one line and exits with 2. A failure exits with 1.
"""

import io
import logging
import os
import sys
from collections.abc import Sequence

import acare
from acare.cli import clients, import_, keys, maintenance, serve, users
from acare.cli.options import CommandParser
from acare.cli.output import print_error
from acare.database.connection import SQLITE_VERSION
from acare.database.schema import SCHEMA_VERSION
from acare.errors import AcareError, InvalidInput, SettingError

#: In the order of the help.
COMMANDS = (
    serve.serve,
    serve.demo,
    users.handover,
    clients.find,
    clients.history,
    clients.erase,
    maintenance.purge,
    clients.export,
    import_.import_,
    maintenance.backup,
    maintenance.verify,
    maintenance.restore,
    maintenance.compact,
    maintenance.status,
)

#: Commands that have actions.
GROUPS = {
    "user": (users.list_, users.add, users.set_role, users.disable, users.enable),
    "key": (keys.create, keys.list_, keys.revoke),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name and report an error in one line. Returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for terminals that support ASCII only
    try:
        args = _parser().parse_args(arguments)
        logging.basicConfig(level=logging.INFO, format="acare: %(message)s")  # for example about a migration
        code = args.command.call(args)
        sys.stdout.flush()  # so that a failed write is reported like other errors
        return code or 0
    except BrokenPipeError:
        # The reader of the pipe has exited. Python must not flush the rest into the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print_error(str(error) if error.filename is None else f"{error.filename}: {error.strerror}")
        return 1
    except AcareError as error:
        print_error(str(error))
        return 2 if isinstance(error, (SettingError, InvalidInput)) else 1
    except KeyboardInterrupt:
        return 130


def _parser() -> CommandParser:
    parser = CommandParser(prog="acare", description="A self-hosted Clients API for real-estate agencies.")
    version = f"acare {acare.__version__} (schema {SCHEMA_VERSION}, SQLite {SQLITE_VERSION})"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    for name, actions in GROUPS.items():
        group = commands.add_parser(name, help=f"manage {name}s")
        parsers = group.add_subparsers(metavar="ACTION", required=True)
        for action in actions:
            action.add_to(parsers)
    return parser
