"""Downloads the clients of another server into a file of JSON lines."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from typing import IO, Any
from urllib.parse import quote

from acare.database.copying import Progress
from acare.errors import Refused
from acare.field_types import from_json
from acare.fields import ALL_NAMES
from acare.importing.json_lines import JsonReader, parse
from acare.importing.remote import SHARE, WINDOW, Remote

_PAGE = 100  # clients
_MAX_PASSES = 10


class Download:
    """The clients of a server, or those that match its query, in a file.

    What the file has from an earlier, interrupted download is not read again, as far as the list shows no
    change. ``owners``: see ``JsonReader``. ``say`` gets lines for people.
    """

    def __init__(
        self,
        remote: Remote,
        file: IO[bytes],
        owners: Mapping[str, str],
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self.source, self.query = remote.base, remote.query
        self.owners = owners
        self.emails: Collection[str] = ()  # of the owners of the clients, in lower case
        self.known = 0  # clients that earlier imports from there have made
        self.gone: Collection[str] = ()  # those of them that are not there any longer
        self._remote, self._file, self._show, self._say = remote, file, progress, say
        self._done = (0, 0)  # clients, and how many there are
        remote.on_pause = lambda step: progress(step, *self._done, "clients")
        self._places: dict[str, int] = {}  # of the newest line of each client
        self._shown: dict[str, int] = {}  # the hash of what the list showed of each client
        self._find_places()

    def ids(self) -> Set[str]:
        return self._places.keys()

    def record(self, client_id: str) -> dict[str, Any]:
        """A client as it was read."""
        return parse(self._line(self._places[client_id]), 0)

    def reader(self) -> JsonReader:
        """The rows of all clients."""
        lines = map(self._line, sorted(self._places.values()))
        return JsonReader(lines, self.owners)

    def run(self) -> None:
        """Read all clients completely.

        The list is read until a pass shows nothing new: a client that is created or deleted meanwhile moves
        others to another page. A client of which the list lacks a field is read by id.
        """
        try:
            for _ in range(_MAX_PASSES):
                listed, unread, is_new = self._read_list()
                for number, client_id in enumerate(unread):
                    self._progress(number, len(unread))
                    self._read(client_id)
                if not is_new:
                    self._drop(listed)
                    self._shown.clear()
                    return
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._remote.base}: unexpected response: {error!r}") from None
        raise Refused(
            f"{self._remote.base}: the clients changed during each of {_MAX_PASSES} passes; try later"
        )

    def missing(self, known: Iterable[str]) -> set[str]:
        """The ids of ``known`` that the server does not have; those that the list has missed are read."""
        return {
            client_id for client_id in known if client_id not in self._places and not self._read(client_id)
        }

    def _read_list(self) -> tuple[set[str], list[str], bool]:
        """One pass: the ids in the list, those to be read by id, and whether the list showed anything new."""
        listed: set[str] = set()
        lacking: set[str] = set()
        unread, kept, is_new, is_first = [], 0, False, not self._shown
        for client, total in self._list():
            client_id, shown = client["id"], hash(json.dumps(client))
            before, self._shown[client_id] = self._shown.get(client_id), shown
            is_kept = before is None and self._is_kept(client)
            kept += is_kept
            listed.add(client_id)
            if before != shown:
                is_new = True
                lacks = ALL_NAMES - client.keys()
                lacking |= lacks
                if lacks and not is_kept:
                    unread.append(client_id)
                elif not is_kept:
                    self._keep(client)
            self._progress(len(listed), total)
        if is_first:
            self._announce(lacking, len(unread), kept)
        return listed, unread, is_new

    def _announce(self, lacking: set[str], unread: int, kept: int) -> None:
        """Say how long the reading by id will take, and what is not read again."""
        if kept and lacking:
            self._say(
                f"{kept:,} clients are in the file of an earlier download. Changes since then that the list "
                "does not show are not noticed: to read all clients again, delete the file."
            )
        if unread:
            text = f"The list lacks {', '.join(sorted(lacking))}: {unread:,} clients are read one by one"
            if limit := self._remote.limit:
                share = limit * SHARE
                seconds = max(0, unread - self._remote.remaining + limit - share) / share * WINDOW
                time = f"{seconds / 60:,.0f} minutes"
                text += f", in about {time} with {SHARE:.0%} of the {limit} requests"
                text += f" that are allowed in {WINDOW // 60} minutes"
            self._say(f"{text}.")

    def _progress(self, done: int, total: int) -> None:
        self._done = done, total
        self._show("Downloading", done, total, "clients")

    def _list(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Each client, oldest first (the opposite of the order of the list), and the total."""
        number = self._page(1)["meta"]["totalPages"]
        while number > 0:
            page = self._page(number)
            clients, total, pages = page["clients"], page["meta"]["total"], page["meta"]["totalPages"]
            if pages > total + 1 or (total and not clients and number <= pages):
                raise ValueError(f"page {number} of {pages} has {len(clients)} of {total} clients")
            for client in reversed(clients):
                yield client, total
            number = min(number - 1, pages)

    def _page(self, number: int) -> Any:
        query = f"&{self._remote.query}" if self._remote.query else ""
        page = self._remote.get(f"/v1/clients?limit={_PAGE}&page={number}{query}")
        if page is None:
            raise Refused(f"{self._remote.base}: returned 404: there is no /v1/clients")
        return page

    def _read(self, client_id: str) -> bool:
        """Read a client by id. Returns whether it exists; if it was deleted, it is dropped."""
        client = self._remote.get(f"/v1/clients/{quote(client_id, safe='')}")
        if client is None:
            self._places.pop(client_id, None)
            return False
        if not isinstance(client, dict) or client.get("id") != client_id:
            raise Refused(f"{self._remote.base}: unexpected response: not the client {client_id}")
        self._keep(client)
        return True

    def _drop(self, listed: set[str]) -> None:
        """Drop clients that the last pass did not show, unless they exist."""
        for client_id in [each for each in self._places if each not in listed]:
            if client_id in self._shown:
                self._read(client_id)
            else:
                del self._places[client_id]

    # --- the file

    def _find_places(self) -> None:
        """Find the lines of an earlier download. The last line may be cut."""
        self._file.seek(0)
        while line := self._file.readline():
            if not line.endswith(b"\n"):
                self._file.truncate(self._file.tell() - len(line))
                break
            try:
                self._places[from_json(line.decode())["id"]] = self._file.tell() - len(line)
            except (KeyError, TypeError, ValueError):
                raise Refused("this is not a file of an earlier download") from None

    def _is_kept(self, client: dict[str, Any]) -> bool:
        """Whether the file has a client with the values that the list shows."""
        return client["id"] in self._places and client.items() <= self.record(client["id"]).items()

    def _line(self, place: int) -> bytes:
        self._file.seek(place)
        return self._file.readline()

    def _keep(self, client: dict[str, Any]) -> None:
        self._places[client["id"]] = self._file.seek(0, os.SEEK_END)
        self._file.write(json.dumps(client).encode() + b"\n")
        self._file.flush()  # an interrupted download keeps it
