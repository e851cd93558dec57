"""At the limit of connections, one that waits for its caller is closed for a new one."""

import contextlib
import select
import time

import pytest
from support.files import write_lock
from support.sockets import (
    BODY,
    HEALTH,
    LARGE_ANSWER,
    LARGE_PAGE,
    closes,
    connect,
    fill_with_large_clients,
    read_answer,
    read_content,
    request,
    reset,
    wait_for,
)
from support.target import target_in

ROOM = 64
PATIENCE = 0.3  # seconds


QUICK = f"""
from acare import server
server.MAX_CONNECTIONS, server.PATIENCE, server._SWEEP_SECONDS = {ROOM}, {PATIENCE}, 0.05
"""


@pytest.fixture
def full(tmp_path):
    """A server with little room for connections, and what makes connections to it."""
    fill_with_large_clients(tmp_path / "served.db")
    with target_in(tmp_path, before=QUICK) as target, contextlib.ExitStack() as stack:

        def make(count, sending=b"", **options):
            made = [connect(target.address, **options) for _ in range(count)]
            for raw in made:
                stack.callback(reset, raw)
                raw.sendall(sending)
            return made

        yield target, make


def ask(raw):
    """The status of the answer to a request on the connection; None if that is closed."""
    try:
        raw.sendall(HEALTH)
        with raw.makefile("rb") as stream:
            answer = read_content(stream)
            return answer and answer[0]
    except (ConnectionError, TimeoutError):
        return None


@pytest.mark.parametrize("begun", [b"", HEALTH[:20], HEALTH + HEALTH[:20]], ids=["nothing", "half", "more"])
def test_connections_that_wait_are_closed_for_new_ones(full, begun):
    _, make = full
    silent = make(ROOM + 5, begun)
    assert ask(make(1)[0]) == 200
    assert closes(silent[0])


def test_callers_who_come_at_once_do_not_exceed_the_limit(full):
    target, make = full
    before = target.descriptors()
    with target.frozen():
        make(ROOM + 20)
    wait_for(lambda: target.descriptors() >= before + ROOM)
    assert target.descriptors() == before + ROOM


def test_below_the_limit_a_connection_may_wait(full):
    _, make = full
    silent = make(ROOM - 5)
    time.sleep(2 * PATIENCE)
    assert ask(silent[0]) == 200


def test_a_new_caller_waits_if_all_requests_are_complete(full, tmp_path):
    target, make = full
    with write_lock(tmp_path / "served.db"):
        crowd = make(ROOM)
        assert ask(crowd[-1]) == 200
        for raw in crowd:
            raw.sendall(request(target.key, "POST", body=BODY))
        wait_for(lambda: target.unread() == 0)
        [waiting] = make(1, HEALTH)
        assert not select.select([waiting], [], [], 0.5)[0]
    for raw in (*crowd[:5], waiting):
        with raw.makefile("rb") as stream:
            assert read_answer(stream)[0] in (200, 201)
    assert target.is_well()
    assert target.log_besides_requests() == []


def test_an_unread_response_outlives_unfinished_requests(full):
    """Although it has made no progress for longer."""
    target, make = full
    [reading] = make(1, request(target.key, path=LARGE_PAGE), receive_buffer=2048)
    assert reading.recv(1)
    silent = make(ROOM, HEALTH[:20])
    assert closes(silent[0])
    with reading.makefile("rb") as stream:
        assert len(read_content(stream)[2]) > LARGE_ANSWER
