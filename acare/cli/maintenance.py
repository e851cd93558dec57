"""``acare backup``, ``verify``, ``restore``, ``compact`` and ``status``: the file of the database."""

from argparse import Namespace
from pathlib import Path

from acare.cli.options import JSON, CommandParser, argument, existing_database, open_database
from acare.cli.output import counted, print_error, print_json, printable, show_progress
from acare.config import Settings
from acare.errors import Refused, SettingError
from acare.field_types import String, count, to_json
from acare.maintenance import backup, compact
from acare.maintenance.restore import restore
from acare.maintenance.status import CHECKS, read_status, size_text

_BASE_URL = String(
    max_length=2000,
    min_length=1,
    pattern=r"\Ahttps?://[^\s/?#]+(/[^\s?#]*)?(?<!/readyz)\Z",
    rule="must be a base URL, such as http://127.0.0.1:8080 or https://crm.example/north",
)


def add_to(commands: CommandParser) -> None:
    commands.add(
        "backup", run_backup, "make a verified backup, even while the server runs",
        argument("folder", "the folder for backups (default: backups)",
                 "DIR", Path, nargs="?", default=Path("backups")),
        argument("--create-folder", "create the folder if it does not exist", action="store_true"),
        argument("--keep", "delete all but the newest N backups, 1 to 999999 (default: keep all)",
                 "N", count(999_999)),
    )  # fmt: skip
    commands.add(
        "verify", run_verify, "verify backups; stop at the first damaged one",
        argument("files", "a backup", "FILE", Path, nargs="+"),
        settings=(),
    )  # fmt: skip
    commands.add(
        "restore", run_restore, "replace the database with a backup; stop the server first",
        argument("file", "the backup", "FILE", Path),
    )  # fmt: skip
    commands.add(
        "compact", run_compact, "rewrite the database file without free space and deleted content",
        description="Rewrite the complete file. Needs about twice the size of its content as free disk "
        "space. Meanwhile, other writes wait or fail.",
    )  # fmt: skip
    commands.add(
        "status", run_status, "check the database, its backups and its server",
        JSON,
        argument("--backups", "check the newest backup in this folder", "DIR", Path),
        argument("--max-age", "maximum age of the newest backup, 1 to 99999 (default: 48)",
                 "HOURS", count(99_999), default=48),
        argument("--url", "check the server at this base URL, such as http://127.0.0.1:8080",
                 "URL", _BASE_URL.validate),
        argument("--fail-on", f"the checks that set the exit code: {','.join(CHECKS)} "
                 "(default: all but keys); problems of others are warnings",
                 "CHECKS", _names),
        description="Check the database, its backups and its server. If a check fails, the exit code is 1 "
        "and stderr has a line for each reason. Works while a server runs, and changes nothing.",
    )  # fmt: skip


def run_backup(args: Namespace) -> None:
    if not args.create_folder and not args.folder.exists():
        raise Refused(f"{args.folder}: the folder does not exist; --create-folder creates it")
    with show_progress() as show:
        made = backup.back_up(existing_database(args), args.folder, args.keep, show)
    print(made)


def run_verify(args: Namespace) -> None:
    for path in args.files:
        with show_progress() as show:
            clients = backup.verify(path, show)
        print(printable(f"{path}: OK, {counted(clients, 'client')}"))


def run_restore(args: Namespace) -> None:
    database = Settings.from_command(vars(args)).database
    with show_progress() as show:
        done = restore(args.file, database, show)
    print(printable(f"Restored {database} from {args.file}: {counted(done.clients, 'client')}."))
    if (kept := done.carried_over) is not None:
        users, keys = counted(kept.users, "user"), counted(kept.keys, "key")
        print(f"Users and keys are as before the restore: {users}, {keys}.")
        for text, number in (
            ("Users added from the backup, disabled ('acare user enable' enables one)", kept.added),
            ("Clients that had been deleted and are back", kept.returned),
            ("Clients that were created after the backup and are only in the old database", kept.missing),
            ("Clients that were erased again", kept.erased),
        ):
            if number:
                print(f"{text}: {number:,}.")
    if done.old is not None:
        print(printable(f"The old database was renamed to {done.old}."))
        if kept is None:
            print_error(
                "the old database could not be read, so nothing was kept from it: users and keys are from "
                "the backup, and clients erased since then are back; revoke keys and erase clients again"
            )


def run_compact(args: Namespace) -> None:
    with open_database(args) as database, show_progress() as show:
        before = database.path.stat().st_size
        # SQLite's default folder for temporary files may be too small. Only this process is affected.
        folder = str(database.path.resolve().parent).replace("'", "''")
        database.write(lambda c: c.execute(f"PRAGMA temp_store_directory = '{folder}'").fetchall())
        compact.compact(database, show)
        size = database.path.stat().st_size
    print(f"Compacted: {size_text(before)} before, {size_text(size)} now.")


def _names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(CHECKS):
        raise ValueError(f"must be one or more of {','.join(CHECKS)}")
    return names


def run_status(args: Namespace) -> int:
    fail_on = args.fail_on or [name for name in CHECKS if name != "keys"]
    for name, option in (("backup", "backups"), ("server", "url")):
        if name in (args.fail_on or ()) and getattr(args, option) is None:
            raise SettingError(f"--fail-on: {name} needs --{option}")
    path = existing_database(args)
    checks = read_status(path, args.backups, args.max_age, args.url)
    if args.json:
        print_json({name: {"problems": problems, **figures} for name, problems, figures in checks})
    else:
        for name, problems, figures in checks:
            shown = [f"{key} {to_json(value)}" for key, value in figures.items() if value not in (None, [])]
            result = "ok" if not problems else "problem" if name in fail_on else "warning"
            print(printable(f"{name}: {' '.join([result, *shown])}"))
    for name, problems, _ in checks:
        prefix = "" if name in fail_on else "warning: "
        for problem in problems:
            print_error(f"{prefix}{path}: {name}: {problem}")
    return int(any(problems and name in fail_on for name, problems, _ in checks))
