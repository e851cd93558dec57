"""Random requests, valid, nearly valid and arbitrary: each is answered according to the contract.

A seed always makes the same requests. A simple model of the clients, made of dicts, says what each success
must be. ``ACARE_TEST_FUZZ`` is the number of requests, ``ACARE_TEST_FUZZ_SEED`` the seed.
"""

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID

from support.client import app_fixture
from support.data import CODES, TIMESTAMP
from support.random_requests import CALLERS, FULL_ACCESS, UNSET, WRITABLE, Generator
from support.wsgi import call

COUNT = int(os.environ.get("ACARE_TEST_FUZZ") or 1000)
SEED = int(os.environ.get("ACARE_TEST_FUZZ_SEED") or 20260715)

SERVERS = {"id", "user_id", "version", "created_at", "updated_at"}
# What the details of a 400 may name.
NAMED = WRITABLE | {"version", "user_id", "q", "page", "limit", "body", "Idempotency-Key"}
BUDGETS = {"budget_min", "budget_max"}
DOCUMENTS = {"", "/", "/openapi.json"}  # paths without an envelope

app = app_fixture()


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


# --- the model


class Model:
    """The clients that must exist, by id, oldest first."""

    def __init__(self):
        self.clients: dict[str, dict] = {}
        self.deleted: list[str] = []
        self.replays: dict[tuple[str, str], dict] = {}


def stored(name, value):
    """The value of a field after a write."""
    if value is None:
        return UNSET[name]
    if name == "notes":
        return value or None
    if isinstance(value, str):
        return value.strip() or None
    return [item.strip() for item in value] if isinstance(value, list) else value


def merged(record, sent):
    return record | {name: stored(name, value) for name, value in sent.items() if name in WRITABLE}


def same(one, other):
    """Equal, including the types of numbers."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def sent_in(request):
    """The object in an accepted body, as far as it was declared; it must be JSON."""

    length = int(request.environ.get("CONTENT_LENGTH") or len(request.body))
    return json.loads(request.body[:length].decode("utf-8"))


class Checker:
    """Sends requests to an app and checks each response against the contract and the model."""

    def __init__(self, app, watching):
        self.app, self.model = app, Model()
        self.keys = {
            caller: app.keys.create(email, scopes, role=role)
            for caller, (email, role, scopes) in CALLERS.items()
        }
        self._watching = watching
        self._seen = self._data_version()

    def check(self, request):
        """The status of the response."""
        path = request.path.encode("utf-8", "surrogateescape").decode("latin-1")
        environ = {"HTTP_X_API_KEY": self.keys[request.caller].key} if request.caller in self.keys else {}
        answer = call(
            self.app, request.method, path, request.query, request.body, **environ, **request.environ
        )
        answer = Answer(int(answer[0][:3]), {name.lower(): value for name, value in answer[1]}, answer[2])
        body = check_envelope(request, answer)
        check_problems(request, answer, body)
        wrote = answer.status < 300 and self._check_success(request, answer, body)
        now = self._data_version()
        if now != self._seen and not wrote:
            self.check_database()  # perhaps only the use of a key was recorded
        assert now != self._seen or not wrote, "a success that wrote nothing"
        self._seen = now
        return answer.status

    def _data_version(self):
        return self._watching.execute("PRAGMA data_version").fetchone()[0]

    def check_database(self):
        rows = self._watching.execute("SELECT json FROM clients ORDER BY seq").fetchall()
        clients = list(self.model.clients.values())
        assert same([json.loads(text) for (text,) in rows], clients)
        statement = "SELECT user_id, client_type, status, total FROM client_totals WHERE total"
        totals = {row[:3]: row[3] for row in self._watching.execute(statement)}
        assert totals == Counter((each["user_id"], each["client_type"], each["status"]) for each in clients)

    def _check_success(self, request, answer, body):
        """Whether the request has written."""
        path = "/" + request.path.lstrip("/")  # the router ignores additional slashes
        if not path.startswith("/v1/clients") or request.method == "OPTIONS":
            return False
        caller = self.keys[request.caller]
        visible = {
            client_id: record
            for client_id, record in self.model.clients.items()
            if caller.role == "broker" or record["user_id"] == caller.user_id
        }
        if request.method == "POST":
            return self._created(request, answer, body["data"], caller.user_id)
        if path == "/v1/clients":
            if request.method == "GET":
                self._listed(request, body["data"], [*visible.values()])
            return False
        client_id = str(UUID(path.removeprefix("/v1/clients/")))
        before = visible[client_id]
        if request.method == "DELETE":
            assert body["data"] == {}
            del self.model.clients[client_id]
            self.model.deleted.append(client_id)
        elif request.method == "PUT":
            self._updated(sent_in(request), before, body["data"])
        elif request.method == "GET":
            assert same(body["data"], before)
        return request.method in ("PUT", "DELETE")

    def _created(self, request, answer, record, user_id):
        replay = user_id, request.environ.get("HTTP_IDEMPOTENCY_KEY", "").strip('"')
        if "idempotent-replayed" in answer.headers:
            assert same(record, self.model.replays[replay])
            return False
        assert (answer.status, answer.headers["location"]) == (201, f"/v1/clients/{record['id']}")
        assert record.keys() == WRITABLE | SERVERS
        assert record["id"] not in self.model.clients
        assert (record["user_id"], record["version"]) == (user_id, 1)
        assert TIMESTAMP.fullmatch(record["created_at"])
        assert record["created_at"] == record["updated_at"]
        server = {name: record[name] for name in SERVERS}
        assert same(record, merged({**UNSET, **server}, sent_in(request)))
        self.model.clients[record["id"]] = self.model.replays[replay] = record
        return True

    def _updated(self, sent, before, record):
        assert record["updated_at"] >= before["updated_at"]
        server = {"version": before["version"] + 1, "updated_at": record["updated_at"]}
        assert same(record, merged(before, sent) | server)
        assert sent.get("version", before["version"]) == before["version"]
        self.model.clients[record["id"]] = record

    def _listed(self, request, data, visible):
        query = dict(part.partition("=")[::2] for part in request.query.split("&"))
        for name in ("client_type", "status", "user_id"):
            if query.get(name):
                visible = [record for record in visible if record[name] == query[name]]
        for address in (unquote(query.get(name, "")).strip().lower() for name in ("q", "email")):
            if address:
                visible = [record for record in visible if (record["email"] or "").lower() == address]
        page, limit = int(query.get("page") or 1), min(int(query.get("limit") or 25), 100)
        total, skipped = len(visible), (page - 1) * limit
        pages = {"totalPages": -(-total // limit), "hasMore": skipped + limit < total}
        assert data["meta"] == {"page": page, "limit": limit, "total": total, **pages}
        assert same(data["clients"], visible[::-1][skipped : skipped + limit])


def check_envelope(request, answer):
    """The JSON of a response, in its envelope; None if the response has none."""
    assert answer.status < 500
    empty = request.method == "HEAD" or (request.method == "OPTIONS" and answer.status == 200)
    if empty or answer.status == 304:
        assert answer.body == b""
        return None
    if request.path in DOCUMENTS and answer.status == 200:
        return None
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.body.decode("utf-8"))
    assert TIMESTAMP.fullmatch(body["timestamp"])
    assert body["success"] is (answer.status < 400)
    if answer.status < 400:
        assert body.keys() == {"success", "data", "timestamp"}
        return body
    assert body.keys() == {"success", "error", "timestamp", "correlationId"}
    assert body["correlationId"] == answer.headers["x-request-id"]
    assert body["error"].keys() - {"details"} == {"code", "message"}
    assert body["error"]["code"] == CODES[answer.status]
    return body


def check_problems(request, answer, body):
    """Exactly the requests with wrong fields are 400, and name them."""
    named = set()
    if answer.status == 400 and body:
        details = body["error"].get("details")
        if details is None:
            assert not request.environ["CONTENT_LENGTH"].isdecimal()  # the only 400 without details
        else:
            named = {problem["field"] for problem in details}
            assert named <= NAMED
            assert len(named) == len(details) > 0
            assert all(problem["message"] for problem in details)
    if request.wrong is None or request.caller not in FULL_ACCESS:
        return
    assert answer.status in ((400,) if request.wrong else (200, 201, 304, 400, 404, 409, 412))
    if answer.status == 400 and body:
        assert request.wrong <= named <= request.wrong | BUDGETS


def test_random_requests_are_answered_per_the_contract(app):
    statuses = set()
    with closing(sqlite3.connect(app.database.path)) as watching:
        checker = Checker(app, watching)
        generator = Generator(SEED, checker.model)
        for number in range(1, COUNT + 1):
            request = generator.next()
            try:
                statuses.add(checker.check(request))
                if number % 500 == 0 or number == COUNT:
                    checker.check_database()
            except Exception as error:
                error.add_note(f"ACARE_TEST_FUZZ_SEED={SEED} ACARE_TEST_FUZZ={number}: {request!r}")
                raise
    if COUNT >= 4000:  # then every kind of response has come up
        assert {200, 201, 304, *CODES.keys() - {428, 429, 500, 503}} <= statuses
