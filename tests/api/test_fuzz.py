"""Random requests about one client, valid and nearly valid: each is answered according to the contract.

A seed always makes the same requests. A model of the clients, made of dicts, says what each answer must be.
(test_find_model has lists.)
``ACARE_TEST_FUZZ`` is the number of requests, ``ACARE_TEST_FUZZ_SEED`` the seed.
"""

import json
import os
import random
from uuid import UUID

from support.client import app_fixture
from support.data import ALL_SCOPES, CODES, NASTY, TIMESTAMP
from support.field_values import VALUES
from support.keys import new_key
from support.wsgi import call

COUNT = int(os.environ.get("ACARE_TEST_FUZZ") or 1000)
SEED = int(os.environ.get("ACARE_TEST_FUZZ_SEED") or 20260715)

REQUIRED = {"first_name", "last_name", "client_type"}
UNSET = {
    **dict.fromkeys(("email", "phone", "source", "budget_min", "budget_max", "pre_approval_amount", "notes")),
    **{"status": "active", "preferred_locations": [], "property_preferences": {}, "tags": []},
    "pre_approved": False,
}
WRITABLE = REQUIRED | UNSET.keys()
SERVERS = {"id", "user_id", "version", "created_at", "updated_at"}
BUDGETS = {"budget_min", "budget_max"}
MAX_ERROR = 16 * 1024  # bytes
BAD_VERSIONS = (0, -1, "1", -1.0, 1.5, True, None, [], {}, "")

app = app_fixture()


def same(one, other):
    """Equal, including the types of numbers."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def stored(name, value):
    """The value of a field after a write."""
    if value is None:
        return UNSET[name]
    if isinstance(value, str):
        return (value if name == "notes" else value.strip()) or None
    return [item.strip() for item in value] if isinstance(value, list) else value


def merged(record, sent):
    return record | {name: stored(name, value) for name, value in sent.items() if name in WRITABLE}


class Fuzz:
    """Sends random requests, and knows the clients that must exist: by id, oldest first."""

    def __init__(self, app):
        self.app, self.by = app, random.Random(SEED)
        self.clients, self.statuses = {}, set()
        roles = {"broker": "broker", "ana": "agent", "bob": "agent"}
        self.callers = [
            new_key(app.keys, f"{name}@example.com", ALL_SCOPES, role=roles[name]) for name in roles
        ]

    def step(self):
        self.caller = self.by.choice(self.callers)
        kinds = (self.create, self.update, self.delete, self.get)
        self.by.choices(kinds, (20, 32, 10, 12))[0]()

    def happens(self, probability):
        return self.by.random() < probability

    def send(self, method, path, body=b""):
        """The status, and the data or the error."""
        line, headers, content = call(self.app, method, path, body=body, HTTP_X_API_KEY=self.caller.key)
        status = int(line[:3])
        self.statuses.add(status)
        assert status < 400 or len(content) < MAX_ERROR
        return status, check_envelope(status, dict(headers), json.loads(content))

    def create(self):
        others = self.by.sample(sorted(UNSET), self.by.choice((0, 1, 3, len(UNSET))))
        body, wrong = self.body({*REQUIRED, *others})
        for name in sorted(REQUIRED):
            if self.happens(0.02):
                del body[name]
                wrong.add(name)
        if (made := self.write("POST", "/v1/clients", body, wrong, 201)) is not None:
            sent, record = made
            assert record["id"] not in self.clients
            assert (record["user_id"], record["version"]) == (self.caller.user_id, 1)
            assert TIMESTAMP.fullmatch(record["created_at"])
            assert record["created_at"] == record["updated_at"]
            assert same(record, merged(record | UNSET, sent))
            self.clients[record["id"]] = record

    def update(self):
        client_id, before = self.choose()
        body, wrong = self.body(set(self.by.sample(sorted(WRITABLE), self.by.choice((0, 1, 1, 2, 5, 15)))))
        if not body:
            wrong.add("body")
        version = before["version"] if before else 1
        if self.happens(0.3):
            body["version"] = self.by.choice((version, version, 1, 2, 2**63, 10**30))
            if self.happens(0.1):
                body["version"] = self.by.choice(BAD_VERSIONS)
                wrong.add("version")
        body |= {"id": 5, "created_at": None, "Status": "x"} if self.happens(0.2) else {}
        status = 404 if before is None else 409 if body.get("version", version) != version else 200
        if (made := self.write("PUT", f"/v1/clients/{client_id}", body, wrong, status)) is not None:
            sent, record = made
            assert record["updated_at"] >= before["updated_at"]
            server = {"version": version + 1, "updated_at": record["updated_at"]}
            assert same(record, merged(before, sent) | server)
            self.clients[before["id"]] = record

    def write(self, method, path, body, wrong, expected):
        """What was sent and the record in the answer; None if it was refused, as it had to be."""
        content = json.dumps(body).encode()
        if self.happens(0.5) and "\\ud" not in json.dumps([*body, *body.values()]):
            content = json.dumps(body, ensure_ascii=False).encode()
        if self.happens(0.06):
            at, byte = self.by.randint(0, len(content)), self.by.choice((b"", b"\0", b'"', b"{", b",", b"9"))
            content, wrong = content[:at] + byte + content[at + self.by.randint(0, 2) :], None
        status, answer = self.send(method, path, content)
        named = {problem["field"] for problem in answer["details"]} if status == 400 else set()
        if wrong is None:
            assert status in (200, 201, 400, 404, 409)
        elif wrong:
            assert status == 400
            assert wrong <= named <= wrong | BUDGETS
        else:
            assert status == expected or named & BUDGETS == named != set()
        return (json.loads(content), answer) if status in (200, 201) else None

    def body(self, names):
        """A body with these fields, mostly valid, and the names of the invalid ones."""
        body = {name: self.good(name) for name in sorted(names)}
        count = min(self.by.choices((0, 1, 5), (16, 4, 1))[0], len(names))
        wrong = set(self.by.sample(sorted(names), count))
        return body | {name: self.by.choice(VALUES[name][1]) for name in sorted(wrong)}, wrong

    def good(self, name):
        if name not in REQUIRED and self.happens(0.1):
            return None
        if name in ("first_name", "last_name", "source", "notes") and self.happens(0.7):
            return self.by.choice(("", " ", "\u3000")) + self.by.choice(NASTY)
        return self.by.choice([value for value in VALUES[name][0] if str(value) != "-0.0"])  # not in SQLite

    def choose(self):
        """An id, and the client with it that the caller may see."""
        client_id = str(UUID(int=self.by.getrandbits(128)))
        if self.clients and self.happens(0.85):
            client_id = self.by.choice(list(self.clients)[-30:])
        record = self.clients.get(client_id)
        return client_id, record if record and self.sees(record) else None

    def sees(self, record):
        return self.caller.role == "broker" or record["user_id"] == self.caller.user_id

    def delete(self):
        client_id, record = self.choose()
        status, data = self.send("DELETE", f"/v1/clients/{client_id}")
        assert status == (404 if record is None else 200)
        if record is not None:
            assert data == {}
            del self.clients[client_id]

    def get(self):
        client_id, record = self.choose()
        status, data = self.send("GET", f"/v1/clients/{client_id.upper()}")
        assert status == (404 if record is None else 200)
        assert record is None or same(data, record)


def check_envelope(status, headers, body):
    """The data or the error of a response."""
    assert status < 500
    assert headers["content-type"] == "application/json"
    assert TIMESTAMP.fullmatch(body["timestamp"])
    assert body["success"] is (status < 400)
    if status < 400:
        assert body.keys() == {"success", "data", "timestamp"}
        return body["data"]
    assert body["correlationId"] == headers["x-request-id"]
    assert body["error"].keys() - {"details"} == {"code", "message"}
    assert body["error"]["code"] == CODES[status]
    return body["error"]


def test_random_requests_are_answered_per_the_contract(app):
    fuzz = Fuzz(app)
    for number in range(1, COUNT + 1):
        try:
            fuzz.step()
        except Exception as error:
            error.add_note(f"ACARE_TEST_FUZZ_SEED={SEED} ACARE_TEST_FUZZ={number}")
            raise
    with app.database.read() as connection:
        rows = connection.execute("SELECT json FROM clients ORDER BY seq").fetchall()
    assert same([json.loads(text) for (text,) in rows], list(fuzz.clients.values()))
    assert fuzz.statuses == {200, 201, 400, 404, 409}
