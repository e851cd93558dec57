"""Limits of what one caller can use: memory, descriptors, connections, the disk."""

import select
import time

import pytest
from support.files import write_lock
from support.sockets import BODY, KIB, read_answer, request, wait_for
from support.target import target_in

from acare.server import THREADS

MIB = KIB * KIB


# --- bodies over the limit


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_over_64_kib_is_read_and_refused(target, chunked):
    for size, status in ((64 * KIB, 201), (64 * KIB + 1, 413), (8_000_000, 413)):
        body, headers = BODY.ljust(size), {}
        if chunked:
            body, headers = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body), {"Transfer_Encoding": "chunked"}
        with target.connections() as [raw], raw.makefile("rb") as stream:
            sent = request(target.key, "POST", body=body, **headers)
            raw.sendall(sent + request(target.key, path="/healthz"))
            assert [read_answer(stream)[0], read_answer(stream)[0]] == [status, 200]


# --- what the server holds


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_over_the_limit_is_not_kept(target, chunked):
    """Not in memory, and not in a file."""
    size = 7 * MIB
    sent = request(
        target.key, "POST", **{"Content_Length": size} if not chunked else {"Transfer_Encoding": "chunked"}
    )
    sent += (b"%x\r\n" % size if chunked else b"") + bytes(size - 1)
    before, files = target.memory(), target.descriptors()
    with target.connections(10) as crowd:
        for raw in crowd:
            raw.sendall(sent)
        wait_for(lambda: target.unread() == 0)
        assert target.memory() - before < 8 * MIB
        assert target.descriptors() <= files + len(crowd)


# --- threads


def test_a_search_is_answered_while_each_thread_for_writes_waits(tmp_path):
    with (
        target_in(tmp_path) as target,
        write_lock(tmp_path / "served.db"),
        target.connections(THREADS + 1) as writing,
    ):
        for raw in writing:
            raw.sendall(request(target.key, "POST", body=BODY))
        assert target.is_well()  # by then, the requests have been read
        target.ask(path="/v1/clients?q=lee")
        assert select.select(writing, [], [], 0)[0] == []


def test_a_write_is_answered_as_soon_as_it_is_done(target):
    began = time.monotonic()
    for _ in range(5):
        target.ask("POST", body=BODY, status=201)
    assert time.monotonic() - began < 3, "the event loop slept"
