"""Arguments that commands share, flags from the table of settings, and access to the database."""

import argparse
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from acare import ids
from acare.config import SETTINGS, Settings
from acare.database.database import Database, ReadOnlyDatabase
from acare.database.file import refusing
from acare.errors import StoreUnavailable, UserError
from acare.field_types import USER_EMAIL
from acare.store.search import index_changes

#: The arguments of ``ArgumentParser.add_argument``.
Argument = tuple[tuple[str, ...], dict[str, Any]]

#: The last line of the help of a command with all settings.
SETTINGS_NOTE = "Defaults are in parentheses, environment variables in brackets. A flag takes precedence."


class Commands(Protocol):
    """The result of ``ArgumentParser.add_subparsers``."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser: ...


def checked(parse: Callable[[str], object]) -> Callable[[str], object]:
    """A type for argparse. ``parse`` raises ValueError, whose text says what is allowed."""

    def parse_argument(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is not valid: {error}") from None

    return parse_argument


#: An e-mail address on the command line.
parse_email = checked(USER_EMAIL.validate)


def parse_id(text: str) -> str:
    """A type for argparse: an id, in any spelling."""
    uuid_text = ids.canonical(text)
    if uuid_text is None:
        # The text is not repeated: it may be a key that was pasted by mistake.
        raise argparse.ArgumentTypeError("must be a UUID, such as a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684")
    return uuid_text


def argument(*names: str, **options: Any) -> Argument:
    """An argument of a command; see ``add_command``."""
    return names, options


EMAIL = argument("email", metavar="EMAIL", type=parse_email, help="the user's e-mail address")
CLIENT_ID = argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
JSON = argument("--json", action="store_true", help="print JSON, for programs")


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], int | None],
    summary: str,
    *arguments: Argument,
    settings: Container[str] = ("database",),
    **options: Any,
) -> argparse.ArgumentParser:
    """Add a command that ``run`` executes, with these arguments, and flags for these settings.

    ``run`` returns the exit code; None means 0.
    """
    options.setdefault("description", f"{summary[0].upper()}{summary[1:]}.")
    parser = commands.add_parser(name, help=summary, **options)
    parser.set_defaults(run=run)
    for names, takes in arguments:
        parser.add_argument(*names, **takes)
    add_flags(parser, only=settings)
    return parser


def add_flags(parser: argparse.ArgumentParser, *, only: Container[str]) -> None:
    """Give ``parser`` a flag for each setting that is named in ``only``."""
    for setting in SETTINGS:
        if setting.name not in only:
            continue
        takes: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        if setting.metavar:
            action = "append" if isinstance(setting.default, tuple) else "store"
            takes = {"metavar": setting.metavar, "action": action}
        help_text = f"{setting.help} [{setting.variable}]"
        parser.add_argument(setting.flag, dest=setting.name, help=help_text, **takes)


def read_settings(args: argparse.Namespace, **fixed: object) -> Settings:
    """The settings from the flags, the environment and ``fixed``.

    Settings for which the command has no flag are not read.
    """
    given = {setting.name: getattr(args, setting.name) for setting in SETTINGS if hasattr(args, setting.name)}
    return Settings.from_command({**given, **fixed})


def existing_database(args: argparse.Namespace) -> Path:
    """The file that the settings name; UserError if it does not exist."""
    path = read_settings(args).database
    with refusing(path), suppress(FileNotFoundError):
        path.lstat()
        return path
    raise UserError(
        f"{path}: the database does not exist; name another file with --database or ACARE_DATABASE "
        "('acare serve' creates a new one)"
    )


@contextmanager
def open_database(args: argparse.Namespace, *, read_only: bool = False) -> Iterator[Database]:
    """The database that the settings name, for as long as the ``with`` lasts. Only a server creates one.

    UserError if it does not exist or becomes unavailable, for example because the disk is full.
    """
    path = existing_database(args)
    opened = ReadOnlyDatabase(path) if read_only else Database(path, before_commit=index_changes)
    with closing(opened) as database:
        try:
            yield database
        except StoreUnavailable as error:
            raise UserError(f"{path}: {error}") from None
