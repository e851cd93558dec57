"""What callers and proxies see of a stop: answers that end their connection, and a delay before it."""

import time
from contextlib import contextmanager

import pytest
from support.server import make_key, serving
from support.sockets import BODY, connect, read_answer, request, wait_for


class Draining:
    """A server, the time since it was told to stop, and what a caller with a new connection is answered."""

    def __init__(self, process, address, key, log):
        self.process, self.address, self.key, self._log = process, address, key, log
        self.told = None

    def stop(self):
        self.told = time.monotonic()
        self.process.terminate()
        wait_for(lambda: "stopping" in self._log.read_text())

    def ask(self, *what):
        with connect(self.address) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(self.key, *what))
            return read_answer(stream)

    def seconds_to_the_end(self):
        assert self.process.wait(10) == 0
        return time.monotonic() - self.told


@pytest.fixture
def start(tmp_path):
    @contextmanager
    def run(*options):
        key = make_key(tmp_path / "served.db")
        with serving(tmp_path / "served.db", *options) as (process, address):
            yield Draining(process, address, key, tmp_path / "server.log")

    return run


def test_an_answer_during_the_drain_ends_its_connection(start):
    with start() as server, connect(server.address) as raw, raw.makefile("rb") as stream:
        sent = request(server.key, "POST", "/v1/clients", BODY)
        raw.sendall(sent[:-5])
        server.ask()  # the server reads in turn, so it has read that too
        server.stop()
        raw.sendall(sent[-5:])
        status, headers, _ = read_answer(stream)
        assert (status, headers["Connection"], stream.read()) == (201, "close", b"")


def test_during_the_delay_requests_are_answered_but_not_readyz(start):
    with start("--stop-delay", "1") as server, connect(server.address) as raw, raw.makefile("rb") as stream:
        assert server.ask("GET", "/readyz")[0] == 200
        server.stop()
        status, headers, answer = server.ask("GET", "/readyz")
        assert (status, answer["error"]["details"]["checks"]["server"]) == (503, "The server is stopping.")
        assert server.ask("POST", "/v1/clients", BODY)[0] == 201
        raw.sendall(request(server.key))  # over a connection that was there before
        status, headers, _ = read_answer(stream)
        assert (status, headers["Connection"]) == (200, "close")
        assert server.seconds_to_the_end() >= 1


def test_without_a_delay_the_stop_begins_at_once(start):
    with start() as server:
        server.stop()
        assert server.seconds_to_the_end() < 1


def test_a_second_signal_ends_the_delay(start):
    with start("--stop-delay", "60") as server:
        server.stop()
        server.process.terminate()
        assert server.process.wait(5) == 128 + 15
