"""Requests by chance, valid, nearly valid and wild: each is answered as the contract says.

A seed makes the same requests each time. A simple model of the clients, of dicts alone, says what each
success must be. ``ACARE_TEST_FUZZ`` is how many requests are made, ``ACARE_TEST_FUZZ_SEED`` the seed.
"""

import io
import json
import os
import random
import re
import sqlite3
import string
from collections import Counter
from contextlib import closing
from typing import NamedTuple
from urllib.parse import unquote
from uuid import UUID

import pytest

import acare

COUNT = int(os.environ.get("ACARE_TEST_FUZZ") or 1000)
SEED = int(os.environ.get("ACARE_TEST_FUZZ_SEED") or 20260715)

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CODES = {
    400: "VALIDATION_ERROR",
    401: "UnauthorizedError",
    403: "INSUFFICIENT_SCOPE",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "VERSION_CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "CONTENT_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "IDEMPOTENCY_KEY_REUSED",
}
REQUIRED = {"first_name", "last_name", "client_type"}
UNSET = {
    **dict.fromkeys(("email", "phone", "source", "budget_min", "budget_max", "pre_approval_amount", "notes")),
    "status": "active",
    "preferred_locations": [],
    "property_preferences": {},
    "pre_approved": False,
    "tags": [],
}
WRITABLE = REQUIRED | UNSET.keys()
SERVERS = {"id", "user_id", "version", "created_at", "updated_at"}
FIELDS = WRITABLE | {
    "version",
    "user_id",
    "q",
    "page",
    "limit",
    "client_type",
    "status",
    "body",
    "Idempotency-Key",
}
BUDGETS = {"budget_min", "budget_max"}
NO_ENVELOPE = {"", "/", "/openapi.json"}  # they are documents

WHO = {
    # user, role, scopes
    "broker": ("bo@example.com", "broker", {"all": ["read", "write"]}),
    "ana": ("ana@example.com", "agent", {"clients": ["read", "write"]}),
    "bob": ("bob@example.com", "agent", {"clients": ["read", "write", "delete"]}),
    "reader": ("ana@example.com", "agent", {"clients": ["read"]}),
    "nothing": ("bob@example.com", "agent", {}),
}
MAY_ALL = ("broker", "ana", "bob")


class Request(NamedTuple):
    """What is sent, and which fields of it are wrong; None if that is not known."""

    who: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    wrong: frozenset[str] | None


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def send(app, keys, request):
    """Put a request to the app as a WSGI server does."""
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        **request.headers,
    }
    if request.who in keys:
        environ["HTTP_X_API_KEY"] = keys[request.who].key
    started = []
    chunks = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    ((status, headers),) = started
    return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, b"".join(chunks))


# --- chance

ALPHABETS = (
    string.ascii_letters,
    string.ascii_letters + string.digits + " -'",
    "àéîõüßñçøåŁžőАБвгαβγאבגعربي",
    "客户名字かなカナ한글",
    "😀👩‍👩‍👧🏡é",
    "\"\\/'`;%<>&{}[]()=?#$|\u2028\ufeff\u200b",
)
LINES = (
    "'; DROP TABLE clients; --",
    "<script>alert(1)</script>",
    "&amp;",
    "%00",
    "{{7*7}}",
    "null",
    "NaN",
    "../..",
)
PADDING = ("", "", "", " ", "   ", "\u00a0", "\u3000")


class Chance:
    """Everything that is made by chance, out of one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.choice = self.random.choice
        self.chance = lambda part: self.random.random() < part
        self.number = self.random.randint

    def text(self, least, most):
        """A single line of so many characters that keeps its ends when it is stripped."""
        if self.chance(0.1) and least <= 20:
            return self.choice(LINES)[:most]
        size = self.choice((least, most, self.number(least, most), self.number(least, min(most, least + 20))))
        if not size:
            return ""
        alphabet = self.choice(ALPHABETS)
        inner = "".join(self.random.choices(alphabet, k=size))
        return (
            self.choice(string.ascii_letters) + inner[1:-1] + self.choice(string.digits) if size > 1 else "x"
        )

    def padded(self, least, most):
        return self.choice(PADDING) + self.text(least, most) + self.choice(PADDING)

    def amount(self):
        return self.choice(
            (0, 1, 10**12, 0.5, 0.0, 1e12, 1e-7, self.number(0, 10**12), self.number(0, 10**8) / 100)
        )

    def preferences(self):
        made = {}
        for name in ("bedrooms_min", "bathrooms_min", "square_feet_min"):
            if self.chance(0.4):
                made[name] = self.choice((0, 2, 2.5, None, 10**30, self.amount()))
        if self.chance(0.3):
            made["property_types"] = [self.text(0, 20) for _ in range(self.number(0, 3))]
        if self.chance(0.3):
            made[self.text(1, 10)] = self.json(depth=3)
        return made

    def json(self, depth=4):
        """Any JSON value."""
        if depth and self.chance(0.4):
            inside = [self.json(depth - 1) for _ in range(self.number(0, 3))]
            if self.chance(0.5):
                return inside
            return {self.choice((*WRITABLE, "x", "")): value for value in inside}
        return self.choice(
            (None, True, False, 0, 1, -1, 2.5, 1e300, 10**40, "", "x", "1", "\n", "\t", self.text(0, 30))
        )

    def good(self, name):
        """A value that the field takes."""
        if name not in REQUIRED and self.chance(0.1):
            return None
        return GOOD[name](self)

    def bad(self, name):
        """A value that it does not."""
        if name in REQUIRED and self.chance(0.1):
            return None
        return self.choice(BAD[name])

    def raw(self):
        """Bytes that may be anything."""
        return self.choice(RAW)(self)


GOOD = {
    **dict.fromkeys(("first_name", "last_name"), lambda by: by.padded(1, 100)),
    "email": lambda by: by.choice(("a@b", "", "ana@example.com", "x" * 242 + "@example.com", "é@客户")),
    "phone": lambda by: by.choice(("(661) 555-0142", "+1 661 555 0123", " 5 ", "٣", "1" * 40, "")),
    "client_type": lambda by: by.choice(("buyer", "seller", "both")),
    "status": lambda by: by.choice(("active", "inactive", "closed")),
    "source": lambda by: by.padded(0, 100),
    **dict.fromkeys(("budget_min", "budget_max", "pre_approval_amount"), Chance.amount),
    "preferred_locations": lambda by: [by.padded(0, 200) for _ in range(by.choice((0, 1, 2, 50)))],
    "property_preferences": Chance.preferences,
    "pre_approved": lambda by: by.chance(0.5),
    "notes": lambda by: by.choice(("", "\n", " a\r\n\tb ", "x" * 10_000, by.padded(0, 300))),
    "tags": lambda by: [by.padded(0, 50) for _ in range(by.choice((0, 1, 2, 50)))],
}
NO_TEXT = ("a\0b", "a\x1fb", "\ud800", "x\udfff", "\x7f", "a\x85b", 5, True, [], {}, ["a"])
NO_LINE = (*NO_TEXT, "a\nb", "a\tb", "a\rb")
NO_AMOUNT = (-1, -0.01, 10**12 + 1, 1.1e12, "5", "", True, [], {}, 10**400, 1e300)
BAD = {
    **dict.fromkeys(("first_name", "last_name"), (*NO_LINE, "", "  ", "x" * 101)),
    "email": (*NO_LINE, "a", "a@", "@b", "a@b@c", "a b@c", "@", "x" * 250 + "@b.de"),
    "phone": (*NO_LINE, "none", "1" * 41, "-"),
    "client_type": (*NO_LINE, "", "Buyer", " buyer", "buyer,seller", 0),
    "status": (*NO_LINE, "", "ACTIVE", "deleted", 0),
    "source": (*NO_LINE, "x" * 101),
    **dict.fromkeys(("budget_min", "budget_max", "pre_approval_amount"), NO_AMOUNT),
    "preferred_locations": ("x", {}, 5, True, [None], [5], [[]], ["x" * 201], ["a\nb"], ["x"] * 51),
    "property_preferences": (
        "x", 5, True, [], {"bedrooms_min": -1}, {"bathrooms_min": "2"}, {"square_feet_min": True},
        {"property_types": "house"}, {"property_types": [1]}, {"a": "\0"}, {"\ud800": 1}, {"a": "x" * 8192},
        json.loads('{"a":' * 21 + "1" + "}" * 21),
    ),
    "pre_approved": (0, 1, "true", "", [], {}),
    "notes": (*NO_TEXT, "x" * 10_001),
    "tags": ("x", {}, 5, True, [None], [5], [[]], ["x" * 51], ["a\nb"], ["x"] * 51, ["\ud800"]),
}  # fmt: skip
BAD_VERSIONS = (0, -1, "1", -1.0, 1.5, True, None, [], {}, "")
RAW = (
    lambda by: by.random.randbytes(by.number(0, 200)),
    lambda by: json.dumps(by.json()).encode(),
    lambda by: json.dumps({name: by.json() for name in by.random.sample(sorted(WRITABLE), 3)}).encode(),
    lambda by: json.dumps(by.json()).encode("utf-16"),
    lambda by: by.choice((b"", b" ", b"{", b"[]", b"null", b'"', b"NaN", b"{}{}", b"\xef\xbb\xbf{}", b"\0")),
    lambda by: by.choice((b"[", b'{"a":', b"[{")) * by.choice((10, 1000, 20_000)),
    lambda by: b"[" * 500 + b"]" * 500,
    lambda by: (
        b'{"notes": '
        + by.choice((b"1e999", b"-Infinity", b"9" * 5000, b"0123", b"'x'", b"1.", b"\xff"))
        + b"}"
    ),
    lambda by: b'{"notes": "a", "notes": "b", "first_name": "A", "last_name": "B", "client_type": "both"}',
    lambda by: b"first_name=A&last_name=B&client_type=both",
    lambda by: b"x" * by.choice((65_535, 65_536, 65_537, 200_000)),
)
NUMBERS = [
    *(
        (number, False)
        for number in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"01", b"+1")
    ),
    *((number, True) for number in (b"1e-999", b"1E3", b"-0.0", b"9" * 400)),
]
PAGES = (
    ["1", "2", "3", "001", "9" * 30, ""],
    ["0", "-1", "x", "1.0", " 1", "+1", "1" * 101, "%D9%A3", "1&page=2", "%00"],
)
LIMITS = (
    ["1", "2", "25", "100", "101", "9" * 30, ""],
    ["0", "-1", "x", "1e2", "1 ", "0x5", "5&limit=5", "%FF"],
)
TYPES = (
    ["buyer", "seller", "both", ""],
    ["Buyer", "x", "buyer,seller", "buyer&client_type=both", "%62uyers", "%ZZ"],
)
STATES = (
    ["active", "inactive", "closed", ""],
    ["Active", "deleted", "%20active", "closed&status=closed", "'"],
)
OWNERS = (["00000000-0000-4000-8000-000000000000", ""], ["1", "x", "%00"])
ADDRESSES = (["ANA@example.com", "a@b", ""], ["ana", "a@b@c", "%00"])
WORDS = (
    ["ana@EXAMPLE.com", "", "%20"],
    ["x" * 201, "%00", "a&q=b"],
)  # e-mail addresses, which the model knows
QUERY = {
    "page": PAGES,
    "limit": LIMITS,
    "client_type": TYPES,
    "status": STATES,
    "user_id": OWNERS,
    "email": ADDRESSES,
    "q": WORDS,
}
PATHS = (
    "/", "/v1", "/v1/", "/v1/clients/", "/v1/nothing", "/v1/clients/{id}/x", "/v2/clients", "/V1/clients",
    "*", "/healthz", "/readyz", "/openapi.json", "/healthz/", "//healthz", "//v1/clients", "///v1/clients/x",
    "/v1//clients", "/v1/clients//", "/v1/clients/../clients", "/v1/clients;x", "/v1/clients\n", "/v1/客户",
    "/v1/clients/\udcff", "/\udc80\udcff", "v1/clients", "",
)  # fmt: skip
NO_IDS = (
    "x", "0", "None", "%s", "..", ".", "' OR 1=1 --", "00000000-0000-0000-0000-00000000000g", "客户",
    "\udcff", " ", "{id}", "a" * 2000, "\0", "550e8400e29b41d4a716446655440000",
    "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
)  # fmt: skip
METHODS = ("PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO", "get", "PROPFIND", "QUERY")
CONTENT_TYPES = (
    "application/json; charset=utf-8", "Application/JSON", " application/json ", "text/plain", "", ";", "x",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json, text/plain",
)  # fmt: skip
LENGTHS = ("0", "1", "10", "65536", "65537", "999999999999", "-1", "x", "", " 5", "5.0", "٣")
HEADERS = {
    "HTTP_X_REQUEST_ID": ("abc-123", "x" * 128, "x" * 129, "a b", "", "é", '"', "0" * 64),
    "HTTP_ACCEPT": ("*/*", "text/html", "application/xml;q=1", "", "x/y/z", "\xff"),
    "HTTP_COOKIE": ("a=b", "=", ";;", "\xff"),
    "HTTP_ORIGIN": ("https://example.com", "null", ""),
    "HTTP_RANGE": ("bytes=0-1", "x"),
    "HTTP_IF_MODIFIED_SINCE": ("Wed, 15 Jul 2026 14:32:10 GMT", "x"),
    "HTTP_X_FORWARDED_FOR": ("1.2.3.4", "x, y", "[::1]:5", '"'),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE", "PUT"),
    "HTTP_EXPECT": ("100-continue",),
    "HTTP_API_KEY": ("", "x", "0" * 64),
    "HTTP_HOST": ("", "x", "a:b:c", "é", "example.com:80"),
}  # fmt: skip
TAGS = (
    '"1"',
    '"2"',
    '"3"',
    'W/"1"',
    "*",
    '"1", "2"',
    '"x"',
    "1",
    '"',
    ",",
    "",
    '"' + "9" * 400 + '"',
    "\xff",
)
RETRY_KEYS = ('"a"', "b", "c", "d", "", '"', "a b", "x" * 255, "x" * 256, "é", '""')


def is_utf8(content):
    try:
        return content.decode() is not None
    except UnicodeDecodeError:
        return False


class Generator:
    """Requests by chance, about the clients that the model has."""

    def __init__(self, seed, model):
        self.by = Chance(seed)
        self.model = model

    def next(self):
        by = self.by
        make = by.random.choices(
            (self.create, self.update, self.delete, self.get, self.list, self.wander), (20, 32, 10, 12, 20, 6)
        )[0]
        request = make()._replace(who=by.choice((*MAY_ALL * 5, "reader", "nothing", "nobody", "wrong")))
        if request.who == "wrong":
            request.headers["HTTP_X_API_KEY"] = by.choice(("", "x", "0" * 64, "é" * 64, "A" * 64, "\0"))
        if by.chance(0.1):
            name = by.choice(list(HEADERS))
            request.headers[name] = by.choice(HEADERS[name])
        if by.chance(0.04):
            name, values = by.choice((("CONTENT_TYPE", CONTENT_TYPES), ("CONTENT_LENGTH", LENGTHS)))
            request = request._replace(headers={**request.headers, name: by.choice(values)}, wrong=None)
        return request

    def list(self):
        by, parts, wrong = self.by, [], set()
        for name, (good, bad) in QUERY.items():
            if by.chance(0.4 if name in ("page", "limit", "client_type", "status") else 0.1):
                is_bad = by.chance(0.12)
                parts.append(f"{name}={by.choice(bad if is_bad else good)}")
                wrong |= {name} if is_bad else set()
        if by.chance(0.1):
            parts.append(by.choice(("x=1", "sort=name", "=", "&&", "%", "a=%FF", "pages", "x=" + "x" * 3000)))
        by.random.shuffle(parts)
        return self.request(
            by.choice(("GET", "GET", "GET", "HEAD")), "/v1/clients", "&".join(parts), wrong=wrong
        )

    def create(self):
        by = self.by
        names = by.random.sample(sorted(UNSET), by.choice((0, 1, 3, len(UNSET))))
        body, wrong = self.body({*REQUIRED, *names})
        for name in sorted(REQUIRED):
            if by.chance(0.02):
                del body[name]
                wrong.add(name)
        if body.get("budget_min") is not None and body.get("budget_max") is not None and not wrong:
            body["budget_min"], body["budget_max"] = sorted((body["budget_min"], body["budget_max"]))
        headers = {"HTTP_IDEMPOTENCY_KEY": by.choice(RETRY_KEYS)} if by.chance(0.1) else {}
        return self.with_body("POST", "/v1/clients", body, wrong, headers)

    def update(self):
        by = self.by
        parse_id = self.parse_id()
        body, wrong = self.body(set(by.random.sample(sorted(WRITABLE), by.choice((0, 1, 1, 2, 5, 15)))))
        if not body:
            wrong.add("body")
        if by.chance(0.3):
            known = self.model.clients.get(parse_id)
            body["version"] = by.choice((known.record["version"] if known else 1, 1, 2, 10**30))
            if by.chance(0.1):
                body["version"] = by.choice(BAD_VERSIONS)
                wrong.add("version")
        if by.chance(0.2):
            body |= {"id": by.choice((parse_id, 5)), "created_at": None, "nonsense": by.json(), "Status": "x"}
        headers = {"HTTP_IF_MATCH": by.choice(TAGS)} if by.chance(0.1) else {}
        return self.with_body("PUT", f"/v1/clients/{parse_id}", body, wrong, headers)

    def delete(self):
        headers = {"HTTP_IF_MATCH": self.by.choice(TAGS)} if self.by.chance(0.2) else {}
        return self.request("DELETE", f"/v1/clients/{self.parse_id()}", headers=headers)

    def get(self):
        headers = {"HTTP_IF_NONE_MATCH": self.by.choice(TAGS)} if self.by.chance(0.2) else {}
        return self.request(
            self.by.choice(("GET", "GET", "HEAD")), f"/v1/clients/{self.parse_id()}", headers=headers
        )

    def wander(self):
        """To a path, or with a method, that leads nowhere."""
        by = self.by
        method = by.choice((*METHODS, "GET", "POST", "PUT", "DELETE", "HEAD"))
        path = by.choice((*PATHS, "/v1/clients", f"/v1/clients/{self.parse_id()}"))
        return self.request(method, path, by.choice(("", "?", "page=x")), body=by.raw(), wrong=None)

    def body(self, names):
        """A body with these fields, all right or some wrong, mostly one; and which of them."""
        by = self.by
        body = {name: by.good(name) for name in sorted(names)}
        most = by.random.choices((0, 1, 5), (16, 4, 1))[0]
        wrong = set(by.random.sample(sorted(names), min(most, len(names))))
        return body | {name: by.bad(name) for name in sorted(wrong)}, wrong

    def with_body(self, method, path, body, wrong, headers):
        """The body as it is or, now and then, spoilt or replaced by anything."""
        by = self.by
        content = json.dumps(body, ensure_ascii=by.chance(0.5)).encode("utf-8", "surrogatepass")
        if "HTTP_IDEMPOTENCY_KEY" in headers or not is_utf8(content):
            wrong = None  # a lone surrogate that is not escaped makes the whole body wrong
        if by.chance(0.06):
            content, wrong = by.raw(), None
        elif by.chance(0.06):
            number, is_json = by.choice(NUMBERS)
            content = content[:-1] + (b", " if body else b"") + b'"x": [' + number + b"]}"
            wrong = wrong if is_json or wrong is None else {"body"}
        elif by.chance(0.06):
            at = by.number(0, len(content))
            content = (
                content[:at]
                + by.choice((b"", b"\0", b'"', b"{", b",", b"9"))
                + content[at + by.number(0, 2) :]
            )
            wrong = None
        return self.request(method, path, headers=headers, body=content, wrong=wrong)

    def parse_id(self):
        by, ids = self.by, list(self.model.clients)
        if ids and by.chance(0.85):
            known = by.choice(ids[-30:] if by.chance(0.7) else ids)
            return by.random.choices((known, known.upper(), known.replace("-", "")), (20, 1, 1))[0]
        gone = self.model.gone
        return by.choice((*NO_IDS, str(UUID(int=by.random.getrandbits(128))), *gone[-5:]))

    def request(self, method, path, query="", headers=None, body=b"", wrong=()):
        headers = dict(headers or {})
        if body:
            headers |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
        return Request("", method, path, query, headers, body, None if wrong is None else frozenset(wrong))


# --- what must be


class Known(NamedTuple):
    user: str
    record: dict


class Model:
    """The clients that there must be, oldest first."""

    def __init__(self):
        self.clients: dict[str, Known] = {}
        self.gone: list[str] = []
        self.retries: dict[tuple[str, str], dict] = {}


def stored(name, value):
    """What a field holds when it was written."""
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
    """Equal to the type of each number."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class Checker:
    """Puts requests to an app and holds each answer against the contract and the model."""

    def __init__(self, app, watching):
        self.app = app
        self.model = Model()
        self.keys = {
            who: app.keys.create(email, scopes, role=role) for who, (email, role, scopes) in WHO.items()
        }
        self._watching = watching
        self._seen = self._data_version()
        self.statuses = []

    def ask(self, request):
        answer = send(self.app, self.keys, request)
        self.statuses.append(answer.status)
        body = check_envelope(request, answer)
        check_problems(request, answer, body)
        wrote = self._check_success(request, answer, body) if answer.status < 300 else False
        now = self._data_version()
        if now != self._seen and not wrote:
            self.check_database()  # it may be that only the use of a key was noted
        assert now != self._seen or not wrote, "a success that wrote nothing"
        self._seen = now

    def _data_version(self):
        return self._watching.execute("PRAGMA data_version").fetchone()[0]

    def check_database(self):
        rows = self._watching.execute("SELECT id, user_id, json FROM clients ORDER BY seq").fetchall()
        clients = self.model.clients
        assert [row[:2] for row in rows] == [(parse_id, known.user) for parse_id, known in clients.items()]
        assert all(same(json.loads(text), clients[parse_id].record) for parse_id, _, text in rows)
        totals = self._watching.execute(
            "SELECT user_id, client_type, status, total FROM client_totals"
        ).fetchall()
        counted = Counter((known.user, known.record["client_type"], known.record["status"])
                          for known in clients.values())  # fmt: skip
        assert {row[:3]: row[3] for row in totals if row[3]} == counted

    def _check_success(self, request, answer, body):
        """Whether the request has written."""
        path = "/" + request.path.lstrip("/")  # if more of them, or none, lead anywhere, it is there
        if not path.startswith("/v1/clients") or request.method == "OPTIONS":
            return False
        caller = self.keys[request.who]
        visible = {
            parse_id: known.record
            for parse_id, known in self.model.clients.items()
            if caller.role == "broker" or known.user == caller.user_id
        }
        if request.method == "POST":
            return self._created(request, answer, body["data"], caller)
        if path == "/v1/clients":
            if request.method == "GET":
                self._listed(request, body["data"], [*visible.values()])
            return False
        parse_id = str(UUID(path.removeprefix("/v1/clients/")))
        before = visible[parse_id]
        if request.method == "DELETE":
            assert body["data"] == {}
            del self.model.clients[parse_id]
            self.model.gone.append(parse_id)
        elif request.method == "PUT":
            self._updated(request, before, body["data"])
        elif request.method == "GET":
            assert same(body["data"], before)
        return request.method in ("PUT", "DELETE")

    def _created(self, request, answer, record, caller):
        retry = caller.user_id, request.headers.get("HTTP_IDEMPOTENCY_KEY", "").strip('"')
        if "idempotent-replayed" in answer.headers:
            assert same(record, self.model.retries[retry])
            return False
        assert answer.status == 201
        assert record.keys() == WRITABLE | SERVERS
        assert answer.headers["location"] == f"/v1/clients/{record['id']}"
        assert record["id"] not in self.model.clients
        assert (record["user_id"], record["version"]) == (caller.user_id, 1)
        assert TIMESTAMP.fullmatch(record["created_at"])
        assert record["created_at"] == record["updated_at"]
        server = {name: record[name] for name in SERVERS}
        assert same(record, merged({**UNSET, **server}, sent_in(request)))
        self.model.clients[record["id"]] = Known(caller.user_id, record)
        self.model.retries[retry] = record
        return True

    def _updated(self, request, before, record):
        assert record["updated_at"] >= before["updated_at"]
        assert same(
            record,
            merged(before, sent_in(request))
            | {"version": before["version"] + 1, "updated_at": record["updated_at"]},
        )
        assert sent_in(request).get("version", before["version"]) == before["version"]
        self.model.clients[record["id"]] = self.model.clients[record["id"]]._replace(record=record)

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
        assert data["meta"] == {
            "page": page,
            "limit": limit,
            "total": total,
            "totalPages": -(-total // limit),
            "hasMore": skipped + limit < total,
        }
        assert same(data["clients"], visible[::-1][skipped : skipped + limit])


def sent_in(request):
    """The object in a body that was accepted, as far as it was announced; it must be JSON."""

    def finite(text):
        assert abs(float(text)) < float("inf")
        return float(text)

    content = request.body[: int(request.headers["CONTENT_LENGTH"])].decode("utf-8")
    return json.loads(content, parse_constant=finite, parse_float=finite)


def check_envelope(request, answer):
    """The answer's JSON, which is as the contract says; None where there is none to be."""
    assert answer.status < 500
    request_id = answer.headers["x-request-id"]
    if (
        request.method == "HEAD"
        or answer.status == 304
        or (request.method == "OPTIONS" and answer.status == 200)
    ):
        assert answer.body == b""
        return None
    if request.path in NO_ENVELOPE and answer.status == 200:
        return None
    assert answer.headers["content-type"].startswith("application/json")
    body = json.loads(answer.body.decode("utf-8"))
    assert TIMESTAMP.fullmatch(body["timestamp"])
    if answer.status < 400:
        assert body.keys() == {"success", "data", "timestamp"}
        assert body["success"] is True
        return body
    assert body.keys() == {"success", "error", "timestamp", "correlationId"}
    assert body["success"] is False
    assert body["correlationId"] == request_id
    assert body["error"].keys() - {"details"} == {"code", "message"}
    assert body["error"]["code"] == CODES[answer.status]
    assert body["error"]["message"]
    return body


def check_problems(request, answer, body):
    """That what is refused is so for the fields that are wrong, and what is not has none."""
    if answer.status >= 400 and body and answer.status != 400:
        assert isinstance(body["error"].get("details", {}), dict)
    if answer.status == 400 and body and "details" in body["error"]:
        named = [problem["field"] for problem in body["error"]["details"]]
        assert set(named) <= FIELDS
        assert len(set(named)) == len(named) > 0
        assert all(problem["message"] for problem in body["error"]["details"])
    elif answer.status == 400 and body:
        assert "CONTENT_LENGTH" in request.headers, "a 400 that names nothing"
        assert not request.headers["CONTENT_LENGTH"].isdecimal()
    if request.wrong is None or request.who not in MAY_ALL:
        return
    assert answer.status in ((400,) if request.wrong else (200, 201, 304, 400, 404, 409, 412))
    if answer.status == 400 and body:
        crossed = set(named) - request.wrong
        assert set(named) >= request.wrong
        assert crossed <= BUDGETS


def run(app, seed, count):
    """Make so many requests and check each answer; the statuses in their order."""
    with closing(sqlite3.connect(app.database.path)) as watching:
        checker = Checker(app, watching)
        generator = Generator(seed, checker.model)
        for number in range(1, count + 1):
            request = generator.next()
            try:
                checker.ask(request)
                if number % 500 == 0 or number == count:
                    checker.check_database()
            except Exception as error:
                raise AssertionError(
                    f"{error or type(error).__name__}\n"
                    f"number {number} of seed {seed} was answered {checker.statuses[-1:]}; again:\n"
                    f"ACARE_TEST_FUZZ_SEED={seed} ACARE_TEST_FUZZ={number} pytest tests/test_fuzz.py\n"
                    f"{request!r}"
                ) from error
        return checker.statuses


def test_every_request_is_answered_as_the_contract_says(tmp_path):
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off") as app:
        statuses = run(app, SEED, COUNT)
    assert len(statuses) == COUNT
    if COUNT >= 4000:  # and every kind of answer has come up
        assert {200, 201, 304, *CODES} <= set(statuses)


def test_the_same_seed_makes_the_same_requests_and_answers(tmp_path):
    runs = []
    for name in ("one.db", "two.db"):
        with acare.create_app(database=tmp_path / name, rate_limit="off") as app:
            runs.append(run(app, SEED, 300))
    assert runs[0] == runs[1]


def test_a_failure_tells_the_seed_and_the_request(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError

    def fail_in(name, count):
        with acare.create_app(database=tmp_path / name, rate_limit="off") as app:
            monkeypatch.setattr(app.clients, "page", fail)
            with pytest.raises(AssertionError) as failure:
                run(app, 7, count)
        *_, command, request = str(failure.value).splitlines()
        return int(re.search("ACARE_TEST_FUZZ_SEED=7 ACARE_TEST_FUZZ=([0-9]+) ", command)[1]), eval(request)

    number, request = fail_in("one.db", 300)
    assert request.path == "/v1/clients"
    assert fail_in("two.db", number) == (number, request)
