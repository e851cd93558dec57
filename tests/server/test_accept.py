"""An internal error costs one connection, or ends the process with a message."""

import resource
import socket
import subprocess
import time

import pytest
from support.sockets import BODY, connect, read_answer, request, wait_for
from support.target import target_in

# The next time that the server calls this method of a socket, it fails; once the file is there.
FAILING = """
import pathlib, socket
from acare.server import server

server._SWEEP_SECONDS = 0.1
armed, called = pathlib.Path({armed!r}), socket.socket.{method}

def fail_once(self, *arguments):
    {before}
    try:
        armed.unlink()
    except FileNotFoundError:
        return {after}
    raise {error}

socket.socket.{method} = fail_once
"""

NO_MEMORY = "MemoryError"
NO_DESCRIPTOR = "OSError(24, 'Too many open files')"
ANOTHER = "RuntimeError('another error')"

BEFORE, WHEN = ("accept", "pass", "called(self)"), ("accept", "taken = called(self)", "taken")
SET_UP = ("setblocking", "pass", "called(self, *arguments)")
OPTIONS = ("setsockopt", "pass", "called(self, *arguments)")

FAILURES = {
    "no memory before it is taken": (NO_MEMORY, *BEFORE),
    "no memory when it is taken": (NO_MEMORY, *WHEN),
    "no memory for its options": (NO_MEMORY, *OPTIONS),
    "no descriptor when it is set up": (NO_DESCRIPTOR, *SET_UP),
    "another error": (ANOTHER, *BEFORE),
}


@pytest.mark.parametrize(("error", "method", "before", "after"), FAILURES.values(), ids=FAILURES)
def test_the_server_survives_an_error_in_accept(tmp_path, error, method, before, after):
    armed = tmp_path / "armed"
    code = FAILING.format(armed=str(armed), method=method, before=before, after=after, error=error)
    with target_in(tmp_path, before=code) as target, target.connections() as [other]:
        assert status_on(other, target) == 200
        armed.touch()
        if answers_within(target, seconds=2):
            assert status_on(other, target) == 200
        else:
            assert ends_with_a_message(target)
        assert not armed.exists(), "nothing has failed"


def status_on(raw, target):
    with raw.makefile("rb") as stream:
        raw.sendall(request(target.key, path="/healthz"))
        answer = read_answer(stream)
        return answer and answer[0]


def answers_within(target, seconds):
    """Whether a new connection has an answer, at the latest after a few attempts."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and target.process.poll() is None:
        try:
            with connect(target.address) as raw:
                raw.settimeout(0.5)
                if status_on(raw, target):
                    return True
        except (TimeoutError, ConnectionError):
            time.sleep(0.02)
    return False


def ends_with_a_message(target):
    try:
        code = target.process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return False
    return code != 0 and target.log().strip() != ""


RAISING = """
from acare.server.channel import Channel
service = Channel.service

def fail(self):
    if self.requests[0].command == "POST":
        raise RuntimeError("on purpose")
    service(self)

Channel.service = fail
"""


def test_a_request_that_a_thread_cannot_answer_is_closed(tmp_path):
    with target_in(tmp_path, "--threads", 2, before=RAISING) as target:
        for _ in range(3):
            with target.connections() as [raw]:
                raw.settimeout(2)
                raw.sendall(request(target.key, "POST", body=BODY))
                assert raw.recv(1) == b""
        target.ask()
        wait_for(lambda: target.log().count("a request could not be answered") == 3)


def test_connections_may_be_reset_before_they_are_accepted(tmp_path):
    with target_in(tmp_path) as target:
        host, port = target.address.split(":")
        for _ in range(200):
            raw = socket.socket()
            raw.setblocking(False)
            raw.connect_ex((host, int(port)))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            raw.close()
        assert answers_within(target, seconds=1)
        assert len(target.log_besides_requests()) < 10


def test_without_descriptors_open_connections_are_served(tmp_path):
    quick = "from acare.server import server; server._SWEEP_SECONDS = 0.1"
    with target_in(tmp_path, before=quick) as target, target.connections() as [there]:
        assert status_on(there, target) == 200
        _, hard = resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE)
        before = resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE, (target.descriptors(), hard))
        there.settimeout(1)
        with target.connections(20):
            began = target.cpu_seconds()
            assert [status_on(there, target) for _ in range(8) if time.sleep(0.05) is None] == [200] * 8
            assert target.cpu_seconds() - began < 0.3, "a busy loop"
            assert sum(map(len, target.log_besides_requests())) < 8_000, "the log was flooded"
        resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE, before)
        assert answers_within(target, seconds=2)
