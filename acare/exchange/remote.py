"""Clients of another server that speaks this API."""

from __future__ import annotations

import http.client
import json
import math
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

from acare.errors import UserError
from acare.field_types import to_json

_LIMIT = 100
_TIMEOUT = 60
_MAX_FAILURES = 8
_MAX_ROUNDS = 5
_RETRIED = (408, 429, 500, 502, 503, 504)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server at ``base`` (with or without ``/v1``) and a key to it. ``sleep`` takes seconds."""

    def __init__(self, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        if not re.fullmatch("[!-~]+", key):
            raise UserError("the key file must have one line, the API key")
        self._base = base.rstrip("/").removesuffix("/v1")
        self._headers = {"X-API-Key": key, "Accept": "application/json"}
        self._sleep = sleep
        self._connected = False
        self._opener = urllib.request.build_opener(_NoRedirect)

    def download(self, target: Path, tell: Callable[[int, int], None]) -> None:
        """Write all clients to ``target`` as JSON lines, newest first; goes on with what is there.

        Clients that are created or deleted meanwhile move others to other pages. So the pages are read
        again until all clients were found and none was deleted. ``tell`` gets the counts of both.
        """
        owners = self._owners()
        found = _resume(target)
        last = next(reversed(found), None)
        page = max(1, len(found) // _LIMIT)  # the last page again, to see whether it moved
        with target.open("ab") as file:
            for _ in range(_MAX_ROUNDS):
                moved, before = False, 0
                for clients, total in self._pages(page):
                    ids = [client["id"] for client in clients]
                    moved |= total < before or (
                        last is not None and last not in ids and not found.keys() >= set(ids)
                    )
                    before, last = total, None
                    for client in clients:
                        if client["id"] not in found:
                            found[client["id"]] = None
                            owner = owners.get(client["user_id"])
                            record = client if owner is None else {"owner": owner, **client}
                            file.write(to_json(record).encode() + b"\n")
                    file.flush()
                    tell(len(found), total)
                if len(found) >= total and not moved:
                    return
                page = 1
        raise UserError(f"{self._base} changes too quickly: {len(found)} of {total} clients were found")

    def _owners(self) -> dict[str, str]:
        """The e-mail addresses of the users by id; empty if the server does not tell them."""
        try:
            return {user["id"]: user["email"] for user in self._get("/v1/users")["users"]}
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                return {}
            raise self._failed(error) from None

    def _pages(self, page: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        while True:
            try:
                data = self._get(f"/v1/clients?limit={_LIMIT}&page={page}")
            except urllib.error.HTTPError as error:
                raise self._failed(error) from None
            yield data["clients"], data["meta"]["total"]
            if not data["meta"]["hasMore"]:
                return
            page += 1

    def _get(self, path: str) -> dict[str, Any]:
        """The data in the answer. Waits where the server asks for it, and tries again after failures."""
        for failures in range(1, _MAX_FAILURES + 1):
            pause = min(2.0**failures, 60.0)
            try:
                request = urllib.request.Request(self._base + path, headers=self._headers)
                with self._opener.open(request, timeout=_TIMEOUT) as answer:
                    self._connected = True
                    data: dict[str, Any] = json.load(answer)["data"]
                    self._sleep(_until_next_token(answer.headers))
                    return data
            except urllib.error.HTTPError as error:
                if error.code not in _RETRIED or failures == _MAX_FAILURES:
                    raise
                pause = _number(error.headers, "Retry-After", pause)
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
                if failures == _MAX_FAILURES or not self._connected:
                    reason = getattr(error, "reason", error)
                    raise UserError(f"{self._base}: {reason}; the same command goes on from here") from None
            self._sleep(pause)
        raise AssertionError  # the last failure is raised

    def _failed(self, error: urllib.error.HTTPError) -> UserError:
        place = f" to {error.headers['Location']}" if "Location" in error.headers else ""
        return UserError(f"{self._base} answers {error.code} {error.reason}{place}")


def _until_next_token(headers: Message) -> float:
    """Seconds to wait if the limit is used up: those in which one more request becomes free."""
    if _number(headers, "RateLimit-Remaining", 1) > 0:
        return 0
    return math.ceil(_number(headers, "RateLimit-Reset", 1) / max(1, _number(headers, "RateLimit-Limit", 1)))


def _number(headers: Message, name: str, default: float) -> float:
    try:
        return min(max(0.0, float(headers[name])), 3600.0)
    except (TypeError, ValueError):
        return default


def _resume(target: Path) -> dict[str, None]:
    """The ids in what an earlier download wrote; a last line that is incomplete is removed."""
    target.touch(mode=0o600)
    found: dict[str, None] = {}
    with target.open("r+b") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            found[json.loads(line)["id"]] = None
            end += len(line)
        file.truncate(end)
    return found
