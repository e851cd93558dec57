"""Connections that make no progress, or whose request or reading is too slow, are closed."""

import contextlib
import itertools
import signal
import time

import pytest
from support.sockets import (
    BODY,
    KIB,
    LARGE_ANSWER,
    LARGE_PAGE,
    closes,
    fill_with_large_clients,
    request,
)
from support.target import check_health, target_in

LIMIT_SECONDS = 0.6  # a busy machine may hold up a caller who is in time
QUICK = f"""
from acare import server
server.TIMEOUT = {LIMIT_SECONDS}
server._SWEEP_SECONDS = 0.05
"""
SET_BACK = """
import signal, time
time_before, behind = time.time, []
time.time = lambda: time_before() - 3600 * len(behind)
signal.signal(signal.SIGUSR1, lambda *_: behind.append(True))
"""


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A server with short time limits."""
    database = tmp_path_factory.mktemp("quick") / "served.db"
    fill_with_large_clients(database)
    with target_in(database.parent, before=QUICK) as target:
        yield target


def test_a_request_that_is_too_slow_is_closed(quick):
    """Whether its bytes trickle or stop."""
    complete = request(quick.key, "POST", body=BODY)
    with quick.connections(2) as [trickle, stopped]:
        stopped.sendall(complete[:-1])
        began = time.monotonic()
        assert closes(trickle, sending=itertools.cycle(complete[:20]))
        assert time.monotonic() - began > 0.9 * LIMIT_SECONDS
        assert closes(stopped)


def test_an_idle_connection_is_closed(quick):
    with quick.connections() as [raw]:
        raw.sendall(request(quick.key, path="/healthz"))
        assert raw.recv(1000)
        assert closes(raw)


def test_a_clock_that_is_set_back_does_not_keep_a_connection_open(tmp_path):
    with target_in(tmp_path, before=SET_BACK + QUICK) as target, target.connections() as [raw]:
        check_health(raw)
        target.process.send_signal(signal.SIGUSR1)
        assert closes(raw)


def test_an_answer_that_is_not_read_is_given_up(quick):
    with quick.connections(receive_buffer=4096) as [raw]:
        raw.sendall(2 * request(quick.key, path=LARGE_PAGE))
        assert raw.recv(1)
        time.sleep(2 * LIMIT_SECONDS)
        received = 0
        with contextlib.suppress(ConnectionError):
            while piece := raw.recv(64 * KIB):
                received += len(piece)
        assert received < LARGE_ANSWER
