"""Compares the clients of a server with those here after an import, field by field."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from acare.fields import FIELDS, parse_client
from acare.importing import cells, csv_writer
from acare.importing.download import Download
from acare.importing.json_lines import JsonReader, parse
from acare.importing.rows import Options
from acare.store.imports import ImportStore

_DEFAULTS = {field.name: field.default for field in FIELDS}
_NAMES = (*_DEFAULTS, "version", "created_at", "updated_at")


class Proof(NamedTuple):
    """The numbers of clients by what was found, and of the fields that differ, by the same."""

    found: Counter[str]
    fields: dict[str, Counter[str]]

    def total(self, other_side: str) -> int:
        """The number of clients that are not only on the other side, ``there`` or ``here``."""
        return sum(self.found[found] for found in self.found if not found.startswith(f"only {other_side}"))


def prove(download: Download, reader: JsonReader, store: ImportStore, options: Options) -> Proof:
    """Compare all clients of both sides, as the download has read them, and as the store has them.

    Writes a line for each client to ``options.proof``, as CSV.
    """
    proof, file = Proof(Counter(), defaultdict(Counter)), options.proof
    file.write(csv_writer.line(("id", "name", "found", "fields")).encode())
    for client, found, fields in _compare(download, reader, store, options):
        proof.found[found] += 1
        proof.fields[found].update(fields)
        name = f"{client.get('first_name')} {client.get('last_name')}"
        file.write(csv_writer.line((client["id"], name, found, "; ".join(fields))).encode())
    return proof


def _compare(
    download: Download, reader: JsonReader, store: ImportStore, options: Options
) -> Iterator[tuple[Mapping[str, Any], str, list[str]]]:
    """Each client, what was found, and the fields with different values."""
    unseen = set(download.ids())
    owners = {str(reader.owner(parse(line)) or options.defaults["owner"]).lower() for line in download}
    for text, owner, is_changed_here in store.all():
        here = parse_client(text)
        fields: list[str] = []
        if here["id"] in unseen:
            unseen.remove(here["id"])
            there = download.record(here["id"])
            fields = [name for name in _NAMES if _differs(name, there.get(name, here[name]), here[name])]
            if str(reader.owner(there) or owner).lower() != owner.lower():  # without --value, it is not known
                fields.append("user_id")
            changed = "changed here" if is_changed_here else "different"
            found = changed if fields else "equal"
        else:
            found = "only here" if owner.lower() in owners else "only here, of other owners"
        yield here, found, fields
    for client_id in unseen:
        found = "only there, deleted here" if store.was_deleted(client_id) else "only there"
        yield download.record(client_id), found, []


def _differs(name: str, there: Any, here: Any) -> bool:
    if name == "version" and isinstance(there, int):
        return bool(there > here)  # a change here, and an import after a restore, raise the version here
    with suppress(ValueError):
        if there is not None and name.endswith("_at"):
            there = cells.timestamp(there)
    return bool((_DEFAULTS.get(name) if there is None else there) != here)
