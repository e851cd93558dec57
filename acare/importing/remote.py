"""Downloads the clients of another server that speaks this API."""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from http.client import HTTPException
from typing import Any

from acare.errors import Refused
from acare.field_types import from_json

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_CLIENTS = 10_000_000
_MAX_ATTEMPTS = 11
_MAX_PAUSE = 60  # seconds between two attempts
_MAX_SECONDS = 300.0  # for a complete response
_MAX_BYTES = 16 << 20  # of a response
_RETRIED = (429, 500, 502, 503, 504)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server at ``base``, which may end in ``/v1/clients``, and an API key. ``sleep`` takes seconds."""

    def __init__(self, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._base = re.sub("(/v1(/clients)?)?/*$", "", base)
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._opener.addheaders += [("X-API-Key", key), ("Accept", "application/json")]

    def lines(self, progress: Callable[[int, int], None]) -> Iterator[bytes]:
        """All clients as JSON lines.

        Pages are read until a pass finds nothing new: a client that is created or deleted meanwhile moves
        others to another page. ``progress`` gets the number of clients so far and the total. Refused for a
        server whose pages never end: with more than twice the clients of its total.
        """
        try:
            seen: set[str] = set()
            for _ in range(_MAX_PASSES):
                before = len(seen)
                for client, total in self._clients():
                    if client["id"] not in seen:
                        seen.add(client["id"])
                        yield json.dumps(client).encode() + b"\n"
                    if len(seen) > 2 * total:
                        raise ValueError(f"{len(seen)} clients, but a total of {total}")
                    progress(len(seen), total)
                if len(seen) == before:
                    return
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._base}: unexpected response: {error!r}") from None
        raise Refused(f"{self._base}: the clients changed during each of {_MAX_PASSES} passes; try later")

    def _clients(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Each client, oldest first (the opposite of the order of the list), and the total."""
        number = self._page(1)["meta"]["totalPages"]
        while number > 0:
            page = self._page(number)
            clients, total, pages = page["clients"], page["meta"]["total"], page["meta"]["totalPages"]
            if not pages - 1 <= total <= _MAX_CLIENTS or (total and not clients and number <= pages):
                raise ValueError(f"page {number} of {pages} has {len(clients)} of {total} clients")
            for client in reversed(clients):
                yield client, total
            number = min(number - 1, pages)

    def _page(self, number: int) -> Any:
        """The data of a page. Waits for a busy server."""
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return self._read_data(f"/v1/clients?limit={_PAGE}&page={number}")
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"returned {error.code} {error.headers.get('Location', error.reason)}"
                if error.code not in _RETRIED or attempt == _MAX_ATTEMPTS:
                    break
                pause = error.headers.get("Retry-After", "")
                seconds = int(pause) if re.fullmatch("[0-9]{1,9}", pause) else 2**attempt
                self._sleep(min(seconds, _MAX_PAUSE))
            except (OSError, HTTPException) as error:
                reason = str(getattr(error, "reason", error))
                break
        raise Refused(f"{self._base}: {reason[:300]}")

    def _read_data(self, path: str) -> Any:
        """The data in the response, which is read in a thread: a slow server could send bytes forever."""
        answer: Future[bytes] = Future()
        threading.Thread(target=self._read, args=(path, answer), daemon=True).start()
        try:
            content = answer.result(_MAX_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"the response took more than {_MAX_SECONDS:.0f} seconds") from None
        if len(content) > _MAX_BYTES:
            raise Refused(f"{self._base}{path}: the response must not have more than {_MAX_BYTES} bytes")
        return from_json(content.decode())["data"]

    def _read(self, path: str, answer: Future[bytes]) -> None:
        try:
            with self._opener.open(self._base + path, timeout=_MAX_SECONDS) as response:
                answer.set_result(response.read(_MAX_BYTES + 1))
        except Exception as error:
            answer.set_exception(error)
