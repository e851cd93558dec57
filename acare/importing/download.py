"""Downloads the clients of another server into a file of JSON lines, which an import then reads."""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import IO, Any
from urllib.parse import quote

from acare.database.copying import Progress
from acare.errors import Refused
from acare.fields import HOSTED_NAMES
from acare.importing.json_lines import parse
from acare.importing.remote import SHARE, WINDOW, Remote
from acare.json_text import from_json

log = logging.getLogger("acare.importing")

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_CLIENTS = 10_000_000


class Download:
    """The clients of a server in a file.

    What the file has from an earlier, interrupted download is not read again, as far as the list shows no
    change.
    """

    def __init__(self, remote: Remote, file: IO[bytes], progress: Progress) -> None:
        self._remote, self._file, self._show = remote, file, progress
        self._done = (0, 0)  # clients, and how many there are
        remote.on_pause = self._progress
        self._positions: dict[str, int] = {}  # of the newest line of each client
        self._find_positions()

    def ids(self) -> Set[str]:
        return self._positions.keys()

    def record(self, client_id: str) -> dict[str, Any]:
        """A client as it was read."""
        return parse(self._line(self._positions[client_id]))

    def __iter__(self) -> Iterator[bytes]:
        """The lines of all clients, oldest first, for a ``JsonReader``."""
        return map(self._line, self._positions.values())

    def run(self) -> None:
        """Read all clients completely.

        The list is read until a pass shows nothing new: a client that is created or deleted meanwhile moves
        others to another page. Clients that only earlier passes showed are read by id: they may be deleted.
        """
        shown: dict[str, int] = {}
        try:
            for _ in range(_MAX_PASSES):
                listed = self._read_list(shown)
                if listed.items() <= shown.items():
                    missed = [client_id for client_id in shown if client_id not in listed]
                    for client_id in missed:
                        self._read(client_id)
                    in_order = (*missed, *reversed(listed))
                    self._positions = {
                        each: self._positions[each] for each in in_order if each in self._positions
                    }
                    return
                shown |= listed
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._remote.base}: unexpected response: {error!r}") from None
        raise Refused(
            f"{self._remote.base}: the clients changed during each of {_MAX_PASSES} passes; try later"
        )

    def _read_list(self, shown: Mapping[str, int]) -> dict[str, int]:
        """One pass: a hash of what the list shows of each client, in its order, newest first.

        What it has not ``shown`` before is kept; a client of which it lacks a field is read by id.
        """
        listed: dict[str, int] = {}
        for clients, total in self._pages():
            if not shown and not listed:
                self._announce(clients, total)
            for client in clients:
                client_id = client["id"]
                before, listed[client_id] = shown.get(client_id), hash(json.dumps(client))
                if before != listed[client_id] and not (before is None and self._is_kept(client)):
                    self._read(client_id) if HOSTED_NAMES - client.keys() else self._keep(client)
                self._done = len(listed), total
                self._progress("Downloading")
        return listed

    def _announce(self, clients: Iterable[dict[str, Any]], total: int) -> None:
        """Log how long the reading by id will take, and what is not read again. ``clients`` are the first."""
        lacking = {name for client in clients for name in HOSTED_NAMES - client.keys()}
        if not lacking:
            return
        kept, limit = len(self._positions), self._remote.limit
        unread, names = max(0, total - kept), ", ".join(sorted(lacking))
        log.info(f"The list lacks {names}: {unread:,} of {total:,} clients are read one by one.")
        if limit:
            pauses = int((unread + 2 * total / _PAGE) / (limit * SHARE))  # the list is read twice
            share = f"{SHARE:.0%} of the {limit} requests that are allowed in {WINDOW // 60} minutes"
            log.info(f"With {share}, this takes about {pauses * WINDOW // 60:,} min.")
        if kept:
            log.info(
                "The others are in the file of an earlier download. Changes since then that the list does "
                "not show are not noticed; to read all clients again, delete the file."
            )

    def _progress(self, step: str) -> None:
        self._show(step, *self._done, "clients")

    def _pages(self) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The clients of each page, newest first, and the total. Refused if there is no end of them."""
        number = pages = 1
        left: int | None = None
        while number <= pages:
            page = self._remote.get(f"/v1/clients?limit={_PAGE}&page={number}")
            if page is None:
                raise Refused(f"{self._remote.base}: returned 404: there is no /v1/clients")
            clients, total, pages = page["clients"], page["meta"]["total"], page["meta"]["totalPages"]
            if pages > total + 1 or (total and not clients and number <= pages):
                raise ValueError(f"page {number} of {pages} has {len(clients)} of {total} clients")
            left = (min(2 * total + 1000, _MAX_CLIENTS) if left is None else left) - len(clients)
            if left < 0:
                raise Refused(f"{self._remote.base}: the list of clients does not end")
            yield clients, total
            number += 1

    def _read(self, client_id: str) -> None:
        """Read a client by id; if it was deleted, it is dropped."""
        client = self._remote.get(f"/v1/clients/{quote(client_id, safe='')}")
        if client is None:
            self._positions.pop(client_id, None)
            return
        if not isinstance(client, dict) or client.get("id") != client_id:
            raise Refused(f"{self._remote.base}: unexpected response: not the client {client_id}")
        self._keep(client)

    # --- the file

    def _find_positions(self) -> None:
        """Find the lines of an earlier download. The last line may be cut."""
        self._file.seek(0)
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.truncate(self._file.tell() - len(line))
                break
            try:
                self._positions[from_json(line.decode())["id"]] = self._file.tell() - len(line)
            except (KeyError, TypeError, ValueError):
                raise Refused("this is not a file of an earlier download") from None

    def _is_kept(self, client: dict[str, Any]) -> bool:
        """Whether the file has a client with the values that the list shows."""
        return client["id"] in self._positions and client.items() <= self.record(client["id"]).items()

    def _line(self, place: int) -> bytes:
        self._file.seek(place)
        return self._file.readline()

    def _keep(self, client: dict[str, Any]) -> None:
        self._positions[client["id"]] = self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(client).encode() + b"\n")
        self._file.flush()  # an interrupted download keeps it
