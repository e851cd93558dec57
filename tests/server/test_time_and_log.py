"""Time limits follow the monotonic clock, and the server does not wait for a reader of its log."""

import fcntl
import os
import time

import pytest
from support.server import make_key, serving
from support.sockets import (
    LARGE_PAGE,
    connect,
    fill_with_large_clients,
    read_answer,
    request,
)
from support.target import target_in

# The wall clock goes an hour ahead once the file is there.
JUMPING = """
import os, time
from acare.server import server
server._SWEEP_SECONDS = 0.1
wall, wall_ns = time.time, time.time_ns
jump = lambda: 3600 * os.path.exists({flag!r})
time.time = lambda: wall() + jump()
time.time_ns = lambda: wall_ns() + jump() * 10**9
"""


@pytest.fixture
def jumping(tmp_path):
    """A server and the function that makes its wall clock jump."""
    flag = tmp_path / "jump"
    fill_with_large_clients(tmp_path / "served.db")
    with target_in(tmp_path, before=JUMPING.format(flag=str(flag))) as target:

        def jump():
            flag.touch()
            for _ in range(6):  # the loop looks for connections that take too long
                assert target.is_well()
                time.sleep(0.05)

        yield target, jump


def test_a_jump_of_the_wall_clock_closes_no_connection(jumping):
    target, jump = jumping
    complete = request(
        target.key, "POST", body=b'{"first_name": "A", "last_name": "B", "client_type": "buyer"}'
    )
    with target.connections(3) as [half, idle, silent]:
        half.sendall(complete[:-5])
        with target.connections(receive_buffer=4096) as [slow], slow.makefile("rb") as stream:
            slow.sendall(request(target.key, path=LARGE_PAGE))
            stream.peek(1)
            jump()
            half.sendall(complete[-5:])
            idle.sendall(complete)
            silent.sendall(request(target.key, path="/healthz"))
            for raw, expected in ((half, 201), (idle, 201), (silent, 200)):
                with raw.makefile("rb") as answers:
                    answer = read_answer(answers)
                    assert answer is not None, "it was cut off"
                    assert answer[0] == expected
            assert read_answer(stream)[0] == 200


# --- a log that is not read

FEW_LINES = "from acare.server import logs; logs.MAX_LINES = 100"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"


def test_a_log_that_is_not_read_does_not_stop_the_server(tmp_path):
    """The lines that are dropped are counted, and the log goes on when it is read again."""
    make_key(tmp_path / "served.db")
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with serving(tmp_path / "served.db", log=write, before=FEW_LINES) as (_, address):
        os.close(write)
        with connect(address) as raw, raw.makefile("rb") as stream, open(read, "rb") as log:
            for _ in range(500):
                raw.sendall(HEALTH)
                assert read_answer(stream)[0] == 200
            time.sleep(0.1)  # the lines are written 20 times a second
            lines = iter(log.readline, b"")
            assert any(b"log lines were dropped" in line for line in lines)
            raw.sendall(HEALTH)
            assert b"GET /healthz 200" in next(lines)
