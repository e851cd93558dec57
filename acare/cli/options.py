"""What commands share: flags from the table of settings, arguments, and the database."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Container, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from acare import ids
from acare.config import SETTINGS, Settings
from acare.database.database import Database
from acare.errors import StoreUnavailable, UserError
from acare.field_types import USER_EMAIL

T = TypeVar("T")

#: The end of the help of a command that has all settings.
SETTINGS_NOTE = (
    "Defaults are in parentheses. Each setting can also be given in the environment variable in brackets; "
    "a flag takes precedence. An error in the settings is printed as text, also with --log-format json."
)

Commands = argparse._SubParsersAction  # argparse has no public name for it


def add_flags(
    parser: argparse.ArgumentParser, *, without: Container[str] = (), only: Container[str] = ()
) -> None:
    """Give ``parser`` a flag for each setting, or for those named in ``only``."""
    for setting in SETTINGS:
        if setting.name in without or (only and setting.name not in only):
            continue
        takes: dict[str, Any] = {"action": argparse.BooleanOptionalAction}
        if setting.metavar:
            takes = {"metavar": setting.metavar, "action": "append" if setting.repeatable else "store"}
        help_text = f"{setting.help} [{setting.variable}]"
        parser.add_argument(setting.flag, dest=setting.name, help=help_text, **takes)


def add_command(
    commands: Commands[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
    *,
    database: bool = True,
    **options: Any,
) -> argparse.ArgumentParser:
    """The parser of a command that ``run`` executes; with ``database``, it has the flag ``--database``."""
    options.setdefault("description", f"{summary[0].upper()}{summary[1:]}.")
    parser = commands.add_parser(name, help=summary, **options)
    parser.set_defaults(run=run)
    if database:
        add_flags(parser, only=("database",))
    return parser


def read_settings(args: argparse.Namespace, **fixed: object) -> Settings:
    """The settings from the flags, the environment and ``fixed``.

    Settings for which the command has no flag are not read.
    """
    given = {setting.name: getattr(args, setting.name) for setting in SETTINGS if hasattr(args, setting.name)}
    return Settings.from_command({**given, **fixed})


def existing_database(args: argparse.Namespace) -> Path:
    """The file that the settings name; UserError if it does not exist."""
    path = read_settings(args).database
    if not path.exists():
        raise UserError(
            f"{path}: the database does not exist; --database or ACARE_DATABASE names another one, "
            "'acare key create' creates it"
        )
    return path


@contextmanager
def open_database(args: argparse.Namespace, *, must_exist: bool = False) -> Iterator[Database]:
    """The database that the settings name, for as long as the ``with`` lasts.

    UserError if it becomes unavailable, for example because the disk is full.
    """
    path = existing_database(args) if must_exist else read_settings(args).database
    with closing(Database(path)) as database:
        try:
            yield database
        except StoreUnavailable as error:
            reason = str(error)
            done = "what was done before stays done, and the same command does the rest"
            if not database.has_written:
                done = "nothing was changed"
            raise UserError(f"{path}: {reason[:1].lower()}{reason[1:].rstrip('.')}; {done}") from None


def argument(parse: Callable[[str], T], says: str = "is not") -> Callable[[str], T]:
    """A type for argparse. ``parse`` raises ValueError, whose text follows the argument and ``says``."""

    def parse_argument(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(" ".join(filter(None, (repr(text), says, str(error))))) from None

    return parse_argument


#: An e-mail address on the command line.
parse_email = argument(USER_EMAIL.validate, says="")


def parse_id(text: str) -> str:
    """An id on the command line, in any spelling; for argparse."""
    found = ids.canonical(text)
    if found is None:
        # The text is not repeated: it may be a key that was pasted by mistake.
        raise argparse.ArgumentTypeError("must be a UUID, like a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684")
    return found


def counted(number: int, noun: str) -> str:
    """``1 key``, ``2 keys``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
