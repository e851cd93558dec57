"""Requests to another server that speaks this API: retried, and within a share of its rate limit."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from typing import Any

from acare.errors import Refused
from acare.json_text import from_json

#: The share of the rate limit that an import takes: other programs of the agency need the rest.
SHARE = 0.8

#: Seconds for which the hosted service allows a number of requests.
WINDOW = 900

_MAX_ATTEMPTS = 11
_MAX_PAUSE = 3600  # seconds between two attempts
_MAX_SECONDS = 60.0  # without an answer
_MAX_BYTES = 16 << 20  # of a response


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect could carry the key to another server."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Remote:
    """A server, by a URL that may end in ``/v1/clients``, and an API key.

    ``on_pause`` is called each second of a pause, with what it is for.
    """

    def __init__(self, url: str, key: str) -> None:
        self.base = re.sub("(/v1(/clients)?)?/*$", "", url)
        self.limit = 0  # requests in a window, by the last response; 0: it does not say
        self.on_pause: Callable[[str], None] = lambda step: None
        self._pause, self._reason = 0, ""  # seconds to wait before the next request, and for what
        self._is_reached = False
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._opener.addheaders += [("X-API-Key", key), ("Accept", "application/json")]

    def get(self, path: str) -> Any:
        """The data of the response to a GET, or None if it is 404. Refused if the server remains unavailable.

        Without a valid response so far, only an answer that the server is busy is retried: the address may be
        wrong.
        """
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            self._wait()
            try:
                return self._read_data(path)
            except urllib.error.HTTPError as error:
                error.close()
                self._is_reached = True
                self._note_limit(error.headers)
                if error.code == 404:
                    return None
                reason = f"returned {error.code} {error.headers.get('Location', error.reason)}"
                if error.code != 429 and error.code < 500:
                    break
                self._pause = _number(error.headers, "Retry-After") or 2**attempt
                self._reason = "the server's rate limit" if error.code == 429 else "the server"
            except (OSError, HTTPException, ValueError) as error:  # ValueError: a body that is cut
                reason = "" if isinstance(error, OSError) else "unexpected response: "
                reason += str(getattr(error, "reason", error)) or repr(error)
                if not self._is_reached:
                    break
                self._pause, self._reason = 2**attempt, "the server"
        raise Refused(f"{self.base}: {reason[:300]}")

    def _wait(self) -> None:
        for left in range(min(self._pause, _MAX_PAUSE), 0, -1):
            self.on_pause(f"Waiting {left} s for {self._reason}")
            time.sleep(1)
        self._pause = 0

    def _read_data(self, path: str) -> Any:
        with self._opener.open(self.base + path, timeout=_MAX_SECONDS) as answer:
            content, headers = answer.read(_MAX_BYTES + 1), answer.headers
        if len(content) > _MAX_BYTES:
            raise Refused(f"{self.base}{path}: the response must not have more than {_MAX_BYTES} bytes")
        response = from_json(content.decode())
        if not isinstance(response, dict) or "data" not in response:
            raise Refused(f"{self.base}{path}: unexpected response: it has no data")
        self._is_reached = True
        self._note_limit(headers)
        return response["data"]

    def _note_limit(self, headers: Message) -> None:
        """The next request waits if the share of the rate limit is used."""
        self.limit = _number(headers, "RateLimit-Limit")
        if self.limit and self.limit - _number(headers, "RateLimit-Remaining") >= self.limit * SHARE:
            self._pause, self._reason = _number(headers, "RateLimit-Reset"), "the server's rate limit"


def _number(headers: Message, name: str) -> int:
    text = headers.get(name, "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
