"""``acare purge``, ``backup``, ``verify``, ``restore``, ``compact``, ``status``: the file of the database."""

import sys
from pathlib import Path

from acare.cli.options import JSON, argument, command, existing_database, open_database, parse_base_url
from acare.cli.output import counted, print_error, print_json, printable, show_progress
from acare.config import SETTINGS, Settings
from acare.errors import SettingError
from acare.json_text import to_json
from acare.maintenance import backup as backups
from acare.maintenance import compact as compacting
from acare.maintenance import restore as restoring
from acare.maintenance.status import read_status, size_text
from acare.parameters import count
from acare.store import purging

NOT_OVERWRITTEN = (
    "Deleted rows are still in the WAL, because the disk cannot be written, or because another program, such "
    "as Litestream, keeps it. To overwrite them now, stop that program and run 'acare compact'.\n"
)


@command(settings=tuple(setting for setting in SETTINGS if setting.name in ("database", "keep_days")))
def purge(settings: Settings) -> None:
    """Delete old history: replaced and deleted versions, and ended keys."""
    if settings.keep_days is None:
        raise SettingError("purge needs --keep-days or ACARE_KEEP_DAYS")
    with open_database(settings) as database, show_progress() as show:
        purged = purging.purge(database, settings.keep_days, show)
        is_overwritten = database.empty_wal()
    print(f"Purged {counted(purged, 'old version')}.")
    sys.stderr.write("" if is_overwritten else NOT_OVERWRITTEN)


@command(
    argument(
        "folder", "the folder for backups (default: backups)", "DIR", Path, nargs="?", default="backups"
    ),
    argument("--keep", "delete all but the newest N, 1 to 999999 (default: keep all)", "N", count(999_999)),
)
def backup(settings: Settings, folder: Path, keep: int | None) -> None:
    """Make a verified backup, even while the server runs."""
    with show_progress() as show:
        made = backups.back_up(existing_database(settings), folder, keep, show)
    print(made)


@command(argument("files", "a backup", "FILE", Path, nargs="+"), settings=())
def verify(_: Settings, files: list[Path]) -> None:
    """Verify backups; stop at the first damaged one."""
    for path in files:
        with show_progress() as show:
            clients = backups.verify(path, show)
        print(printable(f"{path}: OK, {counted(clients, 'client')}"))


@command(argument("file", "the backup, or a folder, whose newest backup is restored", "FILE", Path))
def restore(settings: Settings, file: Path) -> None:
    """Replace the database with a backup; stop the server first."""
    if file.is_dir():
        file = restoring.newest(settings.database, file)
    with show_progress() as show:
        done = restoring.restore(file, settings.database, show)
    print(printable(f"Restored {settings.database} from {file}: {counted(done.clients, 'client')}."))
    if (kept := done.kept) is not None:
        users, keys = counted(kept.users, "user"), counted(kept.keys, "key")
        print(f"Users and keys are as before the restore: {users}, {keys}.")
        for text, number in (
            ("Users added from the backup, disabled ('acare user enable' enables one)", kept.added),
            ("Clients changed since the backup, which are as in the backup again", kept.changed),
            ("Clients deleted since the backup, which are back", kept.deleted),
            ("Clients created since the backup, which are only in the old database", kept.created),
            ("Clients that were erased again", kept.erased),
        ):
            if number:
                print(f"{text}: {number:,}.")
    if done.old is not None:
        print(printable(f"The old database was renamed to {done.old}."))
        if kept is None:
            print_error(
                "the old database could not be read, or had no users, so nothing was kept from it: users and "
                "keys are from the backup, and clients erased since then are back; revoke keys and erase "
                "clients again"
            )
        else:
            print("To see its clients, use 'acare find' or 'acare history' with --database and this name.")


@command()
def compact(settings: Settings) -> None:
    """Rewrite the complete database file, without free space and deleted content.

    Needs about twice the size of its content as free disk space. Meanwhile, other writes wait or fail.
    """
    with open_database(settings) as database, show_progress() as show:
        before = database.path.stat().st_size
        compacting.compact(database, show)
        is_overwritten = database.empty_wal()
        size = database.path.stat().st_size
    print(f"Compacted: {size_text(before)} before, {size_text(size)} now.")
    sys.stderr.write("" if is_overwritten else NOT_OVERWRITTEN)


@command(
    JSON,
    argument("--backups", "check the newest backup in this folder", "DIR", Path, dest="folder"),
    argument("--url", "the server's base URL, such as http://127.0.0.1:8080", "URL", parse_base_url),
)
def status(
    settings: Settings,
    as_json: bool,
    folder: Path | None,
    url: str | None,
) -> int:
    """Check the database, its backups and its server.

    If a check fails, the exit code is 1 and stderr has a line for each reason. Works while a server runs,
    and changes nothing.
    """
    path = existing_database(settings)
    checks = read_status(path, folder, url)
    if as_json:
        print_json({name: {"problems": problems, **figures} for name, problems, figures in checks})
    else:
        for name, problems, figures in checks:
            shown = [f"{key} {to_json(value)}" for key, value in figures.items() if value not in (None, [])]
            print(printable(f"{name}: {' '.join(['problem' if problems else 'ok', *shown])}"))
    for name, problems, _ in checks:
        for problem in problems:
            print_error(f"{path}: {name}: {problem}")
    return int(any(problems for _, problems, _ in checks))
