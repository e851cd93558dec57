"""What commands share: flags from the table of settings, and the database that the settings name."""

from __future__ import annotations

import argparse
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from acare import ids
from acare.config import SETTINGS, Settings
from acare.database.database import Database
from acare.database.file import EMPTY
from acare.errors import StoreUnavailable, UserError
from acare.field_types import USER_EMAIL, String

#: The end of the help of a command that has all settings.
SETTINGS_NOTE = (
    "Defaults are in parentheses. Each setting can also be given in the environment variable in brackets; "
    "a flag takes precedence."
)

Commands = argparse._SubParsersAction  # argparse has no public name for it


def add_flags(
    parser: argparse.ArgumentParser, *, without: Container[str] = (), only: Container[str] = ()
) -> None:
    """Give ``parser`` a flag for each setting, or for those named in ``only``."""
    for setting in SETTINGS:
        if setting.name in without or (only and setting.name not in only):
            continue
        help_text = f"{setting.help} [{setting.variable}]"
        if setting.metavar:
            action = "append" if setting.repeatable else "store"
            parser.add_argument(
                setting.flag, dest=setting.name, metavar=setting.metavar, action=action, help=help_text
            )
        else:
            parser.add_argument(
                setting.flag, dest=setting.name, action=argparse.BooleanOptionalAction, help=help_text
            )


def read_settings(args: argparse.Namespace, **fixed: object) -> Settings:
    """The settings from the flags, the environment and ``fixed``.

    Settings for which the command has no flag are not read.
    """
    given = {setting.name: getattr(args, setting.name) for setting in SETTINGS if hasattr(args, setting.name)}
    return Settings.from_command({**given, **fixed})


def existing_database(args: argparse.Namespace) -> Path:
    """The file that the settings name; UserError if it does not exist or is empty."""
    path = read_settings(args).database
    if not path.exists():
        raise UserError(
            f"{path}: the database does not exist; --database or ACARE_DATABASE names another one, "
            "'acare key create' creates it"
        )
    if path.is_file() and path.stat().st_size == 0:
        raise UserError(f"{path}: {EMPTY}")
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
            done = _what_was_done(database)
            raise UserError(f"{path}: {reason[:1].lower()}{reason[1:].rstrip('.')}; {done}") from None


def _what_was_done(database: Database) -> str:
    """By a command that was ended by an error of the database."""
    if database.has_written:
        return "what was done before stays done, and the same command does the rest"
    return "nothing was changed"


def counted(number: int, noun: str) -> str:
    """``1 key``, ``2 keys``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parse_id(text: str) -> str:
    """An id on the command line, in any spelling; for argparse."""
    found = ids.canonical(text)
    if found is None:
        # The text is not repeated: it may be a key that was pasted by mistake.
        raise argparse.ArgumentTypeError("must be a UUID, like a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684")
    return found


def parse_email(text: str) -> str:
    """An e-mail address on the command line; for argparse."""
    return parse_text(USER_EMAIL, text)


def parse_text(kind: String, text: str) -> str:
    """A text of this kind on the command line; for argparse."""
    try:
        return str(kind.validate(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None
