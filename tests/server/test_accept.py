"""An error in accept or in a thread costs one connection."""

import resource
import time

import pytest
from support.sockets import BODY, request, wait_for
from support.target import check_health, target_in

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
