"""Clients of another server that speaks this API."""

from __future__ import annotations

import fcntl
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
from acare.field_types import from_json, to_json

_LIMIT = 100
_TIMEOUT = 60  # for each read
_MAX_BYTES = 64 << 20  # of an answer
_MAX_SHOWN = 300  # characters of a server's text
_MAX_FAILURES = 8
_RETRIED = (408, 429, 500, 502, 503, 504)

# The form of data: what is used of it, with a value of its type; a list has the form of its items.
_USERS = {"users": [{"id": "", "email": ""}]}
_CLIENTS = {"clients": [{"id": "", "user_id": ""}], "meta": {"total": 0, "hasMore": True}}


class _BadAnswer(Exception):
    """An answer that another attempt would not mend; its text says what was expected."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server at ``base`` (with or without ``/v1``) and a key to it. ``sleep`` takes seconds."""

    def __init__(self, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._base = base.rstrip("/").removesuffix("/v1")
        self._headers = {"X-API-Key": key, "Accept": "application/json"}
        self._sleep = sleep
        self._connected = False
        self._opener = urllib.request.build_opener(_NoRedirect)

    def download(self, target: Path, tell: Callable[[int, int], None]) -> None:
        """Write all clients to ``target`` as JSON lines, newest first, after those that it has already.

        ``tell`` gets the number of clients found and the total.
        """
        users = self._get("/v1/users", _USERS, optional=True).get("users", [])
        owners = {user["id"]: {"owner": user["email"]} for user in users}
        target.touch(mode=0o600)
        with target.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{target}: another import is downloading into this file") from None
            found = _resume(target)
            for clients, total in self._pages(found):
                for client in clients:
                    record = {**owners.get(client["user_id"], {}), **client}
                    file.write(to_json(record).encode() + b"\n")
                file.flush()
                tell(len(found), total)

    def _pages(self, found: set[str]) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The clients that are not in ``found``, page by page, and the total; adds their ids to ``found``.

        If there are more clients, the first pages have those that were created meanwhile; if these are not
        all, older ones were imported or restored meanwhile, and all pages are read again.
        """
        total = 0
        for page, to_end in ((max(1, len(found) // _LIMIT), True), (1, False), (1, True), (1, False)):
            for new, total in self._pass(found, page, to_end):
                yield new, total
            if len(found) >= total:
                return
        raise UserError(
            f"{self._base}: only {len(found)} of {total} clients were found, because others were added "
            "during the download; run the command again"
        )

    def _pass(self, found: set[str], page: int, to_end: bool) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """From a page on to the last one, or if not ``to_end``, to the first one with a known client.

        The order never changes, but a deletion moves clients to earlier pages. So after one, and after an
        interruption, a page without any known client is followed by the page before it.
        """
        moved, before = bool(found), 0
        repeated = 0  # known clients since the last new one
        while True:
            data = self._get(f"/v1/clients?limit={_LIMIT}&page={page}", _CLIENTS)
            clients, total, more = data["clients"], data["meta"]["total"], data["meta"]["hasMore"]
            new = [client for client in clients if client["id"] not in found]
            known = len(new) < len(clients)
            moved |= total < before
            before = total
            if moved and not known and page > 1:
                page -= 1
                continue
            moved = False
            repeated = 0 if new else repeated + max(1, len(clients))
            if repeated > len(found) + 10 * _LIMIT or (more and not clients):
                raise UserError(
                    f"{self._base}: page {page} says that there are more clients, but has no new one"
                )
            found.update(client["id"] for client in new)
            yield new, total
            if not more or (known and not to_end):
                return
            page += 1

    def _get(self, path: str, form: object, *, optional: bool = False) -> dict[str, Any]:
        """The data in the answer; empty if it is ``optional`` and the server does not have or show it.

        Waits where the server asks for it, and tries again after failures.
        """
        request = urllib.request.Request(self._base + path, headers=self._headers)
        for failures in range(1, _MAX_FAILURES + 1):
            pause = min(2**failures, 60)
            try:
                content, headers = self._fetch(request)
                data: dict[str, Any] = _read_data(content, form)
                self._sleep(_until_next_token(headers))
                return data
            except urllib.error.HTTPError as error:
                error.close()
                if optional and error.code in (403, 404):
                    return {}
                reason = f"answers {error.code} {error.headers.get('Location', error.reason)}"
                final = error.code not in _RETRIED
                pause = _number(error.headers, "Retry-After", pause)
            except _BadAnswer as error:
                reason, final = f"{path}: {error}", True
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason, final = str(getattr(error, "reason", error)), not self._connected
            if final or failures == _MAX_FAILURES:
                break
            self._sleep(pause)
        raise UserError(f"{self._base}: {_printable(reason)}")

    def _fetch(self, request: urllib.request.Request) -> tuple[bytes, Message]:
        with self._opener.open(request, timeout=_TIMEOUT) as answer:
            self._connected = True
            content = answer.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise _BadAnswer(f"the answer must not exceed {_MAX_BYTES} bytes")
        return content, answer.headers


def _read_data(content: bytes, form: object) -> Any:
    """The data in an answer. ValueError if it is not an answer of this API, as an error page of a proxy."""
    try:
        answer = from_json(content.decode())
        to_json(answer).encode()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"the answer must be JSON: {error}") from None
    except ValueError as error:
        raise _BadAnswer(f"the answer must be JSON in UTF-8: {error}") from None
    if not isinstance(answer, dict) or "data" not in answer:
        raise ValueError("the answer must be a JSON object with data")
    if not _fits(answer["data"], form):
        raise _BadAnswer(f"data must have the form {json.dumps(form)}")
    return answer["data"]


def _fits(value: Any, form: Any) -> bool:
    """Whether a value has the form of ``form``: at least its names, and the same types."""
    if type(value) is not type(form):
        return False
    if isinstance(form, dict):
        return all(_fits(value.get(name), part) for name, part in form.items())
    return not isinstance(form, list) or all(_fits(item, form[0]) for item in value)


def _printable(text: str) -> str:
    """Text of a server, shortened, with control characters escaped for a terminal."""
    shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in shown)


def _until_next_token(headers: Message) -> int:
    """Seconds until the next request is allowed: 0 unless the limit is used up."""
    if _number(headers, "RateLimit-Remaining", 1) > 0:
        return 0
    return math.ceil(_number(headers, "RateLimit-Reset", 1) / max(1, _number(headers, "RateLimit-Limit", 1)))


def _number(headers: Message, name: str, default: int) -> int:
    text = headers.get(name, "")
    return min(int(text), 3600) if re.fullmatch("[0-9]{1,9}", text) else default


def _resume(target: Path) -> set[str]:
    """The ids in what an earlier download wrote; what follows a line that was cut off is removed."""
    found = set()
    with target.open("r+b") as file:
        end = 0
        for line in file:
            try:
                found.add(from_json(line[:-1].decode())["id"])  # without its line break, a line is not JSON
            except ValueError:
                break
            end += len(line)
        file.truncate(end)
    return found
