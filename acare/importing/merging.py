"""Imports a client again: finds out which side has changed it since the last import, and acts on that.

The store has the version that the last import has read at the source, and the version that it has written
here. Each function returns an outcome.
"""

from typing import Any, Literal

from acare.fields import FIELD_NAMES
from acare.importing.rows import Options, Row
from acare.store.imports import ImportStore

#: ``conflict`` and ``gone`` need a decision; ``kept`` was changed here alone, or by a decision.
Outcome = Literal["created", "updated", "unchanged", "kept", "conflict", "gone", "deleted", "deleted here"]


def merge(row: Row, client: dict[str, Any], store: ImportStore, options: Options) -> Outcome | None:
    """Update the client of a valid row with an id; None if there was never one with this id.

    Fields that the row lacks stay, and the owner if the row's is not known. A source at an earlier version
    than at the last import counts as changed on both sides. InvalidInput if the budgets then cross.
    """
    known = store.get(client["id"])
    if known is None:
        return "deleted here" if store.was_deleted(client["id"]) else None
    values = {name: client[name] if name in row.values else known[name] for name in FIELD_NAMES}
    values["user_id"] = known["user_id"] if row.values.get("owner") is None else client["user_id"]
    given = {name: client.get(name, known[name]) for name in ("version", "created_at", "updated_at")}
    there, remembered, own = client.get("version"), known["source_version"], known["own_version"]
    is_equal = all(value == known[name] for name, value in values.items())
    is_changed_here = own != known["version"]
    if there is None or remembered is None:
        is_changed_there = not is_equal or any(value != known[name] for name, value in given.items())
    else:
        is_changed_there = there != remembered
        is_changed_here |= there < remembered

    outcome: Outcome = "unchanged" if is_equal or not is_changed_here else "kept"
    version = known["version"] if is_equal else own
    if is_changed_there and not (is_changed_here and is_equal):
        if is_changed_here and options.on_duplicate == "update":
            return "conflict"
        if not (is_changed_here and options.on_duplicate == "keep"):
            outcome, version = "updated", max(there or 0, known["version"] + 1)
            given |= {"version": version, "imported_at": options.now}
            store.replace({**known, **values, **given})
    if own is not None:  # else it was created here, and stays so
        store.remember(known["id"], there, version)
    return outcome


def merge_missing(known: dict[str, Any], store: ImportStore, options: Options) -> Outcome:
    """Decide about a client that an earlier import has made, and that its server no longer has."""
    if options.delete_missing and known["own_version"] == known["version"]:
        store.delete(known["id"])
        return "deleted"
    if options.on_duplicate == "keep":
        store.forget(known["id"])
        return "kept"
    return "gone"
