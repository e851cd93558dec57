"""Imports a client again: who has changed it since the last import, here or there, and what follows.

The store remembers the version there that the last import has read, and the one here that it has written.
Each function returns an outcome.
"""

from typing import Any, Literal

from acare.fields import FIELD_NAMES
from acare.importing.rows import Options, Row
from acare.store.imports import ImportStore

#: ``conflict`` and ``gone`` are left to a person to decide; ``kept`` was changed here alone, or is settled.
Outcome = Literal["created", "updated", "unchanged", "kept", "conflict", "gone", "deleted", "deleted here"]


def add(row: Row, values: dict[str, Any], store: ImportStore) -> Outcome:
    """Create the client of a row."""
    store.add(values)
    if values["id"] == row.given.get("id"):
        store.remember(values["id"], row.given.get("version"), row.given.get("version", 1))
    return "created"


def merge(row: Row, known: dict[str, Any], store: ImportStore, options: Options) -> Outcome:
    """Update the client that has the id of a row, and is ``known`` here.

    Fields that the row lacks stay, and the owner if the row's is not known.
    """
    sent = row.values.keys() | options.defaults.keys()
    values = {name: row.client[name] if name in sent else known[name] for name in FIELD_NAMES}
    values["user_id"] = row.given["owner"] if "owner" in row.values else known["user_id"]
    is_equal = all(value == known[name] for name, value in values.items())
    there = row.given.get("version")
    is_made_here = known["own_version"] is None
    is_changed_here = known["own_version"] != known["version"]
    if None in (there, known["source_version"]):
        given = {name: row.given.get(name, known[name]) for name in ("version", "created_at", "updated_at")}
        is_changed_there = not is_equal or any(value != known[name] for name, value in given.items())
    else:
        is_changed_there = there != known["source_version"]

    if not is_changed_there or (is_changed_here and is_equal):
        if not is_made_here:
            own_version = known["version"] if is_equal else known["own_version"]
            store.remember(known["id"], there, own_version)
        return "unchanged" if is_equal or not is_changed_here else "kept"
    if is_changed_here and options.on_duplicate == "update":
        return "conflict"
    if is_changed_here and options.on_duplicate == "keep":
        if not is_made_here:
            store.remember(known["id"], there, known["own_version"])
        return "kept"
    version = max(there or 0, known["version"] + 1)
    times = {name: row.given.get(name, known[name]) for name in ("created_at", "updated_at")}
    store.replace({**values, **times, "id": known["id"], "version": version, "imported_at": options.now})
    if not is_made_here:
        store.remember(known["id"], there, version)
    return "updated"


def merge_missing(known: dict[str, Any], store: ImportStore, options: Options) -> Outcome:
    """Decide about a client that an earlier import has made, and that its server no longer has."""
    is_changed_here = known["own_version"] != known["version"]
    if options.delete_missing and not is_changed_here:
        store.delete(known["id"])
        return "deleted"
    if options.on_duplicate == "keep":
        store.forget(known["id"])
        return "kept"
    return "conflict" if is_changed_here else "gone"
