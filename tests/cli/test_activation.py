"""Socket activation: the listening socket is passed in descriptor 3 and survives the server."""

import http.client
import re
import socket
import subprocess
import threading
from contextlib import closing, contextmanager

import pytest
from support.crash import KILLS
from support.server import command, make_key

RESTARTS = min(10, 3 * KILLS)

# What a service manager does: descriptor 3 is the socket, and the variables say so.
PASS = """
import os
os.dup2(0, 3)
os.environ |= {{"LISTEN_PID": {pid!r} or str(os.getpid()), "LISTEN_FDS": {count!r}}}
"""


@contextmanager
def activated(database, passed, pid="", count="1"):
    """A server with a passed socket; ``pid`` and ``count`` are what the variables say."""
    options = ("--database", database, "--rate-limit", "off", "--listen", "127.0.0.1:0")
    with subprocess.Popen(
        command("serve", *options, before=PASS.format(pid=pid, count=count)),
        stdin=passed,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def port_of(process):
    return int(re.search(r"http://127.0.0.1:(\d+)", process.stdout.readline())[1])


@pytest.fixture
def database(tmp_path):
    make_key(tmp_path / "served.db")
    return tmp_path / "served.db"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        yield listener


def test_a_socket_for_another_process_is_not_taken(database, listener):
    with activated(database, listener, pid="1") as process:
        assert port_of(process) != listener.getsockname()[1]


@pytest.mark.parametrize(("family", "count"), [(socket.AF_INET, 1), (socket.AF_UNIX, 1), (socket.AF_INET, 2)])
def test_only_one_socket_that_listens_on_tcp_is_taken(database, family, count):
    with socket.socket(family) as other, activated(database, other, count=str(count)) as process:
        assert process.wait(10) == 1
        assert process.stderr.read().startswith(f"acare: LISTEN_FDS={count}: descriptor 3 ")


def test_no_connection_is_refused_while_the_server_restarts(database, listener):
    over, failures = threading.Event(), []

    def call():
        while not over.is_set():
            with closing(http.client.HTTPConnection(*listener.getsockname(), timeout=20)) as connection:
                try:
                    connection.request("GET", "/healthz")
                    assert connection.getresponse().status == 200
                except (OSError, http.client.HTTPException) as error:
                    failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for _ in range(RESTARTS):
        with activated(database, listener) as process:
            port_of(process)
            process.terminate()
            assert process.wait(10) == 0
    with activated(database, listener):  # answers the last ones
        over.set()
        for caller in callers:
            caller.join(20)
    assert failures == []
