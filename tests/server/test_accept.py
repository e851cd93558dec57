"""An error in accept or in a thread costs one connection."""

import resource
import time

import pytest
from support.sockets import BODY, request, wait_for
from support.target import check_health, target_in

# The next time that the server calls this method of a socket, it fails; once the file is there.
FAILING = """
import pathlib, socket
from acare.server import server

server._SWEEP_SECONDS = 0.05
armed, called = pathlib.Path({armed!r}), socket.socket.{method}

def fail_once(self, *arguments):
    try:
        armed.unlink()
    except FileNotFoundError:
        return called(self, *arguments)
    raise OSError(24, "Too many open files")

socket.socket.{method} = fail_once
"""


@pytest.mark.parametrize("method", ["accept", "setsockopt"])
def test_the_server_survives_an_error_in_accept(tmp_path, method):
    armed = tmp_path / "armed"
    with (
        target_in(tmp_path, before=FAILING.format(armed=str(armed), method=method)) as target,
        target.connections() as [other],
    ):
        check_health(other)
        armed.touch()
        wait_for(target.is_well, 20)
        check_health(other)
        assert not armed.exists(), "nothing has failed"


RAISING = """
from acare.server import server
server.THREADS["write"] = 2
answer = server.Channel.answer

def fail(channel, *arguments):
    if channel.env["REQUEST_METHOD"] != "GET" or channel.env["PATH_INFO"] == "/v1/users":
        raise RuntimeError("on purpose")
    answer(channel, *arguments)

server.Channel.answer = fail
"""


@pytest.mark.parametrize(
    "line", [("POST", "/v1/clients", BODY), ("GET", "/v1/users")], ids=["thread", "loop"]
)
def test_a_request_that_cannot_be_answered_is_closed(tmp_path, line):
    with target_in(tmp_path, before=RAISING) as target:
        for _ in range(3):
            with target.connections() as [raw]:
                raw.sendall(request(target.key, *line))
                assert raw.recv(1) == b""
        target.ask()
        wait_for(lambda: "on purpose" in target.log())


def test_without_descriptors_open_connections_are_served(tmp_path):
    quick = "from acare.server import server; server._SWEEP_SECONDS = 0.05"
    with target_in(tmp_path, before=quick) as target, target.connections() as [there]:
        check_health(there)
        _, hard = resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE)
        before = resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE, (target.descriptors(), hard))
        with target.connections(20):
            began = target.cpu_seconds()
            for _ in range(8):
                time.sleep(0.05)
                check_health(there)
            assert target.cpu_seconds() - began < 0.3, "a busy loop"
            assert sum(map(len, target.log_besides_requests())) < 8_000, "the log was flooded"
        resource.prlimit(target.process.pid, resource.RLIMIT_NOFILE, before)
        wait_for(target.is_well, 20)
