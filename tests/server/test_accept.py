"""An error in accept or in a thread costs one connection."""

import resource
import time

import pytest
from support.sockets import BODY, read_answer, request, wait_for
from support.target import check_health, target_in

RAISING = """
from acare import server
server.THREADS = 2
get_environment = server.Task.get_environment

def fail(task):
    if task.request.command != "GET" or task.request.path == "/v1/users":
        raise RuntimeError("on purpose")
    return get_environment(task)

server.Task.get_environment = fail
"""


@pytest.mark.parametrize(
    "line", [("POST", "/v1/clients", BODY), ("GET", "/v1/users"), ("HEAD", "/v1/users/me")]
)
def test_a_request_that_cannot_be_answered_is_a_500(tmp_path, line):
    with target_in(tmp_path, before=RAISING) as target:
        for _ in range(3):
            with target.connections() as [raw], raw.makefile("rb") as stream:
                raw.sendall(request(target.key, *line))
                status, headers, answer = read_answer(stream)
                assert (status, answer["error"]["code"]) == (500, "INTERNAL_ERROR")
                assert headers["Connection"] == "close"
        target.ask()
        wait_for(lambda: "on purpose" in target.log())


def test_without_descriptors_open_connections_are_served(tmp_path):
    quick = "from acare import server; server._SWEEP_SECONDS = 0.05"
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


def test_callers_who_leave_before_their_answer_are_not_in_the_log(tmp_path):
    with target_in(tmp_path) as target:
        for _ in range(20):
            with target.connections(50) as crowd:
                for raw in crowd:
                    raw.sendall(b"nonsense\r\n\r\n")
        assert target.is_well()
        wait_for(lambda: " /healthz 200 " in target.log())
        assert target.log_besides_requests() == []
