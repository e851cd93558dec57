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
from contextlib import contextmanager
from email.message import Message
from http.client import HTTPException
from typing import Any

from acare.errors import UserError
from acare.field_types import from_json

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_ATTEMPTS = 8
_DEADLINE = 60.0  # seconds for an answer
_MAX_BYTES = 64 << 20  # of memory for an answer
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

    What it has is downloaded into ``storage``, an empty database, before anything is written: an import waits
    for no network while other writers wait for it.
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
        owners = self._owners()
        self._storage.execute(CREATE)
        for _ in range(_MAX_PASSES):
            before, totals, seen = self._storage.total_changes, set(), 0
            for records, total in self._pages(owners):
                self._storage.executemany(ADD, records)
                totals.add(total)
                seen += len(records)
                progress(self._storage.total_changes, total)
            found = self._storage.total_changes
            if found == before or totals == {seen} == {found}:
                return found
        raise UserError(f"{self._base}: the clients changed during each of {_MAX_PASSES} downloads")

    def lines(self) -> Iterator[bytes]:
        """The clients as JSON lines, oldest first: the opposite of the order of the list."""
        return (record.encode() for (record,) in self._storage.execute(OLDEST_FIRST))

    def _owners(self) -> dict[str, str]:
        """The e-mail address of each user by id, as far as the server shows them."""
        path = "/v1/users"
        data = self._get(path, optional=True)
        with self._checked(path):
            return {user["id"]: user["email"] for user in data.get("users", [])}

    def _pages(self, owners: dict[str, str]) -> Iterator[tuple[list[tuple[str, str]], int]]:
        """The id and the record of each client on a page, and the total on all pages."""
        page, more = 0, True
        while more:
            page += 1
            path = f"/v1/clients?limit={_PAGE}&page={page}"
            data = self._get(path)
            with self._checked(path):
                clients, total, more = data["clients"], int(data["meta"]["total"]), data["meta"]["hasMore"]
                records = [{"owner": owners.get(client["user_id"])} | client for client in clients]
                rows = [(json.dumps(record["id"]), json.dumps(record)) for record in records]
            if more and (not rows or page > total):
                raise UserError(f"{self._base}: page {page} says that there are more than {total} clients")
            yield rows, total

    @contextmanager
    def _checked(self, path: str) -> Iterator[None]:
        """UserError if what is read in the ``with`` has another form than in this API."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{self._base}{path}: the answer has another form: {error!r}") from None

    def _get(self, path: str, *, optional: bool = False) -> Any:
        """The data in the answer; empty if it is ``optional`` and the server does not have or show it.

        Waits where the server asks for it, and tries again after failures.
        """
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
        content = self._fetch(urllib.request.Request(self._base + path, headers=self._headers))
        self._is_reachable = True
        # Values take more memory than their text: each is counted before it is built.
        values = sum(map(content.count, (b",", b"[", b"{")))
        if len(content) + _BYTES_PER_VALUE * values > _MAX_BYTES:
            raise UserError(f"{self._base}{path}: the answer must not take more than {_MAX_BYTES} bytes")
        with self._checked(path):
            return from_json(content.decode())["data"]

    def _fetch(self, request: urllib.request.Request) -> bytes:
        """The body of an answer, as far as the limit. TimeoutError if it is not complete at the deadline.

        In a thread, because a server that sends a byte from time to time never exceeds a socket's timeout.
        """
        answer: Future[bytes] = Future()

        def read() -> None:
            try:
                with self._opener.open(request, timeout=_DEADLINE) as response:
                    answer.set_result(response.read(_MAX_BYTES + 1))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=read, daemon=True).start()
        try:
            return answer.result(_DEADLINE)
        except TimeoutError:
            raise TimeoutError(f"there was no complete answer in {_DEADLINE:g} seconds") from None


def _retry_after(headers: Message, default: int) -> int:
    text = headers.get("Retry-After", "")
    return min(int(text), 3600) if re.fullmatch("[0-9]{1,9}", text) else default
