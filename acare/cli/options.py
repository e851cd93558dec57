"""Arguments that commands share, flags from the table of settings, and access to the database."""

from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from acare import ids
from acare.cli.output import printable
from acare.config import SETTINGS, Setting, Settings
from acare.database.database import Database, ReadOnlyDatabase
from acare.database.file import refusing
from acare.errors import Refused, StoreUnavailable
from acare.store.search import index_changes

#: The arguments of ``ArgumentParser.add_argument``.
Argument = tuple[str, dict[str, Any]]

#: Parses the text of an argument. The text of its ValueError says what is allowed.
Parse = Callable[[str], object]

#: The last line of the help of a command with all settings.
SETTINGS_NOTE = "Defaults are in parentheses, environment variables in brackets. A flag takes precedence."


def parse_id(text: str) -> str:
    """A type for argparse: an id, in any spelling."""
    try:
        return ids.parse(text)
    except ValueError:
        # The text is not repeated: it may be a key that was pasted by mistake.
        raise ArgumentTypeError("must be a UUID, such as 019f6631-3a10-7a9f-8d27-95c0e3b1f684") from None


def argument(
    name: str, help: str, metavar: str | None = None, parse: Parse | None = None, **options: Any
) -> Argument:
    """An argument of a command; ``options`` are further arguments of ``add_argument``."""
    given = {"help": help, "metavar": metavar, "type": parse and partial(_parse, parse), **options}
    return name, {option: value for option, value in given.items() if value is not None}


def _parse(parse: Parse, text: str) -> object:
    """A type for argparse, which prints only the text of an ArgumentTypeError."""
    try:
        return parse(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not valid: {error}") from None


JSON = argument("--json", "print JSON, for programs", action="store_true")


class CommandParser(ArgumentParser):
    """Reports an error in one line. With ``metavar``, the arguments are a command, or an action of one."""

    def __init__(self, metavar: str = "", **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # an abbreviation would break with a new flag
        if metavar:
            self._commands = self.add_subparsers(metavar=metavar, required=True)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}; see '{self.prog} --help'\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:  # reported by the parser of the command, whose help has its flags
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown

    def add(
        self,
        name: str,
        run: Callable[[Namespace], int | None],
        summary: str,
        *arguments: Argument,
        settings: Sequence[Setting] = SETTINGS[:1],  # the database
        **options: Any,
    ) -> ArgumentParser:
        """Add a command that ``run`` executes, with these arguments, and flags for these settings.

        ``run`` returns the exit code; None means 0.
        """
        options.setdefault("description", f"{summary[0].upper()}{summary[1:]}.")
        parser = self._commands.add_parser(name, help=summary, **options)
        parser.set_defaults(run=run)
        for argument_name, takes in arguments:
            parser.add_argument(argument_name, **takes)
        for setting in settings:
            takes = {"action": BooleanOptionalAction}
            if setting.metavar:
                action = "append" if isinstance(setting.default, tuple) else "store"
                takes = {"metavar": setting.metavar, "action": action}
            parser.add_argument(setting.flag, help=f"{setting.help} [{setting.variable}]", **takes)
        return parser

    def add_group(self, name: str, summary: str) -> "CommandParser":
        """Add a command that has actions."""
        return self._commands.add_parser(name, help=summary, metavar="ACTION")


def existing_database(args: Namespace) -> Path:
    """The file that the settings name; Refused if it does not exist."""
    path = Settings.from_command(vars(args)).database
    with refusing(path), suppress(FileNotFoundError):
        path.lstat()
        return path
    raise Refused(
        f"{path}: the database does not exist; name another file with --database or ACARE_DATABASE "
        "('acare serve' creates a new one)"
    )


@contextmanager
def open_database(args: Namespace, *, read_only: bool = False) -> Iterator[Database]:
    """The database that the settings name, for as long as the ``with`` lasts. Only a server creates one.

    Refused if it does not exist or becomes unavailable, for example because the disk is full.
    """
    path = existing_database(args)
    opened = ReadOnlyDatabase(path) if read_only else Database(path, before_commit=index_changes)
    with closing(opened) as database:
        try:
            yield database
        except StoreUnavailable as error:
            raise Refused(f"{path}: {error}") from None
