"""Compares the clients of a server with those here after an import, field by field."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from acare.fields import FIELDS, parse_client
from acare.importing import cells
from acare.importing.download import Download
from acare.store.imports import ImportStore

_DEFAULTS = {field.name: field.default for field in FIELDS}
_NAMES = (*_DEFAULTS, "version", "created_at", "updated_at")


class Compared(NamedTuple):
    """A client there, here or both: what was found, and the fields with different values."""

    id: str
    name: str
    found: str
    fields: list[str]


class Proof:
    """The numbers of clients there and here, of both by what was found, and of different fields."""

    def __init__(self) -> None:
        self.there = self.here = 0
        self.found: Counter[str] = Counter()
        self.fields: dict[str, Counter[str]] = {}

    def add(self, compared: Compared) -> None:
        self.there += not compared.found.startswith("only here")
        self.here += not compared.found.startswith("only there")
        self.found[compared.found] += 1
        self.fields.setdefault(compared.found, Counter()).update(compared.fields)


def compare(download: Download, store: ImportStore) -> Iterator[Compared]:
    """All clients of both sides, as the download has read them, and as the store has them."""
    unseen = set(download.ids())
    for text, owner, source, own_version in store.all():
        here = parse_client(text)
        fields: list[str] = []
        if here["id"] in download:
            unseen.remove(here["id"])
            fields = list(_differences(download.record(here["id"]), here, owner, download.owners))
            changed = "changed here" if own_version != here["version"] else "different"
            found = changed if fields else "equal"
        elif owner.lower() not in download.emails:
            found = "only here, of other owners"
        else:
            found = "only here, gone there" if source == download.source else "only here"
        yield Compared(here["id"], _name(here), found, fields)
    for client_id in unseen:
        found = "only there, deleted here" if store.was_deleted(client_id) else "only there"
        yield Compared(client_id, _name(download.record(client_id)), found, [])


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


def _name(client: Mapping[str, Any]) -> str:
    return f"{client.get('first_name')} {client.get('last_name')}"
