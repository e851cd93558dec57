"""Imports a client again: finds out which side has changed it since the last import, and acts on that.

A client has the version at the source that the last import read, ``source_version``. It was changed here
since if no import wrote its present version: ``imported_at`` is None.
"""

from typing import Any, Literal

from acare.fields import FIELD_NAMES
from acare.importing.rows import Options, Row
from acare.store.imports import ImportStore

#: ``kept`` was changed here alone, or is kept by a decision; a ``conflict`` needs one.
Outcome = Literal["updated", "unchanged", "kept", "conflict", "deleted here"]


def update(row: Row, client: dict[str, Any], store: ImportStore, options: Options) -> Outcome | None:
    """Update the client of a valid row with an id; None if there was never one with this id.

    Fields that the row lacks stay, and the owner if the row's is not known. InvalidInput if the budgets then
    cross.
    """
    known = store.get(client["id"])
    if known is None:
        return "deleted here" if store.was_deleted(client["id"]) else None
    values = {name: client[name] if name in row.values else known[name] for name in FIELD_NAMES}
    values["user_id"] = known["user_id"] if row.values.get("owner") is None else client["user_id"]
    times = {name: client.get(name, known[name]) for name in ("created_at", "updated_at")}
    there, last_read = client.get("version"), known["source_version"]
    is_equal = all(known[name] == value for name, value in values.items())
    is_complete = (there or 0) <= known["version"] and all(known[name] == at for name, at in times.items())
    is_lower = None not in (there, last_read) and there < last_read
    imported_at = known["imported_at"]

    outcome: Outcome
    if is_equal and (is_complete or is_lower or imported_at is None):
        outcome = "unchanged"
    elif imported_at is not None and not is_lower:
        version = max(there or 0, max(known["version"], store.floor) + 1)
        given = {**times, "version": version, "source_version": there, "imported_at": options.now}
        store.replace({**known, **values, **given})
        return "updated"
    elif there is not None and there == last_read:
        return "kept"
    elif options.on_duplicate == "keep":
        outcome, imported_at = "kept", None
    else:
        return "conflict"
    if there not in (None, last_read):
        store.remember(known["id"], there, imported_at)
    return outcome
