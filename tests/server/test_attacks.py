"""Requests that are made to take long: the other callers are answered promptly all the same."""

import itertools
import time

import pytest
from support.sockets import KIB, read_answer, read_statuses
from support.target import PROMPT, attack

ROOM = 32 * KIB - 200  # bytes of a header, nearly as many as the server takes
TOGETHER = 5

numbers = itertools.count()


def get(path="/healthz", *headers, version="1.1"):
    """The bytes of a GET that closes the connection."""
    lines = [f"GET {path} HTTP/{version}", "Host: a.example", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def fill(pattern, room=ROOM):
    return pattern * (room // len(pattern))


def ask(target, *requests):
    """The statuses of the answers to each of the requests, which come on TOGETHER connections at once.

    ``{n}`` in a request is another number in each, since parsers remember what they have read.
    """
    with target.connections(TOGETHER * len(requests)) as crowd:
        for number, raw in enumerate(crowd):
            raw.settimeout(2)
            raw.sendall(requests[number % len(requests)].replace(b"{n}", b"%d" % next(numbers)))
        statuses = [read_statuses(raw) for raw in crowd]
    assert all(len(answers) == 1 for answers in statuses)
    return {status for answers in statuses for status in answers}


REQUEST_LINES = {
    "a port without an end": "a://" + "1" * 16_000 + " X",
    "a port that fills it": "a://" + "1" * (ROOM - 20) + " X",
    "schemes": fill("a://") + " X",
    "blanks": " " * ROOM + "X",
    "tabs": "\t" * ROOM + "X",
    "words": fill("a ") + "X",
    "versions": fill("HTTP/1.1 ") + "X",
    "per cents": "/" + fill("%") + " X",
    "a host in brackets": "http://" + fill("["),
}


TARGETS = {
    "escapes": "/" + fill("%41"),
    "broken escapes": "/" + fill("%f"),
    "slashes": fill("/"),
    "dots": fill("/.."),
    "ampersands": "/v1/clients?" + fill("&"),
    "parameters": "/v1/clients?" + fill("limit=1&"),
    "commas in a parameter": "/v1/clients?status=" + fill(","),
    "escapes in a parameter": "/v1/clients?page=" + fill("%31"),
    "pluses in a parameter": "/v1/clients?status=" + fill("+"),
    "equals signs": "/v1/clients?" + fill("="),
    "digits": "/v1/clients?page=" + fill("1"),
    "digits in a path": "/v1/clients/" + fill("0"),
    "a host": "http://" + fill("a.") + "/healthz",
}


HEADERS = {
    "blanks before a value": "X-Test:" + fill(" ") + "x",
    "tabs before a value": "X-Test:" + fill("\t") + "x",
    "blanks after a value": "X-Test: x" + fill(" "),
    "tabs after a value": "X-Test: x" + fill("\t"),
    "blanks in a value": "X-Test: x" + fill(" ") + "x",
    "tabs in a value": "X-Test: x" + fill("\t") + "x",
    "blanks and tabs": "X-Test: x" + fill(" \t") + "x",
    "words": "X-Test: " + fill("x "),
    "blanks alone": "X-Test:" + fill(" "),
    "commas": "X-Test: " + fill(","),
    "colons": "X-Test: " + fill(":"),
    "a long name": fill("X") + ": x",
    "200 fields": "\r\n".join(f"X-{number}: x" for number in range(199)),
}


BROKEN_HEADERS = {
    "many of one name": "\r\n".join(["X-Test: x"] * 2500),
    "many names": "\r\n".join(f"X-{number}: x" for number in range(2500)),
    "blanks without a name": fill(" ") + ": x",
    "blanks before the colon": "X-Test" + fill(" ") + ": x",
    "blanks and a control character": "X-Test: x" + fill(" ") + "\x01",
    "tabs and a control character": "X-Test: x" + fill("\t") + "\x01",
    "words and a control character": "X-Test: " + fill("x ") + "\x01",
    "no colon": fill("x"),
    "a Content-Length of blanks": "Content-Length: 1" + fill(" ") + "x",
    "a Content-Length of digits": "Content-Length: " + fill("1") + "x",
    "a Transfer-Encoding of commas": "Transfer-Encoding: " + fill(","),
    "a Transfer-Encoding of blanks": "Transfer-Encoding: chunked" + fill(" ") + "x",
}


PARSED = {
    "Accept, a quote that is not closed": 'Accept: text/html;a{n}="' + fill(";"),
    "Accept, quotes": 'Accept: text/html;a{n}="' + fill('\\"'),
    "Accept, commas": "Accept: text/html;a={n}," + fill(","),
    "Accept, types": "Accept: text/html;a={n}," + fill("a/b,"),
    "Accept, weights": "Accept: text/html;a={n}," + fill("a/b;q=0.1,"),
    "Accept, parameters": "Accept: text/html;a={n}" + fill(";a=b"),
    "Cookie, semicolons": "Cookie: " + fill(";"),
    "Cookie, a quote that is not closed": 'Cookie: a="' + fill("\\"),
    "Cookie, names": "Cookie: " + fill("a=b;"),
    "Range, commas": "Range: bytes=" + fill("0-1,"),
    "Range, digits": "Range: bytes=" + fill("1"),
    "Content-Type, a quote that is not closed": 'Content-Type: application/json;a{n}="' + fill(";"),
    "Content-Type, parameters": "Content-Type: application/json" + fill(";a=b"),
    "If-Match, commas": "If-Match: " + fill(","),
    "If-Match, a tag that is not closed": 'If-Match: "' + fill("a"),
    "If-Match, quotes": "If-Match: " + fill('"'),
    "If-Match, weak tags": "If-Match: " + fill("W/"),
    "If-None-Match, commas": "If-None-Match: " + fill(","),
    "If-None-Match, tags": "If-None-Match: " + fill('"1", '),
    "If-None-Match, blanks": "If-None-Match: " + fill('"1"   '),
    "Forwarded, semicolons": "Forwarded: " + fill(";"),
    "Forwarded, a quote that is not closed": 'Forwarded: for="' + fill(";"),
    "Forwarded, elements": "Forwarded: " + fill("for=a,"),
    "X-Forwarded-For, brackets": "X-Forwarded-For: " + fill(",["),
    "X-Forwarded-For, commas": "X-Forwarded-For: " + fill(","),
    "X-Forwarded-For, quotes": "X-Forwarded-For: " + fill('"'),
    "X-Forwarded-For, blanks": "X-Forwarded-For: 1.2.3.4" + fill(" ") + "x",
    "X-Forwarded-Host, commas": "X-Forwarded-Host: " + fill("a,"),
    "X-Request-ID": "X-Request-ID: " + fill("0123456789abcdef"),
    "X-API-Key": "X-API-Key: " + fill("0123456789abcdef"),
    "Idempotency-Key": "Idempotency-Key: " + fill("0"),
    "Origin": "Origin: " + fill("http://"),
}


KEY = "X-API-Key: {key}"
PATHS = ("/", "/v1/clients?limit=1")

# For each kind: how requests are made of its items, and the statuses of their answers.
ATTACKS = {
    "request lines": (
        REQUEST_LINES,
        lambda rest: [f"GET {rest}\r\nHost: a.example\r\n\r\n".encode()],
        {400, 431},
    ),
    "targets": (TARGETS, lambda path: [get(path, KEY)], {200, 400, 404}),
    "headers": (HEADERS, lambda header: [get("/healthz", header)], {200}),
    "malformed headers": (BROKEN_HEADERS, lambda header: [get("/healthz", header)], {400}),
    "headers that the app parses": (
        PARSED,
        lambda header: [get(p, *[KEY] * ("API-Key:" not in header), header) for p in PATHS],
        {200, 304, 400, 401, 412},
    ),
}


@pytest.mark.parametrize(("items", "make", "statuses"), ATTACKS.values(), ids=ATTACKS)
def test_a_long_request_is_answered_at_once(target, items, make, statuses):
    wrong = {}

    def act():
        wrong.clear()
        for name, item in items.items():
            requests = [each.replace(b"{key}", target.key.encode()) for each in make(item)]
            began = time.monotonic()
            found = ask(target, *requests)
            seconds = time.monotonic() - began
            if not found <= statuses or seconds > 2 * PROMPT:
                wrong[name] = found, seconds

    attack(target, act)
    assert wrong == {}


# --- urgent data, and many requests at once


@pytest.mark.parametrize("before", [b"", b"GET /healthz HT", get()[:-2]], ids=["idle", "a line", "a header"])
def test_an_urgent_byte_ends_its_connection_only(target, before):
    def act():
        with target.connections() as [raw]:
            raw.settimeout(2)
            raw.sendall(before)
            raw.send(b"!", 1)  # MSG_OOB
            began = target.cpu_seconds()
            time.sleep(0.3)
            used = target.cpu_seconds() - began
            try:
                return used, raw.recv(1)
            except ConnectionResetError:
                return used, b""

    used, answer = attack(target, act)
    assert (used < 0.2, answer) == (True, b"")


def test_pipelines_do_not_delay_new_connections(target):
    one = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    def act():
        with target.connections(150) as crowd:
            for raw in crowd:
                raw.sendall(fill(one, room=8 * KIB))
            time.sleep(2 * PROMPT)
            with crowd[0].makefile("rb") as stream:  # they are answered as well
                return stream.readline()

    assert attack(target, act) == b"HTTP/1.1 200 OK\r\n"


def test_a_request_after_an_attack_is_answered(target):
    keeps = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Test: x{}x\r\n\r\n".format(" " * ROOM).encode()
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(keeps + keeps)
        assert [read_answer(stream)[0], read_answer(stream)[0]] == [200, 200]
