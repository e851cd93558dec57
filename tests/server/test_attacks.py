"""Requests that are made to take long: the other callers are answered promptly all the same."""

import contextlib
import selectors
import time

import pytest
from support.sockets import CHUNKED, KIB, read_content, read_statuses, request
from support.target import PROMPT, attack

ROOM = 32 * KIB - 200  # bytes of a header, nearly as many as the server takes
TOGETHER = 5
ALL = 960  # connections; the server takes 1,000
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"


def get(path="/healthz", *headers, version="1.1"):
    """The bytes of a GET that closes the connection."""
    lines = [f"GET {path} HTTP/{version}", "Host: a.example", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def fill(pattern, room=ROOM):
    return pattern * (room // len(pattern))


def ask(target, sent):
    """The statuses of the answers to a request that comes on TOGETHER connections at once."""
    with target.connections(TOGETHER) as crowd:
        for raw in crowd:
            raw.sendall(sent)
        statuses = [read_statuses(raw) for raw in crowd]
    assert all(len(answers) == 1 for answers in statuses)
    return {status for answers in statuses for status in answers}


REQUEST_LINES = {
    "a port that fills it": "a://" + "1" * (ROOM - 20) + " X",
    "schemes": fill("a://") + " X",
    "blanks": " " * ROOM + "X",
    "words": fill("a ") + "X",
    "versions": fill("HTTP/1.1 ") + "X",
    "a host in brackets": "http://" + fill("["),
}
TARGETS = {
    "escapes": "/" + fill("%41"),
    "slashes": fill("/"),
    "parameters": "/v1/clients?" + fill("limit=1&"),
    "commas in a parameter": "/v1/clients?status=" + fill(","),
    "digits": "/v1/clients?page=" + fill("1"),
    "a host": "http://" + fill("a.") + "/healthz",
}
HEADERS = {
    "blanks before a value": "X-Test:" + fill(" ") + "x",
    "tabs after a value": "X-Test: x" + fill("\t"),
    "blanks and tabs": "X-Test: x" + fill(" \t") + "x",
    "words": "X-Test: " + fill("x "),
    "blanks alone": "X-Test:" + fill(" "),
    "a long name": fill("X") + ": x",
    "100 fields": "\r\n".join(f"X-{number}: x" for number in range(99)),
}
BROKEN_HEADERS = {
    "many of one name": "\r\n".join(["X-Test: x"] * 2500),
    "blanks without a name": fill(" ") + ": x",
    "blanks before the colon": "X-Test" + fill(" ") + ": x",
    "blanks and a control character": "X-Test: x" + fill(" ") + "\x01",
    "no colon": fill("x"),
    "a Content-Length of blanks": "Content-Length: 1" + fill(" ") + "x",
    "a Content-Length of digits": "Content-Length: " + fill("1") + "x",
    "a Transfer-Encoding of commas": "Transfer-Encoding: " + fill(","),
}

# For each kind: how a request is made of an item, and the statuses of the answers.
ATTACKS = {
    "request lines": (REQUEST_LINES, lambda rest: f"GET {rest}\r\nHost: a\r\n\r\n".encode(), {400, 431}),
    "targets": (TARGETS, lambda path: get(path, "X-API-Key: {key}"), {200, 400, 404}),
    "headers": (HEADERS, lambda header: get("/healthz", header), {200}),
    "malformed headers": (BROKEN_HEADERS, lambda header: get("/healthz", header), {400}),
}


@pytest.mark.parametrize(("items", "make", "statuses"), ATTACKS.values(), ids=ATTACKS)
def test_a_long_request_is_answered_at_once(target, items, make, statuses):
    wrong = {}

    def act():
        wrong.clear()
        for name, item in items.items():
            began = target.cpu_seconds()
            found = ask(target, make(item).replace(b"{key}", target.key.encode()))
            seconds = target.cpu_seconds() - began
            if not found <= statuses or seconds > 2 * PROMPT:
                wrong[name] = found, seconds

    attack(target, act)
    assert wrong == {}


# --- urgent data, and many requests at once


@pytest.mark.parametrize("before", [b"", b"GET /healthz HT", get()[:-2]], ids=["idle", "a line", "a header"])
def test_an_urgent_byte_ends_its_connection_only(target, before):
    def act():
        with target.connections() as [raw]:
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


def test_empty_lines_do_not_delay_others(target):
    def act():
        with target.connections(ALL) as crowd:
            for raw in crowd:
                raw.sendall(fill(b"\r\n\r\n", room=8 * KIB))
            time.sleep(2 * PROMPT)

    attack(target, act)


def test_a_thousand_idle_connections_do_not_delay_others(target):
    with target.connections(ALL):
        attack(target, lambda: time.sleep(2 * PROMPT))


def test_a_thousand_busy_connections_do_not_delay_others(target):
    """Each sends its next request as soon as it has a response."""
    asks = request(target.key, path="/v1/clients")

    def act():
        with target.connections(ALL) as crowd, selectors.DefaultSelector() as selector:
            for raw in crowd:
                selector.register(raw, selectors.EVENT_READ)
                raw.sendall(asks)
            until = time.monotonic() + 4 * PROMPT
            while time.monotonic() < until:
                for ready, _ in selector.select(PROMPT):
                    assert ready.fileobj.recv(4096).startswith(b"HTTP/1.1 200 ")
                    ready.fileobj.sendall(asks)

    attack(target, act)


COSTLY = {
    "many fields of one name": HEALTH[:-2] + b"a:\r\n" * 8000 + b"\r\n",
    "many names": HEALTH[:-2] + b"".join(b"%x:\r\n" % n for n in range(4500)) + b"\r\n",
    "tiny chunks": b"POST /v1/clients HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"1\r\n \r\n" * 2000,
}


@pytest.mark.parametrize("costly", COSTLY.values(), ids=COSTLY)
def test_many_costly_requests_do_not_delay_others(target, costly):
    def act():
        with target.connections(40) as crowd:
            for raw in crowd:
                raw.setblocking(False)
            until = time.monotonic() + 0.6
            while time.monotonic() < until:
                for raw in crowd:
                    with contextlib.suppress(OSError):
                        raw.send(costly)
                time.sleep(0.005)

    attack(target, act)


LAST = {  # what is sent first, and what completes it
    "escapes": (get(TARGETS["escapes"])[:-1], b"\n"),
    "runs of blanks": (get("/healthz", "X-Test: " + fill("x  "))[:-1], b"\n"),
    "chunks": (CHUNKED, b"1\r\n \r\n" * 400 + b"!\r\n"),
}


@pytest.mark.parametrize(("first", "last"), LAST.values(), ids=LAST)
def test_many_requests_completed_together_do_not_delay_others(target, first, last):
    def act():
        with target.connections(ALL // 2) as crowd:
            for raw in crowd:
                raw.settimeout(60)
                raw.sendall(first)
            for raw in crowd:
                raw.sendall(last)
            with crowd[-1].makefile("rb") as stream:
                return read_content(stream)[0]

    assert attack(target, act) in (200, 400, 404)
