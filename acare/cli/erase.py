"""``acare erase``, ``purge`` and ``compact``: deleting permanently."""

from __future__ import annotations

import argparse
import re
import sys

from acare.cli import progress
from acare.cli.options import Commands, add_flags, counted, open_database, parse_id
from acare.database.space import size_text
from acare.database.temporary import remove_downloads
from acare.maintenance import compact
from acare.store.erasures import ErasureStore, Person
from acare.store.history import HistoryStore

#: What SQLite's secure_delete guarantees, and what it does not.
LOG_EMPTIED = """\
The deleted rows are overwritten with zeros in the database, and the log is empty. Copies of them may remain
in unused space of the file, from earlier moves within SQLite: 'acare compact' removes these."""
LOG_NOT_EMPTIED = """\
The deleted rows are still in the log, because another process uses it or the disk cannot be written. They are
overwritten when the log restarts. 'acare compact' removes them, and copies in unused space of the file."""
WORDS_LEFT = """\
Names and addresses are still in the search index, as words that no search finds. 'acare compact'
removes them.
"""
COPIES = """\
Backups and files kept by a restore or a migration are not changed: delete those that contain the person.
"""


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    _add_erase(commands)
    _add_purge(commands)
    _add_compact(commands)


def _add_erase(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "erase",
        help="erase a client permanently",
        description="Delete a client, its history and stored responses about it. The id and the time are "
        "recorded, so that a restore of an older backup erases the client again. Backups are not changed.",
    )
    parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_erase)


def _add_purge(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "purge",
        help="delete old history",
        description="Delete versions of clients that were replaced or deleted more than DAYS days ago.",
    )
    parser.add_argument(
        "--older-than",
        metavar="DAYS",
        type=_days,
        required=True,
        help="the age of versions that are deleted, 0 to 99999",
    )
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_purge)


def _add_compact(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compact",
        help="rewrite the database file without free space and deleted content",
        description="Rewrite the complete file. Needs about twice the size of its content as free disk "
        "space, and prints the figures first. Meanwhile, other writes wait or fail.",
    )
    progress.add_flag(parser)
    add_flags(parser, only=("database",))
    parser.set_defaults(run=run_compact)


def run_erase(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        erasures = ErasureStore(database)
        person = erasures.find(args.id)
        if person is not None and not args.yes and not _confirmed(person):
            print("Nothing was erased.")
            return 1
        deleted = erasures.erase(args.id)
        words_gone, log_emptied = erasures.overwrite()
        remove_downloads(database.path.resolve().parent)
        erased_at = erasures.erased_at(args.id)
    if deleted and person is not None:
        print(f"Erased {describe(person)} (client {args.id}).")
    else:
        print(f"Client {args.id} is already erased, since {erased_at}.")
    words = "" if words_gone else WORDS_LEFT
    sys.stderr.write(f"{LOG_EMPTIED if log_emptied else LOG_NOT_EMPTIED}\n{words}{COPIES}")
    return 0


def _confirmed(person: Person) -> bool:
    """Ask for confirmation on a terminal; without a terminal, return True."""
    if not sys.stdin.isatty():
        return True
    sys.stderr.write(f"Erase {describe(person)} permanently? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def describe(person: Person) -> str:
    """``Jordan Lee <jordan@example.com>, owner dana@example.com``"""
    email = f" <{person.email}>" if person.email else ""
    return f"{person.name}{email}, owner {person.owner or 'unknown'}"


def run_purge(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, progress.shown(args) as report:
        purged = HistoryStore(database).purge(args.older_than, report)
        log_emptied = database.empty_log()
    print(f"Purged {counted(purged, 'old version')}.")
    sys.stderr.write(f"{LOG_EMPTIED if log_emptied else LOG_NOT_EMPTIED}\n")
    return 0


def run_compact(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, progress.shown(args) as report:
        sizes = compact.measure(database)
        if not args.quiet:
            sys.stderr.write(
                f"Compacting {database.path}, {size_text(sizes.size)}: needs {size_text(sizes.needed)} on "
                f"its disk, of which {size_text(sizes.free)} are free.\n"
            )
        compact.compact(database, report)
        size = database.path.stat().st_size
    print(f"Compacted: {size_text(sizes.size)} before, {size_text(size)} now.")
    return 0


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days from 0 to 99999")
    return int(text)
