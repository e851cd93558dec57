"""``acare erase``, ``purge`` and ``compact``: deleting permanently."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from acare.auth import OPERATOR
from acare.cli.options import CLIENT_ID, Commands, add_command, argument, checked, open_database
from acare.cli.output import counted, printable, show_progress
from acare.database.access import size_text
from acare.errors import UserError
from acare.maintenance import compact
from acare.maintenance.erasures import ErasureStore
from acare.setting_types import count
from acare.store import users
from acare.store.history import HistoryStore

NOT_OVERWRITTEN = (
    "Deleted rows are still in the log, because another process uses the file or the disk cannot be written. "
    "They are overwritten later; 'acare compact' overwrites them now.\n"
)
COPIES = "Copies made by backups, restores and migrations are unchanged: delete any that have this data.\n"


def add_to(commands: Commands) -> None:
    add_command(
        commands, "erase", run_erase, "erase a client permanently",
        CLIENT_ID,
        argument("--yes", action="store_true", help="erase; without it, only show which client it would be"),
        description="Delete a client, its history and stored responses about it. The id and the time are "
        "recorded, so that restoring an older backup erases the client again. Backups are not changed.",
    )  # fmt: skip
    add_command(
        commands, "purge", run_purge, "delete old history: replaced and deleted versions",
        argument("--older-than", metavar="DAYS", type=checked(count(99_999, minimum=0)), required=True,
                 help="days since a version was replaced or deleted, 0 to 99999"),
    )  # fmt: skip
    add_command(
        commands, "compact", run_compact, "rewrite the database file without free space and deleted content",
        description="Rewrite the complete file. Needs about twice the size of its content as free disk "
        "space. Meanwhile, other writes wait or fail.",
    )  # fmt: skip


def run_erase(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database:
        client = HistoryStore(database).events(OPERATOR, args.id)[-1].client
        with database.read() as connection:
            about = _describe(client, users.get(connection, client["user_id"]).email)
        if not args.yes:
            raise UserError(f"nothing was erased; --yes erases {about}")
        ErasureStore(database).erase(args.id)
        is_overwritten = database.empty_log()
    print(printable(f"Erased {about} (client {args.id})."))
    sys.stderr.write(COPIES if is_overwritten else f"{NOT_OVERWRITTEN}{COPIES}")
    return 0


def _describe(client: Mapping[str, object], owner: str) -> str:
    """``Jordan Lee <jordan@example.com>, owner dana@example.com``"""
    email = f" <{client['email']}>" if client["email"] else ""
    return f"{client['first_name']} {client['last_name']}{email}, owner {owner}"


def run_purge(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, show_progress() as show:
        purged = HistoryStore(database).purge(args.older_than, show)
        is_overwritten = database.empty_log()
    print(f"Purged {counted(purged, 'old version')}.")
    sys.stderr.write("" if is_overwritten else NOT_OVERWRITTEN)
    return 0


def run_compact(args: argparse.Namespace) -> int:
    with open_database(args, must_exist=True) as database, show_progress() as show:
        before = database.path.stat().st_size
        # SQLite's default folder for temporary files may be too small. Only this process is affected.
        folder = str(database.path.resolve().parent).replace("'", "''")
        database.write(lambda c: c.execute(f"PRAGMA temp_store_directory = '{folder}'").fetchall())
        compact.compact(database, show)
        size = database.path.stat().st_size
    print(f"Compacted: {size_text(before)} before, {size_text(size)} now.")
    return 0
