"""A stand-in for the hosted service, which answers as the examples on the vendor's page do: a list shows ten
fields of a client, and the answer by id has more. Ids, versions, times and owners are its own.
"""

import json
import re
import uuid
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from support.data import ALL_FIELDS
from support.http import serving_with

from acare.fields import HOSTED_NAMES

#: The fields in the examples of a list, and of an answer by id. The page says that the latter is the record,
#: of which the example of an update shows all fields.
LISTED = ("id", "first_name", "last_name", "email", "phone", "client_type", "status", "source", "budget_min",
          "budget_max")  # fmt: skip
SHOWN = (*LISTED, "pre_approved", "pre_approval_amount", "version")

#: Two owners, and the key of the broker who sees the clients of both.
ANA, BEN = (str(uuid.UUID(int=number)) for number in (0xA7A, 0xBE7))
KEY = "b" * 64

WINDOW = 900  # seconds


class Hosted:
    """``clients`` by id, oldest first. ``limit`` requests are answered in a window; None: all.

    ``listed`` and ``shown`` are the fields in a list and by id; None: all. ``keys`` are the owners whose
    clients a key sees. ``script`` has the answers to the next requests; ``before`` is called with the path of
    each request. Its clock is what ``sleep`` was asked for.
    """

    def __init__(self):
        self.clients = {}
        self.limit, self.listed, self.shown = None, LISTED, None
        self.keys = {KEY: (ANA, BEN)}
        self.script, self.requests, self.pauses = [], [], []
        self.before = lambda path: None
        self.now = self.refused = self._window = self._used = 0
        self._changes = 0

    # --- what people do there

    def create(self, number, **fields):
        """A client with a value in every field, in the pattern of the vendor's examples."""
        at = self._time()
        record = {
            **ALL_FIELDS,
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
            "user_id": (ANA, BEN)[number % 2],
            "first_name": f"Client{number}",
            "email": f"client{number}@example.com",
            "notes": f"Note {number}\nwith two lines",
            "version": 1,
            "created_at": at,
            "updated_at": at,
        }
        self.clients[record["id"]] = {**record, **fields}
        return record["id"]

    def fill(self, count):
        """Create so many clients. Returns their ids."""
        return [self.create(number) for number in range(count)]

    def change(self, client_id, **fields):
        record = self.clients[client_id]
        record |= {"version": record["version"] + 1, "updated_at": self._time(), **fields}

    def delete(self, client_id):
        del self.clients[client_id]

    def _time(self):
        self._changes += 1
        minutes, seconds = divmod(self._changes, 60)
        return f"2026-07-{1 + minutes // 1440:02}T{minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02}.331Z"

    # --- what it answers

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def waited(self):
        return sum(self.pauses)

    def answer(self, path, key):
        """Status, headers and body of the answer to a GET."""
        self.requests.append(path)
        self.before(path)
        if self.script:
            answer = self.script.pop(0)
            return answer() if callable(answer) else answer
        if key not in self.keys:
            return _error(401, "UnauthorizedError")
        headers = self._count()
        if "Retry-After" in headers:
            return _error(429, "RATE_LIMIT_EXCEEDED", headers)
        parts = urlsplit(path)
        visible = [each for each in self.clients.values() if each["user_id"] in self.keys[key]]
        if parts.path == "/v1/clients":
            return (
                200,
                headers,
                self._page(visible, {name: v[0] for name, v in parse_qs(parts.query).items()}),
            )
        found = [each for each in visible if parts.path == f"/v1/clients/{each['id']}"]
        return (
            (200, headers, _data(_fields(found[0], self.shown)))
            if found
            else _error(404, "NOT_FOUND", headers)
        )

    def _count(self):
        """The headers that tell the rate limit; a request that is refused has ``Retry-After``."""
        if self.limit is None:
            return {}
        if self.now >= self._window + WINDOW:
            self._window, self._used = self.now, 0
        is_refused = self._used >= self.limit
        self._used += not is_refused
        self.refused += is_refused
        left = self._window + WINDOW - self.now
        names = ("Limit", "Remaining", "Reset")
        values = (self.limit, self.limit - self._used, left)
        headers = {f"RateLimit-{name}": str(value) for name, value in zip(names, values, strict=True)}
        return headers | ({"Retry-After": str(left)} if is_refused else {})

    def _page(self, clients, query):
        page, limit = int(query.get("page", 1)), min(int(query.get("limit", 25)), 100)
        rows = clients[::-1][(page - 1) * limit : page * limit]
        total, pages = len(clients), -(-len(clients) // limit)
        meta = {"page": page, "limit": limit, "total": total, "totalPages": pages, "hasMore": page < pages}
        return _data({"clients": [_fields(row, self.listed) for row in rows], "meta": meta})


def hosted_fields(client):
    """A client of acare without the fields that only acare has."""
    return {name: value for name, value in client.items() if name in HOSTED_NAMES}


def _fields(record, names):
    return record if names is None else {name: record[name] for name in names}


def _data(data):
    return {"success": True, "data": data}


def _error(status, code, headers=None):
    return status, headers or {}, {"success": False, "error": {"code": code, "message": code}}


@contextmanager
def listening(hosted):
    """The URL of the stand-in. A body of bytes is sent as it is, and alone if there is no status."""

    def answer(request):
        status, headers, body = hosted.answer(request.path, request.headers["X-API-Key"])
        if status is None:
            request.wfile.write(body)
            request.close_connection = True
            return
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    with serving_with(answer) as url:
        yield url


def by_id(paths):
    """The requests for one client."""
    return [path for path in paths if re.match(r"/v1/clients/[^?]", path)]
