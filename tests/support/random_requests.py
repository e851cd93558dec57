"""Random requests about clients, generated from a seed: valid, nearly valid and arbitrary."""

import json
import random
import string
from typing import NamedTuple
from uuid import UUID

from support.field_values import VALUES

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

#: Callers by name: user, role, scopes.
CALLERS = {
    "broker": ("bo@example.com", "broker", {"all": ["read", "write"]}),
    "ana": ("ana@example.com", "agent", {"clients": ["read", "write"]}),
    "bob": ("bob@example.com", "agent", {"clients": ["read", "write", "delete"]}),
    "reader": ("ana@example.com", "agent", {"clients": ["read"]}),
    "no scope": ("bob@example.com", "agent", {}),
}
FULL_ACCESS = ("broker", "ana", "bob")


class Request(NamedTuple):
    """A request, and its invalid fields; None if these are unknown."""

    caller: str
    method: str
    path: str
    query: str
    environ: dict[str, str]
    body: bytes
    wrong: frozenset[str] | None


CHARACTERS = string.printable[:95] + "àßøŁžβвגع客ก한😀\u2028\ufeff\u200b"
CODECS = ("utf-8", "utf-16")
BAD_VERSIONS = (0, -1, "1", -1.0, 1.5, True, None, [], {}, "")
BODIES = (
    b"", b" ", b"{", b"[]", b"null", b'"', b"NaN", b"{}{}", b"\xef\xbb\xbf{}", b"\0", b"[" * 20_000,
    b'{"a":' * 1000, b"x" * 65_536, b"x" * 65_537, b"first_name=A&last_name=B&client_type=both",
    b'{"notes": "a", "notes": "b", "first_name": "A", "last_name": "B", "client_type": "both"}',
    *(b'{"notes": ' + value + b"}" for value in (b"1e999", b"-Infinity", b"9" * 5000, b"0123", b"\xff")),
)  # fmt: skip
QUERY = {
    # good texts, bad texts
    "page": (["1", "2", "3", "001", "9" * 30, ""],
             ["0", "-1", "x", "1.0", " 1", "+1", "1" * 101, "%D9%A3", "1&page=2", "%00"]),
    "limit": (["1", "2", "25", "100", "101", "9" * 30, ""], ["0", "-1", "x", "1e2", "1 ", "5&limit=5", "%F"]),
    "client_type": (["buyer", "seller", "both", ""],
                    ["Buyer", "x", "buyer,seller", "buyer&client_type=both", "%62uyers", "%ZZ"]),
    "status": (["active", "inactive", "closed", ""],
               ["Active", "deleted", "%20active", "closed&status=closed", "'"]),
    "user_id": (["00000000-0000-4000-8000-000000000000", ""], ["1", "x", "%00"]),
    "email": (["JORDAN@example.com", "a@b", ""], ["ana", "a@b@c", "%00"]),
    "q": (["jordan@EXAMPLE.com", "", "%20"], ["x" * 201, "%00", "a&q=b"]),  # addresses only
}  # fmt: skip
PATHS = (
    "/", "/v1", "/v1/", "/v1/clients", "/v1/clients/", "/v1/nothing", "/v1/clients/{id}/x", "/v2/clients",
    "*", "/healthz", "/readyz", "/openapi.json", "/healthz/", "//healthz", "//v1/clients", "///v1/clients/x",
    "/v1//clients", "/v1/clients//", "/v1/clients/../clients", "/v1/clients;x", "/v1/clients\n", "/v1/客户",
    "/v1/clients/\udcff", "/\udc80\udcff", "v1/clients", "",
)  # fmt: skip
BAD_IDS = (
    "x", "0", "None", "%s", "..", ".", "' OR 1=1 --", "00000000-0000-0000-0000-00000000000g", "客户",
    "\udcff", " ", "{id}", "a" * 2000, "\0", "550e8400e29b41d4a716446655440000",
)  # fmt: skip
METHODS = ("PATCH", "OPTIONS", "TRACE", "FOO", "get", "PROPFIND", "GET", "POST", "PUT", "DELETE", "HEAD")
# Headers with values that any request may have, and those that describe a body and can make it invalid.
ODD = {
    "HTTP_X_REQUEST_ID": ("abc-123", "x" * 128, "x" * 129, "a b", "", "é", '"', "0" * 64),
    "HTTP_ACCEPT": ("text/html", "application/xml;q=1", "", "x/y/z", "\xff"),
    "HTTP_ORIGIN": ("https://example.com", "null", ""),
    "HTTP_X_FORWARDED_FOR": ("1.2.3.4", "x, y", "[::1]:5", '"'),
    "HTTP_X_HTTP_METHOD_OVERRIDE": ("DELETE", "PUT"),
    "HTTP_HOST": ("", "x", "a:b:c", "é", "example.com:80"),
}
DECLARATIONS = {
    "CONTENT_TYPE": ("application/json; charset=utf-8", " Application/JSON ", "text/plain", "", ";", "x",
                     "application/x-www-form-urlencoded", "application/json, text/plain"),
    "CONTENT_LENGTH": ("0", "1", "10", "65537", "999999999999", "-1", "x", "", " 5", "5.0", "٣"),
}  # fmt: skip
TAGS = ('"1"', '"2"', '"3"', 'W/"1"', "*", '"1", "2"', '"x"', "1", '"', ",", "", f'"{"9" * 400}"', "\xff")
KEYS = ('"a"', "b", "c", "d", "", '"', "a b", "x" * 255, "x" * 256, "é", '""')


def text(by):
    """A line in any script, without leading or trailing white space."""
    return "a" + "".join(by.choices(CHARACTERS, k=by.randint(0, 38))) + "1"


def any_json(by, depth=4):
    if depth and by.random() < 0.4:
        inside = [any_json(by, depth - 1) for _ in range(by.randint(0, 3))]
        if by.random() < 0.5:
            return inside
        return {by.choice((*sorted(WRITABLE), "x", "")): value for value in inside}
    return by.choice((None, True, False, 0, 1, -1, 2.5, 1e300, 10**40, "", "x", "1", "\n", "\t", text(by)))


def any_body(by):
    made = (by.randbytes(by.randint(0, 200)), *(json.dumps(any_json(by)).encode(code) for code in CODECS))
    return by.choice((*made, *BODIES))


def good(by, name):
    """A value that the field accepts."""
    if name not in REQUIRED and by.random() < 0.1:
        return None
    if name in ("first_name", "last_name", "source", "notes") and by.random() < 0.7:
        return by.choice(("", " ", "\u3000")) + text(by)
    if name in ("tags", "preferred_locations") and by.random() < 0.5:
        return [text(by) + by.choice(("", " ")) for _ in range(by.randint(0, 3))]
    return by.choice([value for value in VALUES[name][0] if str(value) != "-0.0"])  # SQLite has no -0.0


class Generator:
    """Random requests about the clients of the model."""

    def __init__(self, seed, model):
        self.by = random.Random(seed)
        self.model = model

    def happens(self, probability):
        return self.by.random() < probability

    def next(self):
        by = self.by
        kinds = (self.create, self.update, self.delete, self.get, self.list, self.wander)
        request = by.choices(kinds, (20, 32, 10, 12, 20, 6))[0]()
        caller = by.choice((*FULL_ACCESS * 5, "reader", "no scope", "no key", "wrong key"))
        environ, wrong = dict(request.environ), request.wrong
        if caller == "wrong key":
            environ["HTTP_X_API_KEY"] = by.choice(("", "x", "0" * 64, "é" * 64, "A" * 64, "\0"))
        if self.happens(0.1):
            name = by.choice(list(ODD))
            environ[name] = by.choice(ODD[name])
        if self.happens(0.04):
            name = by.choice(list(DECLARATIONS))
            environ[name], wrong = by.choice(DECLARATIONS[name]), None
        return request._replace(caller=caller, environ=environ, wrong=wrong)

    def list(self):
        parts, wrong = [], set()
        for name, texts in QUERY.items():
            if self.happens(0.4 if name in ("page", "limit", "client_type", "status") else 0.1):
                is_bad = self.happens(0.12)
                parts.append(f"{name}={self.by.choice(texts[is_bad])}")
                wrong |= {name} if is_bad else set()
        if self.happens(0.1):
            parts.append(self.by.choice(("x=1", "=", "&&", "%", "a=%FF", "pages", "x=" + "x" * 3000)))
        self.by.shuffle(parts)
        method = self.by.choice(("GET", "GET", "GET", "HEAD"))
        return self.request(method, "/v1/clients", "&".join(parts), wrong=wrong)

    def create(self):
        others = self.by.sample(sorted(UNSET), self.by.choice((0, 1, 3, len(UNSET))))
        body, wrong = self.body({*REQUIRED, *others})
        for name in sorted(REQUIRED):
            if self.happens(0.02):
                del body[name]
                wrong.add(name)
        if not wrong and body.get("budget_min") is not None and body.get("budget_max") is not None:
            body["budget_min"], body["budget_max"] = sorted((body["budget_min"], body["budget_max"]))
        environ = {"HTTP_IDEMPOTENCY_KEY": self.by.choice(KEYS)} if self.happens(0.1) else {}
        return self.with_body("POST", "/v1/clients", body, wrong, environ)

    def update(self):
        by, client_id = self.by, self.client_id()
        body, wrong = self.body(set(by.sample(sorted(WRITABLE), by.choice((0, 1, 1, 2, 5, 15)))))
        if not body:
            wrong.add("body")
        if self.happens(0.3):
            known = self.model.clients.get(client_id)
            body["version"] = by.choice((known["version"] if known else 1, 1, 2, 10**30))
            if self.happens(0.1):
                body["version"] = by.choice(BAD_VERSIONS)
                wrong.add("version")
        if self.happens(0.2):
            body |= {"id": 5, "created_at": None, "nonsense": any_json(by), "Status": "x"}
        environ = {"HTTP_IF_MATCH": by.choice(TAGS)} if self.happens(0.1) else {}
        return self.with_body("PUT", f"/v1/clients/{client_id}", body, wrong, environ)

    def delete(self):
        environ = {"HTTP_IF_MATCH": self.by.choice(TAGS)} if self.happens(0.2) else {}
        return self.request("DELETE", f"/v1/clients/{self.client_id()}", environ=environ)

    def get(self):
        environ = {"HTTP_IF_NONE_MATCH": self.by.choice(TAGS)} if self.happens(0.2) else {}
        method = self.by.choice(("GET", "GET", "HEAD"))
        return self.request(method, f"/v1/clients/{self.client_id()}", environ=environ)

    def wander(self):
        """A path or a method that does not exist, or any body."""
        by = self.by
        path, query = by.choice((*PATHS, f"/v1/clients/{self.client_id()}")), by.choice(("", "?", "page=x"))
        return self.request(by.choice(METHODS), path, query, body=any_body(by), wrong=None)

    def body(self, names):
        """A body with these fields, mostly valid, and the names of the invalid ones."""
        body = {name: good(self.by, name) for name in sorted(names)}
        count = min(self.by.choices((0, 1, 5), (16, 4, 1))[0], len(names))
        wrong = set(self.by.sample(sorted(names), count))
        return body | {name: self.by.choice(VALUES[name][1]) for name in sorted(wrong)}, wrong

    def with_body(self, method, path, body, wrong, environ):
        """Send the body or, sometimes, a damaged or arbitrary one."""
        by = self.by
        content = json.dumps(body, ensure_ascii=self.happens(0.5)).encode("utf-8", "surrogatepass")
        damage = self.by.choices(("none", "other", "cut"), (88, 6, 6))[0]
        if "HTTP_IDEMPOTENCY_KEY" in environ or "\ufffd" in content.decode(errors="replace"):
            wrong = None  # an unescaped surrogate makes the entire body invalid
        if damage == "other":
            content, wrong = any_body(by), None
        elif damage == "cut":
            at, byte = by.randint(0, len(content)), by.choice((b"", b"\0", b'"', b"{", b",", b"9"))
            content, wrong = content[:at] + byte + content[at + by.randint(0, 2) :], None
        return self.request(method, path, environ=environ, body=content, wrong=wrong)

    def client_id(self):
        by, ids = self.by, list(self.model.clients)
        if ids and self.happens(0.85):
            known = by.choice(ids[-30:] if self.happens(0.7) else ids)
            return by.choices((known, known.upper(), known.replace("-", "")), (20, 1, 1))[0]
        return by.choice((*BAD_IDS, str(UUID(int=by.getrandbits(128))), *self.model.deleted[-5:]))

    def request(self, method, path, query="", environ=None, body=b"", wrong=()):
        wrong = None if wrong is None else frozenset(wrong)
        return Request("", method, path, query, environ or {}, body, wrong)
