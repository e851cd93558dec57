"""Downloads the clients of another server that speaks this API."""

from __future__ import annotations

import json
import re
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import Any

from acare.errors import UserError
from acare.field_types import from_json

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_ATTEMPTS = 8
_DEADLINE = 60.0  # seconds for a response
_MAX_BYTES = 64 << 20  # of memory for a response
_BYTES_PER_VALUE = 64
_CHUNK = 64 << 10
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
        with self._opener.open(request, timeout=_DEADLINE) as response:
            self._is_reachable = True
            content = _read(response)
        # Values take more memory than their text: each is counted before it is built.
        values = sum(map(content.count, (b",", b"[", b"{")))
        if len(content) + _BYTES_PER_VALUE * values > _MAX_BYTES:
            raise UserError(f"{self._base}{path}: the response must not take more than {_MAX_BYTES} bytes")
        return from_json(content.decode())["data"]


def _read(response: HTTPResponse) -> bytearray:
    """The body, as far as the limit. TimeoutError if it is not complete at the deadline."""
    deadline = time.monotonic() + _DEADLINE
    content, size = bytearray(), response.length
    while len(content) <= _MAX_BYTES and (chunk := response.read1(_CHUNK)):
        content += chunk
        if time.monotonic() > deadline:
            raise TimeoutError(f"there was no complete response in {_DEADLINE:g} seconds")
    if size is not None and len(content) < min(size, _MAX_BYTES):
        raise HTTPException("the response is truncated")
    return content


def _retry_after(headers: Message, default: int) -> int:
    text = headers.get("Retry-After", "")
    return min(int(text), 3600) if re.fullmatch("[0-9]{1,9}", text) else default
