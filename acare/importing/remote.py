"""Downloads the clients of another server that speaks this API."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from email.message import Message
from http.client import HTTPException
from typing import Any

from acare.errors import UserError
from acare.field_types import from_json

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_ATTEMPTS = 8
_DEADLINE = 60.0  # seconds for a response
_MAX_BYTES = 64 << 20  # of memory for a response
_BYTES_PER_VALUE = 64
_RETRIED = (429, 500, 502, 503, 504)

CREATE = "CREATE TABLE clients (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL)"
ADD = "INSERT OR IGNORE INTO clients (id, record) VALUES (?, ?)"
OLDEST_FIRST = "SELECT record FROM clients ORDER BY number DESC"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server at ``base`` (with or without ``/v1``) and a key to it. ``sleep`` takes seconds.

    Its clients are downloaded into ``storage``, an empty database, before the import begins: other writers
    never wait for the network.
    """

    def __init__(
        self, base: str, key: str, storage: sqlite3.Connection, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._base = base.rstrip("/").removesuffix("/v1")
        self._headers = {"X-API-Key": key, "Accept": "application/json"}
        self._storage, self._sleep = storage, sleep
        self._is_reachable = False
        self._opener = urllib.request.build_opener(_NoRedirect)

    def download(self, progress: Callable[[int, int], None]) -> int:
        """Download all clients, page by page, until a pass finds nothing new. Returns how many there are.

        ``progress`` gets the number of clients so far and the total. A client that is created or deleted
        meanwhile moves others to another page; a pass during which nothing moved is the last one, too.
        """
        self._storage.execute(CREATE)
        try:
            # Some servers do not have the users, or do not show them.
            users = self._get("/v1/users", optional=True).get("users", [])
            owners = {user["id"]: user["email"] for user in users}
            for _ in range(_MAX_PASSES):
                if self._is_last_pass(owners, progress):
                    return self._storage.total_changes
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(f"{self._base}: unexpected response: {error!r}") from None
        raise UserError(f"{self._base}: the clients changed during each of {_MAX_PASSES} downloads")

    def _is_last_pass(self, owners: dict[str, str], progress: Callable[[int, int], None]) -> bool:
        """Read all pages; whether nothing is new, or nothing has moved meanwhile."""
        before, totals = self._storage.total_changes, set()
        for clients, total in self._pages():
            records = [{"owner": owners.get(client["user_id"])} | client for client in clients]
            rows = [(json.dumps(record["id"]), json.dumps(record)) for record in records]
            self._storage.executemany(ADD, rows)
            totals.add(total)
            progress(self._storage.total_changes, total)
        found = self._storage.total_changes
        return found == before or totals == {found}

    def lines(self) -> Iterator[bytes]:
        """The clients as JSON lines, oldest first: the opposite of the order of the list."""
        return (record.encode() for (record,) in self._storage.execute(OLDEST_FIRST))

    def _pages(self) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The clients on each page, and the total on all pages."""
        page, more = 0, True
        while more:
            page += 1
            data = self._get(f"/v1/clients?limit={_PAGE}&page={page}")
            clients, total, more = data["clients"], int(data["meta"]["total"]), data["meta"]["hasMore"]
            if more and page > total:
                raise UserError(f"{self._base}: page {page} says that there are more than {total} clients")
            yield clients, total

    def _get(self, path: str, *, optional: bool = False) -> Any:
        """The data in the response; empty if it is ``optional`` and refused. Tries again after failures."""
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return self._read_data(path)
            except urllib.error.HTTPError as error:
                error.close()
                if optional and error.code in (403, 404):
                    return {}
                reason = f"answers {error.code} {error.headers.get('Location', error.reason)}"
                final = error.code not in _RETRIED
                pause = _retry_after(error.headers, 2**attempt)
            except (OSError, HTTPException) as error:
                reason, final = str(getattr(error, "reason", error)), not self._is_reachable
                pause = 2**attempt
            if final or attempt == _MAX_ATTEMPTS:
                break
            self._sleep(pause)
        raise UserError(f"{self._base}: {reason[:300]}")

    def _read_data(self, path: str) -> Any:
        request = urllib.request.Request(self._base + path, headers=self._headers)
        answer: Future[bytes] = Future()
        # A server that sends a byte from time to time never exceeds the timeout of a socket.
        threading.Thread(target=self._fetch, args=(request, answer), daemon=True).start()
        try:
            content = answer.result(_DEADLINE)
        except TimeoutError:
            raise TimeoutError(f"there was no complete response in {_DEADLINE:g} seconds") from None
        # Values take more memory than their text: each is counted before it is built.
        values = sum(map(content.count, (b",", b"[", b"{")))
        if len(content) + _BYTES_PER_VALUE * values > _MAX_BYTES:
            raise UserError(f"{self._base}{path}: the response must not take more than {_MAX_BYTES} bytes")
        return from_json(content.decode())["data"]

    def _fetch(self, request: urllib.request.Request, answer: Future[bytes]) -> None:
        """Set the body of the response, up to the limit, or the error."""
        try:
            with self._opener.open(request, timeout=_DEADLINE) as response:
                self._is_reachable, size = True, response.length
                content = response.read(_MAX_BYTES + 1)
            if size is not None and len(content) < min(size, _MAX_BYTES):
                raise HTTPException("the response is cut off")
            answer.set_result(content)
        except BaseException as error:
            answer.set_exception(error)


def _retry_after(headers: Message, default: int) -> int:
    text = headers.get("Retry-After", "")
    return min(int(text), 3600) if re.fullmatch("[0-9]{1,9}", text) else default
