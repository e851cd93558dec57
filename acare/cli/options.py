"""Commands and their arguments, flags from the table of settings, and access to the database."""

import re
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from inspect import getdoc
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from acare import ids
from acare.cli.output import printable
from acare.config import SETTINGS, Setting, Settings
from acare.database.database import Database, ReadOnlyDatabase
from acare.database.file import refusing
from acare.errors import FieldError, InvalidInput, Refused, StoreUnavailable
from acare.field_types import String
from acare.store import search

#: Parses the text of an argument. The text of its ValueError says what is allowed.
Parse = Callable[[str], object]

#: Executes a command: takes the settings, and the arguments by name. Returns the exit code; None means 0.
#: Its docstring is the help, of which the list of the commands has the first sentence.
Run = Callable[..., int | None]

#: Adds an argument to the parser of a command.
Argument = Callable[[Any], Action]


def argument(
    name: str,
    help: str,
    metavar: str | None = None,
    parse: Parse | None = None,
    **options: Any,
) -> Argument:
    """An argument of a command; ``options`` are further arguments of ``add_argument``."""
    given = {"help": help, "metavar": metavar, "type": parse and partial(_parse, parse), **options}
    given = {option: value for option, value in given.items() if value is not None}
    return lambda parser: parser.add_argument(name, **given)


def _flag(setting: Setting) -> Argument:
    action = "append" if isinstance(setting.default, tuple) else "store"
    return argument(setting.flag, f"{setting.help} [{setting.variable}]", setting.metavar, action=action)


def _parse(parse: Parse, text: str) -> object:
    """A type for argparse, which prints only the text of an ArgumentTypeError."""
    try:
        return parse(text)
    except ValueError as error:
        shown = "" if parse is ids.parse else f"{text!r} is not valid: "  # it may be a key, pasted by mistake
        raise ArgumentTypeError(f"{shown}{error}") from None


#: A type for argparse: the URL at which people and programs reach a server.
parse_base_url = String(
    max_length=2000,
    min_length=1,
    pattern=re.compile(r"\Ahttps?://[^\s/?#]+(/[^\s?#]*)?(?<!/readyz)\Z"),
    rule="must be a base URL, such as http://127.0.0.1:8080 or https://crm.example/north",
)

JSON = argument("--json", "print JSON, for programs", action="store_true", dest="as_json")


class Command(NamedTuple):
    """A command, or an action of one. Its name and help are those of the function that executes it."""

    run: Run
    arguments: tuple[Argument, ...]
    settings: tuple[Setting, ...]  # those that are flags of the command

    def add_to(self, parsers: Any) -> None:
        """Add a parser, whose result has the command as ``command``, to the ``parsers`` of argparse."""
        name, text = self.run.__name__.strip("_").replace("_", "-"), getdoc(self.run) or ""
        summary = re.split(r"\.(?:\s|$)", text)[0]
        summary = summary[:1].lower() + summary[1:]
        parser = parsers.add_parser(name, help=summary, description=text)
        added = [add(parser) for add in (*self.arguments, *map(_flag, self.settings))]
        names = {action.dest: (action.option_strings or [str(action.metavar)])[0] for action in added}
        parser.set_defaults(command=self, names=names)

    def call(self, args: Namespace) -> int | None:
        """Execute the command with the parsed arguments. SettingError if a setting is invalid."""
        given = {name: value for name, value in vars(args).items() if name != "command"}
        names = given.pop("names")
        flags = {setting.name: given.pop(setting.name) for setting in self.settings}
        settings = Settings.from_command(flags)
        try:
            return self.run(settings, **given)
        except InvalidInput as error:  # a store knows the fields, a person the arguments
            problems = [FieldError(names.get(field, field), text) for field, text in error.problems]
            raise InvalidInput(*problems) from None
        except StoreUnavailable as error:  # for example because the file is damaged, or the disk is full
            raise Refused(f"{settings.database}: {error}" if "database" in flags else str(error)) from None


def command(
    *arguments: Argument,
    settings: tuple[Setting, ...] = SETTINGS[:1],  # the database
) -> Callable[[Run], Command]:
    """Make the function below a command."""
    return lambda run: Command(run, arguments, settings)


class CommandParser(ArgumentParser):
    """Reports an error in one line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)  # an abbreviation would break with a new flag

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}; see '{self.prog} --help'\n")


def existing_database(settings: Settings) -> Path:
    """The file that the settings name; Refused if it does not exist."""
    path = settings.database
    with refusing(path), suppress(FileNotFoundError):
        path.lstat()
        return path
    raise Refused(
        f"{path}: the database does not exist: start 'acare serve' once, which creates it, or name another "
        "file with --database or ACARE_DATABASE"
    )


def open_database(settings: Settings) -> closing[Database]:
    """The database that the settings name, for a ``with``. Refused if it does not exist."""
    return closing(search.open_database(existing_database(settings)))


def read_database(settings: Settings) -> closing[ReadOnlyDatabase]:
    """Like ``open_database``, for a command that only reads."""
    return closing(search.read_database(existing_database(settings)))
