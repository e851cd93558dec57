"""Time limits follow the monotonic clock, and the server does not wait for a reader of its log."""

import fcntl
import os
import re
import threading
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
from support.target import Target, target_in

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


@pytest.fixture
def stalled(tmp_path):
    """A server whose log is not read, and the descriptor to read it from."""
    database = tmp_path / "served.db"
    key = make_key(database)
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with serving(database, log=write, before=FEW_LINES) as (process, address):
            os.close(write)
            yield Target(process, address, key, database), read
    finally:
        os.close(read)


FEW_LINES = "from acare.server import logs; logs.MAX_LINES = 1000"
SENT = 3000
AT_ONCE = 500
DROPPED = re.compile(rb"Z (?=[^\n]*\bdropped\b)\D*(\d+)")  # the first number after the time
ACCESS = re.compile(rb" GET /healthz 200 .* request=\S+$", re.MULTILINE)


def answered(target, number):
    """How many of that many requests are answered."""
    one = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"
    found = 0
    with connect(target.address) as raw, raw.makefile("rb") as stream:
        raw.settimeout(2)
        while found < number:
            now = min(AT_ONCE, number - found)
            raw.sendall(one * now)
            found += sum(read_head(stream) for _ in range(now))
    return found


def read_head(stream):
    """Whether the next answer is a 200; as fast as can be."""
    fine, length = stream.readline().startswith(b"HTTP/1.1 200 "), 0
    while (line := stream.readline()) != b"\r\n":
        assert line, "closed"
        if line[:15].lower() == b"content-length:":
            length = int(line[15:])
    stream.read(length)
    return fine


def test_a_log_that_is_not_read_does_not_stop_the_server(stalled):
    target, log = stalled
    assert answered(target, SENT) == SENT
    read, sent = [], SENT
    reader = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(log, 65536), b"")), daemon=True)
    reader.start()
    deadline = time.monotonic() + 3
    while True:
        time.sleep(0.2)
        lines = b"".join(read)
        dropped = sum(int(number) for number in DROPPED.findall(lines))
        if dropped and dropped + len(ACCESS.findall(lines)) == sent:
            break
        assert time.monotonic() < deadline, (dropped, len(ACCESS.findall(lines)), sent)
        sent += answered(target, 1)
    target.process.kill()
    reader.join(5)
