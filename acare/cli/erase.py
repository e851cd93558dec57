"""``acare erase``, ``purge`` and ``compact``: deleting permanently."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from acare.cli import progress
from acare.cli.options import Commands, add_command, argument, counted, open_database, parse_id
from acare.cli.output import printable
from acare.database.access import size_text
from acare.database.database import Database
from acare.maintenance import compact
from acare.setting_types import count
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore

#: What SQLite's secure_delete guarantees, and what it does not.
OVERWRITTEN = (
    "Deleted rows are overwritten; 'acare compact' also removes copies in unused space of the file.\n"
)
NOT_OVERWRITTEN = """\
Deleted rows are still in the log, because another process uses the file or the disk cannot be written.
They are overwritten later; 'acare compact' does so now.
"""
COPIES = "Backups and files kept by a restore or a migration are not changed: delete those with the person.\n"


def add_to(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "erase", run_erase, "erase a client permanently",
        description="Delete a client, its history and stored responses about it. The id and the time are "
        "recorded, so that a restore of an older backup erases the client again. Backups are not changed.",
    )  # fmt: skip
    parser.add_argument("id", metavar="CLIENT_ID", type=parse_id, help="the client's id")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    parser = add_command(commands, "purge", run_purge, "delete old history: replaced and deleted versions")
    parser.add_argument(
        "--older-than", metavar="DAYS", type=argument(count(99_999, minimum=0)), required=True,
        help="the age of versions that are deleted, 0 to 99999",
    )  # fmt: skip
    progress.add_flag(parser)

    parser = add_command(
        commands, "compact", run_compact, "rewrite the database file without free space and deleted content",
        description="Rewrite the complete file. Needs about twice the size of its content as free disk "
        "space. Meanwhile, other writes wait or fail.",
    )  # fmt: skip
    progress.add_flag(parser)


def run_erase(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        erasures = ErasureStore(database)
        erased_at = erasures.erased_at(args.id)
        if erased_at is None:
            about = describe(HistoryStore(database).events(args.id)[-1].client)
            if not args.yes and not _confirmed(about):
                print("Nothing was erased.")
                return 1
        erasures.erase(args.id)
        is_overwritten = database.empty_log()
    if erased_at is None:
        print(printable(f"Erased {about} (client {args.id})."))
    else:
        print(f"Client {args.id} is already erased, since {erased_at}.")
    sys.stderr.write(f"{OVERWRITTEN if is_overwritten else NOT_OVERWRITTEN}{COPIES}")
    return 0


def _confirmed(about: str) -> bool:
    """Ask for confirmation on a terminal; without a terminal, return True."""
    if not sys.stdin.isatty():
        return True
    sys.stderr.write(printable(f"Erase {about} permanently? [y/N] "))
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def describe(client: dict[str, Any]) -> str:
    """``Jordan Lee <jordan@example.com>, owner dana@example.com``"""
    email = f" <{client['email']}>" if client["email"] else ""
    return f"{client['first_name']} {client['last_name']}{email}, owner {client['owner']}"


def run_purge(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, progress.shown(args) as show:
        purged = HistoryStore(database).purge(args.older_than, show)
        is_overwritten = database.empty_log()
    print(f"Purged {counted(purged, 'old version')}.")
    sys.stderr.write(OVERWRITTEN if is_overwritten else NOT_OVERWRITTEN)
    return 0


def run_compact(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, progress.shown(args) as show:
        before = database.path.stat().st_size
        with _temporary_files_beside(database), _ended_by_ctrl_c():
            compact.compact(database, show)
        size = database.path.stat().st_size
    print(f"Compacted: {size_text(before)} before, {size_text(size)} now.")
    return 0


@contextmanager
def _temporary_files_beside(database: Database) -> Iterator[None]:
    """Let SQLite make its temporary files in the folder of the database, which has room for them.

    For all databases of this process. SQLite reads SQLITE_TMPDIR only when Python imports it.
    """
    folder = str(database.path.resolve().parent).replace("'", "''")
    database.write(lambda c: c.execute(f"PRAGMA temp_store_directory = '{folder}'").fetchall())
    try:
        yield
    finally:
        database.write(lambda c: c.execute("PRAGMA temp_store_directory = ''").fetchall())


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process at once, which is as safe as SIGKILL.

    SQLite copies the log of a large file in one call, in which Python handles no signal. The temporary file
    has no name, so nothing of it remains.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # otherwise it is ignored, as in the background of a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
