"""Compares the clients of a server with those here after an import, field by field."""

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from acare.fields import FIELDS, parse_client
from acare.importing import cells, csv_rows
from acare.importing.download import Download
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


def prove(download: Download, store: ImportStore, path: Path | None) -> Proof:
    """Compare all clients of both sides, as the download has read them, and as the store has them.

    Writes a line for each client to a file with this path, as CSV.
    """
    proof = Proof(Counter(), defaultdict(Counter))
    with (path or Path(os.devnull)).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "name", "found", "fields"))
        for client, found, fields in _compare(download, store):
            proof.found[found] += 1
            proof.fields[found].update(fields)
            name = csv_rows.defuse(f"{client.get('first_name')} {client.get('last_name')}")
            writer.writerow((client["id"], name, found, "; ".join(fields)))
    return proof


def _compare(download: Download, store: ImportStore) -> Iterator[tuple[Mapping[str, Any], str, list[str]]]:
    """Each client, what was found, and the fields with different values."""
    unseen = set(download.ids())
    for text, owner, own_version in store.all():
        here = parse_client(text)
        fields: list[str] = []
        if here["id"] in unseen:
            unseen.remove(here["id"])
            fields = list(_differences(download.record(here["id"]), here, owner, download.owners))
            changed = "changed here" if own_version != here["version"] else "different"
            found = changed if fields else "equal"
        elif owner.lower() not in download.emails:
            found = "only here, of other owners"
        else:
            found = "only here, gone there" if here["id"] in download.gone else "only here"
        yield here, found, fields
    for client_id in unseen:
        found = "only there, deleted here" if store.was_deleted(client_id) else "only there"
        yield download.record(client_id), found, []


def _differences(
    there: Mapping[str, Any], here: Mapping[str, Any], owner: str, owners: Mapping[str, str]
) -> Iterator[str]:
    """The fields that are different. Without --value for the owner there, owners cannot be compared."""
    for name in _NAMES:
        value = there.get(name, here[name])
        if value is None:
            value = _DEFAULTS.get(name)
        elif name.endswith("_at"):
            with suppress(ValueError):
                value = cells.timestamp(value)
        if value != here[name]:
            yield name
    email = owners.get(str(there.get("user_id")).casefold(), owners.get("*", owner))
    if email.lower() != owner.lower():
        yield "user_id"
