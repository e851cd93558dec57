"""The server's clock is not the wall's, and its log waits for no reader."""

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
            for _ in range(30):  # the loop comes round, and looks for connections that take too long
                assert target.is_well()
                time.sleep(0.05)

        yield target, jump


def test_a_wall_clock_that_jumps_cuts_off_nobody(jumping):
    target, jump = jumping
    whole = request(target.key, "POST", body=b'{"first_name": "A", "last_name": "B", "client_type": "buyer"}')
    with target.connections(3) as [half, idle, reader]:
        half.sendall(whole[:-5])
        reader_is_slow = target.connections(receive_buffer=4096)
        with reader_is_slow as [slow], slow.makefile("rb") as stream:
            slow.sendall(request(target.key, path=LARGE_PAGE))
            stream.peek(1)
            jump()
            half.sendall(whole[-5:])
            idle.sendall(whole)
            reader.sendall(request(target.key, path="/healthz"))
            for raw, expected in ((half, 201), (idle, 201), (reader, 200)):
                with raw.makefile("rb") as answers:
                    answer = read_answer(answers)
                    assert answer is not None, "it was cut off"
                    assert answer[0] == expected
            assert read_answer(stream)[0] == 200


# --- a reader of the log that reads no more


@pytest.fixture
def stalled(tmp_path):
    """A server whose log nobody reads, and the descriptor to read it from."""
    database = tmp_path / "served.db"
    key = make_key(database)
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    try:
        with serving(database, log=write) as (process, address):
            os.close(write)
            yield Target(process, address, key, database), read
    finally:
        os.close(read)


SENT = 20_000
AT_ONCE = 500
ACCESS = re.compile(rb" GET /healthz 200 .* request=\S+$", re.MULTILINE)


def answered(target, number):
    """How many of that many requests are answered."""
    one = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"
    found = 0
    with connect(target.address) as raw:
        raw.settimeout(2)
        while found < number:
            raw.sendall(one * AT_ONCE)
            tail = b""
            for_now = 0
            while for_now < AT_ONCE:
                data = tail + raw.recv(1 << 16)
                for_now += data.count(b"HTTP/1.1 200 OK")
                tail = data[-14:] if not data.endswith(b"HTTP/1.1 200 OK") else b""
            found += for_now
    return found


def test_a_log_that_nobody_reads_stalls_nobody_and_counts_what_it_drops(stalled):
    target, log = stalled
    assert answered(target, SENT) == SENT
    lines = []
    reader = threading.Thread(
        target=lambda: lines.extend(iter(lambda: os.read(log, 65536), b"")), daemon=True
    )
    reader.start()
    deadline = time.monotonic() + 3
    extra = 0
    while not (dropped := re.search(rb"(\d+)[^\n]*\bdropped\b|\bdropped\b[^\n]*?(\d+)", b"".join(lines))):
        assert time.monotonic() < deadline, "it does not tell what it dropped"
        extra += answered(target, AT_ONCE)
        time.sleep(0.05)
    time.sleep(0.3)
    written = len(ACCESS.findall(b"".join(lines)))
    assert written + int(dropped[1] or dropped[2]) == SENT + extra
    target.process.kill()
    reader.join(5)


# --- what a method may put into it


KEY = "0123456789ABCDEF" * 4
METHODS = {
    "long": "X" * 200,
    "a key": KEY,
    "marks": "!#$%&'*+-.^_`|~",
    "one of WebDAV": "PROPFINDER",
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_an_unknown_method_is_not_in_the_log(target, method):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.settimeout(1)
        for path in ("/healthz", "/v1/clients", "/nothing"):
            raw.sendall(request(target.key, method, path))
            assert read_answer(stream)[0] in (400, 404, 405)
    time.sleep(0.15)  # lines are gathered before they are written
    assert method not in target.log()


def test_a_known_method_is_in_the_log(target):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(request(target.key, "DELETE", "/v1/clients/known"))
        assert read_answer(stream)[0] == 404
    time.sleep(0.15)
    assert " DELETE /v1/clients/known 404 " in target.log()
