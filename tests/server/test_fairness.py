"""Many connections at once: new callers are answered, and costly requests do not delay others."""

import contextlib
import os
import signal
import time

import pytest
from support.sockets import connect, read_answer, reset
from support.target import attack, target_in

FEW = ["prlimit", "--nofile=320:320"]  # descriptors: room for 64 connections
ROOM = 64
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nHost: a.example\r\n\r\n"


def is_answered(raw):
    raw.settimeout(2)
    with contextlib.suppress(OSError):
        raw.sendall(HEALTH)
        return raw.recv(100).startswith(b"HTTP/1.1 200")
    return False


@pytest.fixture
def full(tmp_path):
    """A server with room for few connections, and what makes connections to it."""
    made = []
    with target_in(tmp_path, prefix=FEW) as target:

        def make(number, **options):
            made.extend(connect(target.address, **options) for _ in range(number))
            return made[-number:]

        yield target, make
        for raw in made:
            reset(raw)


def test_new_callers_replace_those_with_data_to_read(full):
    """In one turn of the loop: the descriptor of a closed connection is given to a new one at once."""
    target, make = full
    old = make(ROOM)
    time.sleep(0.3)
    os.kill(target.process.pid, signal.SIGSTOP)
    for raw in old:
        raw.send(b"G")
    new = make(16)
    os.kill(target.process.pid, signal.SIGCONT)
    time.sleep(0.3)
    assert [is_answered(raw) for raw in new] == [True] * 16
    assert target.log_besides_requests() == []


def test_new_callers_replace_those_who_do_not_read(full):
    _, make = full
    crowd = make(ROOM, receive_buffer=2048)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        for raw in crowd:
            raw.setblocking(False)
            with contextlib.suppress(OSError):
                raw.send(DOCUMENT * 20)
        time.sleep(0.02)
    assert [is_answered(make(1)[0]) for _ in range(20)] == [True] * 20


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


def test_idle_connections_do_not_slow_down_requests(tmp_path):
    def cpu_of_requests(raw, stream):
        before = target.cpu_seconds()
        for _ in range(1000):
            raw.sendall(HEALTH)
            assert read_answer(stream)[0] == 200
        return target.cpu_seconds() - before

    with target_in(tmp_path) as target, target.connections() as [raw], raw.makefile("rb") as stream:
        alone = cpu_of_requests(raw, stream)
        with target.connections(600):
            among_idle_ones = cpu_of_requests(raw, stream)
    assert among_idle_ones < 2 * alone + 0.05  # seconds; with waitress's poll, five times as much
