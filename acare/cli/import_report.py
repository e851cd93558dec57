"""The report of ``acare import``: columns, owners, problems with their fixes, what is undecided, numbers."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence

from acare.cli.output import counted, printable
from acare.importing.csv_file import Column
from acare.importing.importer import ProblemSummary, Reader, Result
from acare.importing.json_lines import JsonReader
from acare.importing.proof import Proof
from acare.importing.rows import OPTIONAL, REQUIRED, Options

# The fields whose values differ between programs, each with the placeholder for a value in acare.
_MEANINGS = {"client_type": "TYPE", "status": "STATUS", "owner": "EMAIL"}

# The options that fix a problem with a field.
_FIXES = {
    "client_type": "--default client_type=buyer for rows without one, or --rejects FILE",
    "owner": "--user EMAIL for rows without one, and 'acare user add' adds a user",
    "first_name": "--default first_name=- for rows without one, or --rejects FILE",
    "last_name": "--default last_name=- for rows without one, or --rejects FILE",
    "created_at": "--dates dmy or --dates mdy for dates such as 5/7/2026, --lenient for others",
    "duplicate": "--on-duplicate skip or create",
    "same": "a warning only",
}
_OTHER_FIX = "--rejects FILE for the other rows"

# The outcomes that need a decision, in the words of the report.
_UNDECIDED = {
    "conflict": "Changed on both sides, and kept (--on-duplicate overwrite or keep)",
    "gone": "No longer at the source, and kept (--delete-missing or --on-duplicate keep)",
}

# The outcomes of an update, in the order of the last line.
_OUTCOMES = (
    *("created", "updated", "deleted", "unchanged", "kept", "conflict", "gone"),
    *("deleted here", "refused", "duplicate"),
)


def print_report(result: Result, reader: Reader, options: Options) -> None:
    """Print the columns and owners, the unknown names, the problems, what is undecided, and the numbers."""
    columns = reader.columns
    if options.dry_run:
        for column in columns:
            field = "unknown" if column.target is None else column.target or "ignored"
            print(f"    {printable(column.name)} -> {field}")
    if isinstance(reader, JsonReader):
        _print_owners(reader.user_ids, options)
    if reader.unknown:
        kind, hint = ("columns", "; --map COLUMN=notes imports one") if columns else ("fields", "")
        print(printable(f"Unknown {kind}: {', '.join(reader.unknown)} (not imported{hint})"))
    for text, summary in result.summaries.items():
        more = ", ..." if summary.count > len(summary.examples) else ""
        rows = f"{counted(summary.count, 'row')} ({', '.join(summary.examples)}{more})"
        is_skipped = summary.field == "duplicate" and result.counts["skipped"]
        print(printable(f"{text}: {rows}; {'skipped' if is_skipped else _fix(summary, columns)}"))
    for outcome, client_id, name in result.undecided:
        print(printable(f"{_UNDECIDED[outcome]}: {client_id} {name}"))
    missing = ", ".join(
        f"{name} ({counted(number, 'client')})" for name, number in sorted(result.missing.items())
    )
    unaccepted = result.missing.keys() - set(options.may_lack)
    if unaccepted:
        names = ",".join(sorted(unaccepted))
        print(f"The source lacks {missing}; --allow-missing {names} imports the clients without them.")
    if result.proof is not None:
        _print_proof(result.proof)
    print(_last_line(result, options) + (f" The source lacks {missing}." if missing else ""))


def _print_owners(user_ids: Counter[tuple[str, str | None]], options: Options) -> None:
    """Print the owners at the source for a dry run, and how many clients go to ``--user``."""
    for (user_id, owner), number in user_ids.items() if options.dry_run else ():
        print(printable(f"    owner {user_id}: {counted(number, 'client')} -> {owner or '--user'}"))
    rest = sum(number for (_, owner), number in user_ids.items() if owner is None)
    if rest and options.defaults["owner"] is not None:
        print(f"Owners without --value user_id:UUID=EMAIL: {counted(rest, 'client')}; new ones go to --user.")


def _print_proof(proof: Proof) -> None:
    print(f"Compared with the source: {proof.total('here'):,} clients there, {proof.total('there'):,} here")
    for found, number in proof.found.most_common():
        fields = ", ".join(f"{name} {count:,}" for name, count in proof.fields[found].most_common())
        print(f"    {number:,} {found}{f': {fields}' if fields else ''}")


def _last_line(result: Result, options: Options) -> str:
    counts = result.counts
    if not options.is_update:
        duplicates = counted(counts["duplicate"] + counts["skipped"], "duplicate")
        numbers = f"{counts['created']:,} valid, {counts['refused']:,} refused, {duplicates}"
        done = "the valid rows were imported" if counts["created"] else "no row was imported"
    else:
        numbers = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts[outcome])
        written = sum(counts[outcome] for outcome in ("created", "updated", "deleted"))
        done = f"{counted(written, 'client')} written" if written else "there was nothing to write"
    return f"{numbers}; {done if result.is_written else 'nothing was written'}."


def _fix(summary: ProblemSummary, columns: Sequence[Column]) -> str:
    """The options that fix a problem. JSON lines have no columns."""
    field, texts = summary.field, summary.examples.values()
    fix = _FIXES.get(field, f"--lenient, or {_OTHER_FIX}" if field in OPTIONAL else _OTHER_FIX)
    read = {column.target for column in columns}
    if "full_name" in read:
        read |= {"first_name", "last_name"}
    if columns and field in REQUIRED - read:
        fix += f"; --map COLUMN={field} if a column has it"
    text, meaning = next(filter(None, texts), ""), _MEANINGS.get(field)
    is_named = bool(columns) or summary.column == "user_id"
    if meaning is None or not is_named or not text or re.fullmatch(r"\S+@\S+", text):
        return fix
    one, others = (shlex.quote(f"{summary.column}:{each}={meaning}") for each in (text, "*"))
    values = f"--value {one}, for all others --value {others}"
    return f"{values}; {fix}" if "" in texts else values
