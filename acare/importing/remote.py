"""Downloads the clients of another server that speaks this API."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPException
from typing import Any

from acare.errors import UserError
from acare.field_types import from_json

_PAGE = 100  # clients
_MAX_PASSES = 10
_MAX_ATTEMPTS = 8
_TIMEOUT = 60.0  # seconds without a byte of the response
_MAX_BYTES = 16 << 20  # of a response
_RETRIED = (429, 500, 502, 503, 504)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server at ``base`` (with or without ``/v1``) and an API key for it. ``sleep`` takes seconds."""

    def __init__(self, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._base = base.rstrip("/").removesuffix("/v1")
        self._headers = {"X-API-Key": key, "Accept": "application/json"}
        self._sleep = sleep
        self._opener = urllib.request.build_opener(_NoRedirect)

    def lines(self, progress: Callable[[int, int], None]) -> Iterator[bytes]:
        """All clients as JSON lines.

        Pages are read until a pass finds nothing new: a client that is created or deleted meanwhile moves
        others to another page. ``progress`` gets the number of clients so far and the total.
        """
        try:
            seen: set[str] = set()
            for _ in range(_MAX_PASSES):
                before = len(seen)
                for client, total in self._clients():
                    if client["id"] not in seen:
                        seen.add(client["id"])
                        yield json.dumps(client).encode() + b"\n"
                    progress(len(seen), total)
                if len(seen) == before:
                    return
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{self._base}: unexpected response: {error!r}") from None
        raise UserError(f"{self._base}: the clients changed during each of {_MAX_PASSES} passes; try later")

    def _clients(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Each client, oldest first (the opposite of the order of the list), and the total."""
        for page in range(self._page(1)["meta"]["totalPages"], 0, -1):
            data = self._page(page)
            for client in reversed(data["clients"]):
                yield client, data["meta"]["total"]

    def _page(self, number: int) -> Any:
        return self._get(f"/v1/clients?limit={_PAGE}&page={number}")

    def _get(self, path: str) -> Any:
        """The data in the response. Waits for a busy server."""
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                return self._read_data(path)
            except urllib.error.HTTPError as error:
                error.close()
                reason = f"returned {error.code} {error.headers.get('Location', error.reason)}"
                if error.code not in _RETRIED or attempt == _MAX_ATTEMPTS:
                    break
                self._sleep(_retry_after(error.headers, 2**attempt))
            except (OSError, HTTPException) as error:
                reason = str(getattr(error, "reason", error))
                break
        raise UserError(f"{self._base}: {reason[:300]}")

    def _read_data(self, path: str) -> Any:
        request = urllib.request.Request(self._base + path, headers=self._headers)
        with self._opener.open(request, timeout=_TIMEOUT) as response:
            content = response.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise UserError(f"{self._base}{path}: the response must not have more than {_MAX_BYTES} bytes")
        return from_json(content.decode())["data"]


def _retry_after(headers: Message, default: int) -> int:
    text = headers.get("Retry-After", "")
    return min(int(text), 3600) if re.fullmatch("[0-9]{1,9}", text) else default
