"""Requests that are made to take long: the other callers are answered promptly all the same."""

import contextlib
import itertools
import selectors
import time

import pytest
from support.sockets import CHUNKED, HEALTH, KIB, request
from support.target import PROMPT, attack
from waitress.adjustments import Adjustments

from acare.api.envelope import MAX_HEADER
from acare.server import Parser

ROOM = MAX_HEADER - 200  # bytes of a header, nearly as many as the server takes
ALL = 960  # connections; the server takes 1,000


def fill(pattern, room=ROOM):
    return pattern * (room // len(pattern))


PIECES = [*"1a \t/,[:\x01", "a ", " \t", "a.", "%41", "a://", "p=1&", "HTTP/1.1 "]
FORMS = {
    "a request line": "GET {} X\r\nHost: a",
    "a target": "GET /{} HTTP/1.1\r\nHost: a",
    "a query": "GET /?{} HTTP/1.1\r\nHost: a",
    "a name": "GET / HTTP/1.1\r\nHost: a\r\n{}: x",
    "a value": "GET / HTTP/1.1\r\nHost: a\r\nX: x{}x",
    "a host": "GET / HTTP/1.1\r\nHost: {}",
    "a length": "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1{}x",
    "options": "GET / HTTP/1.1\r\nHost: a\r\nConnection: {}",
    "fields": "GET / HTTP/1.1\r\nHost: a\r\n" + fill("X: x\r\n") + "{:.1}: x",
}


def parsing_ms(header):
    """The milliseconds that parsing takes: the best of five."""
    times, settings = [], Adjustments(max_request_header_size=MAX_HEADER)
    while len(times) < 5:
        began = time.thread_time()
        Parser(settings).received(f"{header}\r\n\r\n".encode("latin-1"))
        times.append(1000 * (time.thread_time() - began))
    return min(times)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_header_takes_long_to_parse(form):
    """It takes 0.1 to 0.4 ms; escapes, which are decoded, take 1.5."""
    times = {piece: parsing_ms(form.format(fill(piece))) for piece in PIECES}
    assert {piece: taken for piece, taken in times.items() if taken > 5} == {}


# --- many requests at once


CROWDS = {
    "idle": b"",
    "pipelines": fill(HEALTH, room=8 * KIB),
    "empty lines": fill(b"\r\n\r\n", room=8 * KIB),
}


@pytest.mark.parametrize("sent", CROWDS.values(), ids=CROWDS)
def test_a_thousand_connections_do_not_delay_others(target, sent):
    def act():
        with target.connections(ALL) as crowd:
            for raw in crowd:
                raw.sendall(sent)
            time.sleep(2 * PROMPT)

    attack(target, act)


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


def endless(start, piece):
    return start + fill(piece, room=256 * KIB)


ENDLESS = [
    endless(b"GET /", b"x"),
    endless(b"GET / HTTP/1.1\r\nX: ", b"x"),
    endless(HEALTH[:-2], b"".join(b"%x:\r\n" % number for number in range(4500))),
    endless(b"", b"\r\n"),
    endless(CHUNKED + b"ffffffffffffffff\r\n", b"x"),
    endless(CHUNKED, b"1\r\n \r\n"),
    endless(CHUNKED + b"5;", b"x"),
    endless(CHUNKED + b"0\r\n", b"X: x\r\n"),
]


def test_connections_that_send_without_end_do_not_delay_others(target):
    def act():
        until = time.monotonic() + 3 * PROMPT
        while time.monotonic() < until:
            with target.connections(10 * len(ENDLESS)) as crowd:
                for raw, data in zip(crowd, itertools.cycle(ENDLESS), strict=False):
                    raw.setblocking(False)
                    with contextlib.suppress(OSError):  # it may be closed before all is sent
                        raw.send(data)
                time.sleep(0.05)

    attack(target, act)
