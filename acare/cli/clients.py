"""``acare find``, ``history``, ``undelete``, ``erase``, ``export``: the clients of all users."""

import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from acare import ids
from acare.auth import OPERATOR
from acare.cli import copies
from acare.cli.maintenance import NOT_OVERWRITTEN
from acare.cli.options import JSON, argument, command, open_database, read_database
from acare.cli.output import STDOUT, open_output, print_json, print_rows, printable
from acare.config import Settings
from acare.database.database import Database, ReadableDatabase
from acare.database.disk import remove_temporary_files
from acare.errors import NotFound, Refused, SettingError
from acare.field_types import USER_EMAIL
from acare.fields import parse_client
from acare.filters import FILTERS, parse_due
from acare.importing import csv_rows, json_lines
from acare.store.deleted import DeletedClients
from acare.store.history import HistoryStore
from acare.store.lists import ClientLists
from acare.store.users import UserStore

CLIENT_ID = argument("client_id", "the client's id", "CLIENT_ID", ids.parse)

# The functions that write the lines of an export, by format, which is also the extension of the file.
_WRITERS = {"csv": csv_rows.lines, "jsonl": json_lines.lines}

COPIES = "Backups are unchanged; --backups DIR lists those with the client.\n"


@command(
    argument("q", "the words", "TEXT", nargs="*"),
    argument("--email", "only clients with this e-mail address", "EMAIL", FILTERS["email"]),
    argument("--user", "only clients of this user", "EMAIL", USER_EMAIL),
    argument("--tag", "only clients with this tag", "TAG", FILTERS["tag"]),
    argument(
        "--due", "only clients with a follow-up by this date, or any; earliest first", "DATE", parse_due
    ),
    argument("--deleted", "find deleted clients too", action="store_true"),
    argument("--history", "find earlier versions too, also of deleted clients", action="store_true"),
    argument("--backups", "search the backups in this folder instead", "DIR", Path),
    JSON,
)
def find(
    settings: Settings,
    q: list[str],
    email: str | None,
    user: str | None,
    tag: str | None,
    due: str | None,
    deleted: bool,
    history: bool,
    backups: Path | None,
    as_json: bool,
) -> int:
    """Find clients of all users by name, phone or other words.

    Each word must begin a word of the name, e-mail, phone, tags, locations or notes; a phone number is found
    in any notation, and by its beginning or end.
    """
    current = {"tag": tag, "due": due}  # these filters find only clients as they are
    for name, value in current.items():
        if value is not None and (deleted or history):
            raise SettingError(f"--{name} cannot be combined with --deleted, --history")
    text = " ".join(q) if q else None
    search = partial(_found, current, user=user, deleted=deleted, history=history, q=text, email=email)
    columns = (
        ["name", "phone", "email"] + ["deleted_at"] * (deleted or history) + ["version"] * history + ["id"]
    )
    if backups is None:
        with read_database(settings) as database, closing(search(database)) as clients:
            _print_found(clients, columns, as_json=as_json)
        return 0
    failed: list[Path] = []
    found = copies.search(copies.in_folder(backups), search, failed)
    _print_found(({**row, "file": str(path)} for path, row in found), [*columns, "file"], as_json=as_json)
    return int(failed != [])


def _print_found(rows: Iterable[dict[str, Any]], columns: list[str], *, as_json: bool) -> None:
    """Print clients; as text, with their full names and, on stderr, the number of different clients."""
    found: set[str] = set()

    def shown() -> Iterator[dict[str, Any]]:
        for row in rows:
            found.add(row["id"])
            yield {**row, "name": f"{row['first_name']} {row['last_name']}"}

    print_rows(rows if as_json else shown(), columns, as_json=as_json)
    if len(found) > 1:
        sys.stderr.write(f"{len(found):,} clients match; 'acare erase' takes the id of one.\n")


def _found(
    current: Mapping[str, object],
    database: ReadableDatabase,
    user: str | None,
    deleted: bool,
    history: bool,
    **filters: object,
) -> Generator[dict[str, object], None, None]:
    """Matching clients, newest first; with ``deleted``, deleted clients follow; with ``history``, earlier
    versions, those of a client together."""
    owners = _owners(database)
    filters["user_id"] = None if user is None else UserStore(database).get(user).id

    def row(record: str, deleted_at: str | None = None) -> dict[str, object]:
        client = parse_client(record)
        return {**client, "owner": owners.get(client["user_id"]), "deleted_at": deleted_at}

    for record, _ in ClientLists(database).all(OPERATOR, sys.maxsize, **current, **filters):
        yield row(record)
    if deleted or history:
        with closing(DeletedClients(database).find(history=history, **filters)) as stored:
            for record, deleted_at in stored:
                yield row(record, deleted_at)


def _owners(database: ReadableDatabase) -> dict[str, str]:
    """The e-mail address of each user, by id."""
    return {user["id"]: user["email"] for user in UserStore(database).list(OPERATOR)}


@command(argument("client_ids", "a client, which may be deleted", "CLIENT_ID", ids.parse, nargs="+"))
def history(settings: Settings, client_ids: list[str]) -> None:
    """Show everything that is stored about clients, as JSON.

    That is their history, with who changed what, and when; and the responses stored for repeated requests.
    """
    with read_database(settings) as database:
        owners, store = _owners(database), HistoryStore(database)
        histories = [store.stored(client_id) for client_id in client_ids]
        print_json([{"owner": owners.get(stored["client"]["user_id"]), **stored} for stored in histories])


@command(CLIENT_ID)
def undelete(settings: Settings, client_id: str) -> None:
    """Restore a deleted client, with its id and a new version."""
    with open_database(settings) as database:
        client = DeletedClients(database).restore(OPERATOR, client_id)
    print(f"Restored the client {client_id} as version {client.version}.")


@command(
    CLIENT_ID,
    argument("--yes", "erase; without it, only print the name and owner", action="store_true"),
    argument("--backups", "list the backups in this folder that have it", "DIR", Path),
)
def erase(settings: Settings, client_id: str, yes: bool, backups: Path | None) -> int:
    """Erase a client permanently, with its history and stored responses about it.

    The id and the time are recorded, so that restoring an older backup erases the client again. Backups are
    not changed.
    """
    failed: list[Path] = []
    if yes and backups is not None:
        remove_temporary_files(backups)  # which a killed backup left
    with (open_database if yes else read_database)(settings) as database:
        searched = copies.beside(database.path) + ([] if backups is None else copies.in_folder(backups))
        found = copies.search(searched, lambda copy: [HistoryStore(copy).stored(client_id)["client"]], failed)
        paths = [path for path, _ in found]
        for path in paths:
            print(printable(f"The client stays in {path} until you delete this file."))
        _erase(database, client_id, is_in_copies=bool(paths))
    sys.stderr.write(COPIES if backups is None else "")
    return int(failed != [])


def _erase(database: ReadableDatabase, client_id: str, is_in_copies: bool) -> None:
    erased_at = DeletedClients(database).erased_at(client_id)
    if erased_at is not None:
        print(f"The client {client_id} was erased at {erased_at}.")
        return
    try:
        client = HistoryStore(database).stored(client_id)["client"]
        owner = _owners(database).get(client["user_id"])
        about = f"{client['first_name']} {client['last_name']}, client of {owner}"
    except NotFound:
        if not is_in_copies:
            raise
        about = "a client that only copies of the database have, also when one is restored"
    if not isinstance(database, Database):
        raise Refused(f"nothing was erased; --yes erases {about}")
    DeletedClients(database).erase(client_id)
    print(printable(f"Erased {about} (client {client_id})."))
    sys.stderr.write("" if database.empty_wal() else NOT_OVERWRITTEN)


@command(
    argument("path", "the file to write (default: -, which is stdout)", "FILE", Path, nargs="?"),
    argument(
        "--format", "the format (default: by the extension; jsonl for stdout)", choices=_WRITERS, dest="name"
    ),
)
def export(settings: Settings, path: Path | None, name: str | None) -> None:
    """Export all clients as JSON lines or CSV: a consistent snapshot, even while a server runs."""
    path = path or STDOUT
    if path != STDOUT and path.is_file():
        with path.open("rb") as replaced:
            if replaced.read(16) == b"SQLite format 3\0":
                raise Refused(f"{path}: a database, which an export does not replace")
    name = name or ("jsonl" if path == STDOUT else path.suffix.lower().removeprefix("."))
    if name not in _WRITERS:
        raise SettingError(f"--format: {path} does not end in .csv or .jsonl; use csv or jsonl")
    with (
        read_database(settings) as database,
        closing(ClientLists(database).export()) as rows,
        open_output(path) as file,
    ):
        file.writelines(line.encode() for line in _WRITERS[name](rows))
