"""``acare find``, ``history``, ``erase``, ``export``: the clients of all users."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
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
from acare.fields import parse_client
from acare.filters import FILTERS
from acare.importing import csv_writer, json_lines
from acare.store.deleted import DeletedClients
from acare.store.history import HistoryStore
from acare.store.lists import ClientLists
from acare.store.users import UserStore

CLIENT_ID = argument("client_id", "the client's id", "CLIENT_ID", ids.parse)

# The functions that write the lines of an export, by format, which is also the extension of the file.
_WRITERS = {"csv": csv_writer.lines, "jsonl": json_lines.lines}

COPIES = "Backups are unchanged; --backups DIR lists those that have the client.\n"


@command(
    argument("q", "words to search for", "TEXT", nargs="*"),
    argument("--tag", "only clients with this tag", "TAG", FILTERS["tag"]),
    argument("--deleted", "find deleted clients too", action="store_true"),
    JSON,
)
def find(settings: Settings, q: list[str], tag: str | None, deleted: bool, as_json: bool) -> None:
    """Find clients of all users by name, phone or other words.

    Each word must begin a word of the name, e-mail, phone, tags, locations or notes; a phone number is found
    in any notation, and by its beginning or end.
    """
    if tag is not None and deleted:
        raise SettingError("--tag cannot be combined with --deleted")
    with read_database(settings) as database:
        clients = [*_found(database, " ".join(q) if q else None, tag, deleted)]
    if not as_json:
        clients = [{**each, "name": f"{each['first_name']} {each['last_name']}"} for each in clients]
    columns = ["name", "phone", "email", *(["deleted_at"] if deleted else []), "id"]
    print_rows(clients, columns, as_json=as_json)
    if len(clients) > 1 and not as_json:
        sys.stderr.write(f"{len(clients):,} clients match; 'acare erase' takes the id of one.\n")


def _found(
    database: ReadableDatabase, text: str | None, tag: str | None, deleted: bool
) -> Iterator[dict[str, Any]]:
    """Matching clients, newest first; with ``deleted``, deleted clients follow, last deleted first."""
    owners = _owners(database)

    def row(record: str, deletion: str = "{}") -> dict[str, Any]:
        client = parse_client(record)
        deleted_at = json.loads(deletion).get("deletedAt")
        return {**client, "owner": owners.get(client["user_id"]), "deleted_at": deleted_at}

    for record, _ in ClientLists(database).all(OPERATOR, sys.maxsize, q=text, tag=tag):
        yield row(record)
    if deleted:
        for found in DeletedClients(database).page(OPERATOR, page=1, limit=sys.maxsize, q=text).rows:
            yield row(*found)


def _owners(database: ReadableDatabase) -> dict[str, str]:
    """The e-mail address of each user, by id."""
    return {user["id"]: user["email"] for user in UserStore(database).list(OPERATOR)}


@command(argument("client_ids", "the id of a client, even if deleted", "CLIENT_ID", ids.parse, nargs="+"))
def history(settings: Settings, client_ids: list[str]) -> None:
    """Show everything that is stored about clients, as JSON.

    This includes their history (who changed what, and when) and the responses stored for repeated requests.
    """
    with read_database(settings) as database:
        owners, store = _owners(database), HistoryStore(database)
        histories = [store.stored(client_id) for client_id in client_ids]
        print_json([{"owner": owners.get(stored["client"]["user_id"]), **stored} for stored in histories])


@command(
    CLIENT_ID,
    argument("--yes", "erase; without it, only print the name and owner", action="store_true"),
    argument("--backups", "list the backups in this folder that have the client", "DIR", Path),
)
def erase(settings: Settings, client_id: str, yes: bool, backups: Path | None) -> int:
    """Erase a client permanently, with its history and stored responses about it.

    The id and the time are recorded, so that restoring an older backup erases the client again. Backups are
    not changed.
    """
    if yes and backups is not None:
        remove_temporary_files(backups)  # which a killed backup left
    with (open_database if yes else read_database)(settings) as database:
        searched = copies.beside(database.path) + ([] if backups is None else copies.in_folder(backups))
        found, failed = copies.with_client(searched, client_id)
        for path in found:
            print(printable(f"The client stays in {path} until you delete this file."))
        _erase(database, client_id, is_in_copies=bool(found))
    sys.stderr.write(COPIES if backups is None else "")
    return int(bool(failed))


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
        about = "a client that exists only in copies of the database, even if a copy is restored"
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
                raise Refused(f"{path}: an export does not replace a database")
    name = name or ("jsonl" if path == STDOUT else path.suffix.lower().removeprefix("."))
    if name not in _WRITERS:
        raise SettingError(f"--format: {path} does not end in .csv or .jsonl; use csv or jsonl")
    with (
        read_database(settings) as database,
        closing(ClientLists(database).export()) as rows,
        open_output(path) as file,
    ):
        file.writelines(line.encode() for line in _WRITERS[name](rows))
