"""``acare find``, ``history``, ``undelete``, ``erase``, ``purge``, ``export``: the clients of all users."""

import json
import os
import sys
from argparse import Namespace
from collections import defaultdict
from collections.abc import Generator
from contextlib import closing
from functools import partial
from pathlib import Path

from acare.auth import OPERATOR
from acare.cli.options import JSON, CommandParser, argument, open_database, parse_id
from acare.cli.output import counted, print_error, print_json, print_rows, printable, show_progress
from acare.clients import PROPERTY, SEARCH, SORTS
from acare.database.database import Database
from acare.database.disk import temporary
from acare.errors import DAMAGED, Refused, SettingError, StoreUnavailable
from acare.field_types import count
from acare.fields import parse_client
from acare.importing.formats import WRITERS
from acare.maintenance import backup
from acare.store.clients import ClientStore
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore
from acare.store.users import UserStore

CLIENT_ID = argument("id", "the client's id", "CLIENT_ID", parse_id)

COLUMNS = ("id", "status", "deleted_at", "owner", "phone", "email", "first_name", "last_name")

_STDOUT = Path("-")

NOT_OVERWRITTEN = (
    "Deleted rows are still in the log, because the disk cannot be written, or because another program, such "
    "as Litestream, keeps it. To overwrite them now, stop that program and run 'acare compact'.\n"
)
COPIES = "Backups and copies of the database are unchanged; --backups DIR lists those with the client.\n"


def add_to(commands: CommandParser) -> None:
    parser = commands.add(
        "find", run_find, "find clients by name, phone or other words, or buyers for a property",
        argument("q", "the words", "TEXT", nargs="*"),
        argument("--sort", "the order (default: created_at, newest first)", choices=SORTS),
        argument("--deleted", "find deleted clients too", action="store_true"),
        argument("--backups", "search the backups in this folder instead", "DIR", Path),
        JSON,
        description="Find clients of all users. Each word must begin a word of the name, e-mail, phone, "
        "tags, locations or notes; a phone number is found in any notation, and by its beginning or end.",
    )  # fmt: skip
    group = parser.add_argument_group("for a property", "Find only the buyers whom this property could suit.")
    for name, parse in PROPERTY.items():
        words = name.removeprefix("property_").replace("_", " ")
        flag, takes = argument(f"--{name.replace('_', '-')}", f"its {words}", name.upper(), parse)
        group.add_argument(flag, **takes)
    commands.add(
        "history", run_history, "show everything that is stored about clients",
        argument("ids", "a client, which may be deleted", "CLIENT_ID", parse_id, nargs="+"),
        description="Show clients and their history as JSON: who changed what, and when; and the responses "
        "that are stored for repeated requests.",
    )  # fmt: skip
    summary = "restore a deleted client, with its id and a new version"
    commands.add("undelete", run_undelete, summary, CLIENT_ID)
    commands.add(
        "erase", run_erase, "erase a client permanently",
        CLIENT_ID,
        argument("--yes", "erase; without it, only print the name and owner", action="store_true"),
        argument("--backups", "list the backups in this folder that have it", "DIR", Path),
        description="Delete a client, its history and stored responses about it. The id and the time are "
        "recorded, so that restoring an older backup erases the client again. Backups are not changed.",
    )  # fmt: skip
    commands.add(
        "purge", run_purge, "delete old history: replaced and deleted versions",
        argument("--older-than", "days since a version was replaced or deleted, 0 to 99999",
                 "DAYS", count(99_999, minimum=0), required=True),
    )  # fmt: skip
    commands.add(
        "export", run_export, "export all clients as JSON lines or CSV",
        argument("file", "the file to write or replace (default: -, which is stdout)",
                 "FILE", Path, nargs="?", default=_STDOUT),
        argument("--format", "the format (default: by the file's extension; jsonl for stdout)",
                 choices=WRITERS),
        description="Write a consistent snapshot of all clients, even while a server runs.",
    )  # fmt: skip


def run_find(args: Namespace) -> int:
    if args.deleted and any(getattr(args, name) is not None for name in ("sort", *PROPERTY)):
        raise SettingError("--deleted cannot be combined with --sort or a property")
    try:
        q = SEARCH.validate(" ".join(args.q)) if args.q else None
    except ValueError as error:
        raise SettingError(f"TEXT {error}") from None
    find = partial(_found, args, q)
    if args.backups is None:
        with open_database(args, read_only=True) as database, closing(find(database)) as clients:
            print_rows(clients, COLUMNS, as_json=args.json)
        return 0
    failures: list[str] = []
    found = backup.search(args.backups, find, failures.append)
    print_rows(({**row, "file": str(path)} for path, row in found), (*COLUMNS, "file"), as_json=args.json)
    return _print_failures(failures)


def _print_failures(failures: list[str]) -> int:
    """Print each failure in one line. Returns the exit code."""
    for failure in failures:
        print_error(failure)
    return int(failures != [])


def _found(args: Namespace, q: object, database: Database) -> Generator[dict[str, object], None, None]:
    """Matching clients; with ``--deleted``, deleted clients follow, last deleted first."""
    owners = _owners(database)

    def row(record: str, deleted_at: str | None = None) -> dict[str, object]:
        client = parse_client(record)
        return {**client, "owner": owners[client["user_id"]], "deleted_at": deleted_at}

    store = ClientStore(database)
    filters = {name: getattr(args, name) for name in ("sort", *PROPERTY)}
    for record, _ in store.all(OPERATOR, sys.maxsize, q=q, **filters):
        yield row(record)
    if args.deleted:
        page = store.page(OPERATOR, page=1, limit=sys.maxsize, deleted=True, q=q)
        for record, deletion in zip(page.rows, page.deletions or (), strict=True):
            yield row(record, json.loads(deletion)["deletedAt"])


def _owners(database: Database) -> dict[str, str]:
    """The e-mail address of each user, by id."""

    def missing() -> str:
        raise StoreUnavailable(DAMAGED)

    return defaultdict(missing, {user["id"]: user["email"] for user in UserStore(database).list(OPERATOR)})


def run_history(args: Namespace) -> None:
    with open_database(args, read_only=True) as database:
        owners, store = _owners(database), HistoryStore(database)
        histories = [store.stored(client_id) for client_id in args.ids]
        print_json([{"owner": owners[stored.client["user_id"]], **stored._asdict()} for stored in histories])


def run_undelete(args: Namespace) -> None:
    with open_database(args) as database:
        client = HistoryStore(database).restore(OPERATOR, args.id)
    print(f"Restored the client {args.id} as version {client.version}.")


def run_erase(args: Namespace) -> int:
    code = 0
    with open_database(args, read_only=not args.yes) as database:
        try:
            _erase(database, args)
        except Refused as error:  # nothing was erased, but a backup may have the client
            code = _print_failures([str(error)])
    failures: list[str] = []
    if args.backups is not None:
        found = backup.search(
            args.backups, lambda copy: [HistoryStore(copy).stored(args.id).client], failures.append
        )
        is_found = False
        for path, _ in found:
            print(printable(f"The client stays in {path} until you delete this file."))
            is_found = True
        if not (is_found or failures):
            print(printable(f"No backup in {args.backups} has the client."))
    elif code == 0:
        sys.stderr.write(COPIES)
    return _print_failures(failures) or code


def _erase(database: Database, args: Namespace) -> None:
    erased_at = ErasureStore(database).erased_at(args.id)
    if erased_at is not None:
        print(f"The client {args.id} was erased at {erased_at}.")
        return
    client = HistoryStore(database).stored(args.id).client
    owner = _owners(database)[client["user_id"]]
    about = f"{client['first_name']} {client['last_name']}, client of {owner}"
    if not args.yes:
        raise Refused(f"nothing was erased; --yes erases {about}")
    ErasureStore(database).erase(args.id)
    print(printable(f"Erased {about} (client {args.id})."))
    sys.stderr.write("" if database.empty_wal() else NOT_OVERWRITTEN)


def run_purge(args: Namespace) -> None:
    with open_database(args) as database, show_progress() as show:
        purged = HistoryStore(database).purge(args.older_than, show)
        is_overwritten = database.empty_wal()
    print(f"Purged {counted(purged, 'old version')}.")
    sys.stderr.write("" if is_overwritten else NOT_OVERWRITTEN)


def run_export(args: Namespace) -> None:
    if args.file != _STDOUT and args.file.is_file():
        with args.file.open("rb") as replaced:
            if replaced.read(16) == b"SQLite format 3\0":
                raise Refused(f"{args.file}: a database, which an export does not replace")
    form = args.format or ("jsonl" if args.file == _STDOUT else args.file.suffix.lower().removeprefix("."))
    if form not in WRITERS:
        raise SettingError(f"--format: {args.file} does not end in .csv or .jsonl; use csv or jsonl")
    with open_database(args, read_only=True) as database, closing(ClientStore(database).export()) as clients:
        lines = (line.encode() for line in WRITERS[form](clients))
        if args.file == _STDOUT:
            sys.stdout.buffer.writelines(lines)
        elif args.file.exists() and not args.file.is_file():  # a device or a pipe
            with args.file.open("wb") as file:
                file.writelines(lines)
        else:
            target = Path(os.path.realpath(args.file))  # a symbolic link stays; its target is replaced
            with temporary(target) as path:
                with path.open("wb") as file:
                    file.writelines(lines)
                os.replace(path, target)
