"""Limits of what one caller can use: memory, descriptors, connections, the disk."""

import contextlib

import pytest
from support.sockets import BODY, KIB, closes, fill_with_large_clients, read_answer, request, wait_for
from support.target import attack, target_in

from acare.api import resources
from acare.server import channel

MIB = KIB * KIB


# --- bodies over the limit


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_without_an_end_is_cut_off(target, chunked):
    framing = {"Transfer_Encoding": "chunked"} if chunked else {"Content_Length": 10**12}
    first = request(target.key, "POST", body=b"e8d4a51000\r\n" if chunked else b"", **framing)

    def act():
        with target.connections() as [raw]:
            raw.sendall(first)
            sent = 0
            with contextlib.suppress(ConnectionError):
                while sent < 100 * MIB:
                    sent += raw.send(bytes(MIB))
        return sent

    assert attack(target, act) < 100 * MIB


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


# --- what the server holds for all connections

TIGHT = "from acare.server import channel; channel.MAX_BUFFERED = 4 * 2**20"
FIELDS = {f"X-{number}": "x" * 300 for number in range(95)}


@pytest.fixture
def tight(tmp_path):
    """A server that holds at most 4 MiB for its connections."""
    fill_with_large_clients(tmp_path / "served.db")
    with target_in(tmp_path, before=TIGHT) as target:
        yield target


def test_unfinished_requests_have_a_common_limit(tight):
    sent = request(tight.key, "POST", body=BODY.ljust(64 * KIB), **FIELDS, Content_Length=64 * KIB)
    tight.ask("POST", body=BODY, status=201)
    before = tight.memory()
    with tight.connections(200) as crowd:
        for raw in crowd:
            with contextlib.suppress(ConnectionError):  # a slow machine may get to it late
                raw.sendall(sent[:-1])
        wait_for(lambda: tight.unread() == 0)
        assert tight.memory() - before < 16 * MIB
        assert closes(crowd[0])
        with tight.connections() as [newest], newest.makefile("rb") as stream:
            newest.sendall(sent[:-1])
            wait_for(lambda: tight.unread() == 0)
            newest.sendall(sent[-1:])
            assert read_answer(stream)[0] == 201


def test_unread_responses_have_the_same_limit(tight):
    with tight.connections(10, receive_buffer=4096) as crowd:
        for raw in crowd:
            raw.sendall(request(tight.key, path="/v1/clients?limit=50"))
            assert raw.recv(1)
        assert closes(crowd[0])
        assert tight.is_well()


def test_four_of_the_largest_csv_files_fit_into_the_limit():
    assert 4 * resources.MAX_CSV_BYTES < channel.MAX_BUFFERED
