"""``acare import``: clients from CSV, JSON lines or another server."""

import os
import re
import shlex
import tempfile
from collections import Counter
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from acare import timestamps
from acare.cli.options import argument, command, open_database, read_database
from acare.cli.output import counted, open_output, printable, show_progress
from acare.config import Settings
from acare.database.database import Database, ReadOnlyDatabase
from acare.errors import Refused, SettingError
from acare.field_types import USER_EMAIL
from acare.fields import FIELD_NAMES
from acare.importing.cells import TARGETS
from acare.importing.download import Download
from acare.importing.importer import ProblemSummary, Reader, Result, import_rows, open_reader
from acare.importing.json_lines import JsonReader
from acare.importing.proof import Proof
from acare.importing.remote import Remote
from acare.importing.rows import UPDATES, Options
from acare.store.users import UserStore


def _mapping(text: str) -> tuple[str, str]:
    column, equals, target = text.rpartition("=")
    if not equals or (target and target not in TARGETS):
        raise ValueError(f"must be COLUMN=FIELD with one of {', '.join(TARGETS)}")
    return column, target


def _value(text: str) -> tuple[str, str, str]:
    left, equals, value = text.rpartition("=")
    column, colon, written = left.partition(":")
    if not equals or not colon:
        raise ValueError("must be COLUMN:TEXT=VALUE")
    return column.strip(), written.strip(), value.strip()


def _default(text: str) -> tuple[str, object]:
    name, equals, written = text.partition("=")
    if not equals or name not in FIELD_NAMES:
        raise ValueError(f"must be FIELD=VALUE with one of {', '.join(FIELD_NAMES)}")
    return name, TARGETS[name](written)


_DEFAULT = "the value of a field that a row lacks, for example client_type=buyer"
_REJECTS = "write invalid rows and duplicates to FILE, and import the others"
_DUPLICATE = (
    "how to handle clients that already exist, by id, e-mail, phone or name (default: fail). For "
    "records with an id, update takes what was changed only at the source since the last import; keep also "
    "accepts conflicts: clients that were changed on both sides stay as they are here"
)
_MAP = f"for CSV: the field for a column, or nothing to ignore the column. Fields: {', '.join(TARGETS)}"
_VALUE = (
    "for CSV: the value for a text in a column, for example 'Lead Status:New=active' or 'Contact owner:Ana "
    "Torres=ana@example.com'; the text * stands for any other text. For JSON and URLs: user_id:UUID=EMAIL"
)
_DOWNLOAD = "for a URL: keep the downloaded clients in FILE, from which an interrupted import continues"
_MISSING = "for a URL: import the clients although the server lacks these fields"


@command(
    argument("source", "a CSV file, a file of JSON lines, or the base URL of a server", "FILE|URL"),
    argument("--user", "the owner of clients in rows without an owner", "EMAIL", USER_EMAIL),
    argument("--default", _DEFAULT, "FIELD=VALUE", _default, action="append", default=[], dest="defaults"),
    argument("--rejects", _REJECTS, "FILE", Path),
    argument("--on-duplicate", _DUPLICATE, choices=("fail", "skip", "create", *UPDATES), default="fail"),
    argument("--dates", "the order of day and month in dates such as 5/7/2026", choices=("dmy", "mdy")),
    argument("--dry-run", "report problems, and write nothing", action="store_true"),
    argument("--map", _MAP, "COLUMN=FIELD", _mapping, action="append", default=[], dest="chosen"),
    argument("--value", _VALUE, "COLUMN:TEXT=VALUE", _value, action="append", default=[], dest="values"),
    argument("--key-file", "for a URL: the file with the API key", "FILE", Path),
    argument("--download", _DOWNLOAD, "FILE", Path, dest="kept"),
    argument("--proof", "for a URL: write the comparison to FILE, as CSV, a line per client", "FILE", Path),
    argument(
        "--allow-missing", _MISSING, "FIELD,...", lambda text: text.split(","), default=[], dest="may_lack"
    ),
)
def import_(
    settings: Settings,
    source: str,
    user: str | None,
    defaults: list[tuple[str, object]],
    chosen: list[tuple[str, str]],
    values: list[tuple[str, str, str]],
    rejects: Path | None,
    proof: Path | None,
    key_file: Path | None,
    kept: Path | None,
    **given: Any,  # the other fields of Options
) -> int:
    """Import clients from CSV, JSON lines or another server, or report all problems and import none.

    The exit code is 1 if problems or duplicates prevented the import, or there are conflicts: the last line
    says what was written.
    """
    options = Options(timestamps.now(), {**dict(defaults), "owner": user}, **given)
    is_url = re.match("https?://", source, re.IGNORECASE) is not None
    if not is_url and (key_file or kept or proof or options.may_lack):
        raise SettingError("--key-file, --download, --proof and --allow-missing need a URL")
    if rejects is not None and rejects.exists():
        raise Refused(f"--rejects: {rejects}: File exists")
    reader: Reader
    download = None
    opened: AbstractContextManager[Database | ReadOnlyDatabase] = (
        read_database(settings) if options.dry_run else open_database(settings)
    )
    with ExitStack() as stack:
        progress = stack.enter_context(show_progress())
        database = stack.enter_context(opened)
        if user is not None:
            UserStore(database).get(user)
        # Before a download, which can take hours: files that cannot be written are noticed.
        rejected = None
        if rejects is not None:
            rejected = stack.enter_context(open_output(rejects, keep_empty=False))
        compared = stack.enter_context(open_output(proof or Path(os.devnull), keep_empty=False))
        options = replace(options, rejects=rejected, proof=compared)
        if is_url:
            file, remote = stack.enter_context(_private(kept)), _remote(source, key_file)
            download = Download(remote, file, progress)
            reader = JsonReader(download, dict(chosen), values)
            try:
                download.run()  # before the transaction: no writer waits for the network
            except OSError as error:
                with suppress(OSError):  # its buffer cannot be written either
                    file.close()
                raise OSError(error.errno, error.strerror, str(kept or tempfile.gettempdir())) from None
            options = replace(options, now=timestamps.now())  # clients can be created during a download
        else:
            reader = open_reader(stack.enter_context(open(source, "rb")), dict(chosen), values)
        result = import_rows(database, reader, options, progress, download)
        if rejected is not None and not result.is_written:
            rejected.truncate(0)
    _print_report(result, reader, options)
    return int(result.needs_action(options))


def _remote(url: str, key_file: Path | None) -> Remote:
    """The server at a URL, with the key in the file."""
    if key_file is None:
        raise SettingError("a URL needs --key-file, the name of a file with an API key")
    if "@" in url or "?" in url:
        raise SettingError("the URL must have no user name, password or query; --key-file has the key")
    key = key_file.read_text("utf-8", "replace").strip()
    if not re.fullmatch("[!-~]+", key):
        raise Refused(f"{key_file}: the file must have one line: the API key")
    return Remote(url, key)


def _private(path: Path | None) -> IO[bytes]:
    """A file that only its owner can read: new, existing or, without a path, temporary."""
    if path is None:
        return tempfile.TemporaryFile()
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")


# --- the report

_BY_ID = "duplicate of this client by id"

# What helps with a problem, by the field, the kind or the text.
_HINTS = {
    "client_type": "--default client_type=buyer is for rows without one",
    "owner": "--value maps names and ids to users, --user EMAIL is for rows without one",
    "first_name": "--default first_name=- is for rows without one",
    "last_name": "--default last_name=- is for rows without one, and --map COLUMN=full_name for full names",
    "created_at": "--dates dmy or --dates mdy for dates such as 5/7/2026",
    "duplicate": "--on-duplicate skip or create",
    _BY_ID: "--on-duplicate update or skip",  # create would make a copy of each client
    "possible": "imported, since the first names differ",
}
_OTHER_HINT = "--rejects FILE imports the other rows"
_MEANINGS = {"client_type": "buyer", "status": "active"}

# The outcomes in the order of the last line.
_OUTCOMES = (
    *("created", "updated", "unchanged", "kept", "conflict", "deleted here"),
    *("refused", "duplicate", "skipped"),
)


def _print_report(result: Result, reader: Reader, options: Options) -> None:
    """Print the columns and owners, the unknown names, the problems, the conflicts, and the numbers."""
    if options.dry_run:
        for column in reader.columns:
            field = "unknown" if column.target is None else column.target or "ignored"
            print(f"    {printable(column.name)} -> {field}")
    if isinstance(reader, JsonReader):
        _print_owners(reader.user_ids, options)
    if reader.unknown:
        kind, hint = ("columns", "; --map COLUMN=notes imports one") if reader.columns else ("fields", "")
        print(printable(f"Unknown {kind}: {', '.join(reader.unknown)} (not imported{hint})"))
    hints = _HINTS | (dict.fromkeys(("duplicate", _BY_ID), "skipped") if result.counts["skipped"] else {})
    other = _OTHER_HINT if options.rejects is None else "not imported"
    for text, summary in result.summaries.items():
        more = ", ..." if summary.count > len(summary.examples) else ""
        rows = f"{counted(summary.count, 'row')} ({', '.join(summary.examples.values())}{more})"
        hint = _hint_of_value(summary, reader, other) or hints.get(text) or hints.get(summary.field, other)
        print(printable(f"{text}: {rows}; {hint}"))
    for client_id, name in result.conflicts:
        settle = "--on-duplicate keep accepts this for all"
        print(printable(f"Changed on both sides, and left as it is here ({settle}): {client_id} {name}"))
    lacking = [f"{name} ({counted(number, 'client')})" for name, number in sorted(result.missing.items())]
    lacks = f" The source lacks {', '.join(lacking)}." if lacking else ""
    if unaccepted := sorted(result.missing.keys() - set(options.may_lack)):
        print(f"--allow-missing {','.join(unaccepted)} imports the clients without these fields.")
    if result.proof is not None:
        _print_proof(result.proof)
    numbers = ", ".join(f"{result.counts[each]:,} {each}" for each in _OUTCOMES if result.counts[each])
    written = sum(result.counts[each] for each in ("created", "updated"))
    done = f"{counted(written, 'client')} written" if written else "there was nothing to write"
    print(f"{numbers}; {done if result.is_written else 'nothing was written'}.{lacks}")


def _hint_of_value(summary: ProblemSummary, reader: Reader, other: str) -> str | None:
    """What helps with a text or a date in a column; ``other`` without columns. None for other problems."""
    shown, place = next(iter(summary.examples.items()))
    if shown == place or summary.field not in {*_MEANINGS, "created_at"}:
        return None
    if not reader.columns:
        return other
    if summary.field == "created_at":
        return None
    (column, *_) = (column.name for column in reader.columns if column.target == summary.field)
    return f"--value {shlex.quote(f'{column}:{shown}={_MEANINGS[summary.field]}')}, for example"


def _print_owners(user_ids: Counter[tuple[str, str | None]], options: Options) -> None:
    """Print the owners at the source for a dry run, and how many clients go to ``--user``."""
    for (user_id, owner), number in user_ids.items() if options.dry_run else ():
        print(printable(f"    owner {user_id}: {counted(number, 'client')} -> {owner or '--user'}"))
    rest = sum(number for (_, owner), number in user_ids.items() if owner is None)
    if rest and options.defaults["owner"] is not None:
        print(f"Owners without --value user_id:UUID=EMAIL: {counted(rest, 'client')}; new ones go to --user.")


def _print_proof(proof: Proof) -> None:
    there = counted(proof.total("here"), "client")
    print(f"Compared with the source: {there} there, {proof.total('there'):,} here")
    for found, number in proof.found.most_common():
        fields = ", ".join(f"{name} {count:,}" for name, count in proof.fields[found].most_common())
        print(f"    {number:,} {found}{f': {fields}' if fields else ''}")
