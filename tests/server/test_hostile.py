"""Callers that behave badly on the wire: whatever they send, or do not, others are answered as ever."""

import contextlib
import itertools
import json
import socket
import time
from contextlib import contextmanager

import pytest
from support.server import make_key, serving
from support.sockets import (
    BODY,
    CHUNKED,
    CROWD,
    KIB,
    LARGE_PAGE,
    THREADS,
    Server,
    connect,
    fill_with_large_clients,
    read_answer,
    read_statuses,
    request,
    reset,
    wait_for,
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    database = tmp_path_factory.mktemp("hostile") / "served.db"
    fill_with_large_clients(database)
    key = make_key(database)
    with serving(database, "--threads", THREADS) as (process, address):
        yield Server(process, address, key)


@pytest.fixture
def crowd(server):
    """Makes connections to the server, which stay until the end of the test."""
    made = []

    def make(size, **options):
        made.extend(connect(server.address, **options) for _ in range(size))
        return made[-size:]

    yield make
    for raw in made:
        reset(raw)


@contextmanager
def unharmed(server):
    """Whatever happens meanwhile, the server answers as before, has no more threads and nothing new."""
    total, threads, version = server.total(), server.threads(), server.write()
    yield
    assert [server.total() for _ in range(5)] == [total] * 5
    assert [server.write() for _ in range(5)] == [version + n for n in range(1, 6)]
    assert server.threads() == threads


# --- they send nothing, or little


def test_connections_that_send_nothing_shut_nobody_out(server, crowd):
    with unharmed(server):
        crowd(CROWD)


def test_connections_that_send_a_byte_now_and_then_shut_nobody_out(server, crowd):
    with unharmed(server):
        slow = crowd(CROWD)
        for byte in b"GET /v1":
            for raw in slow:
                raw.send(bytes([byte]))
            server.total()


def test_bodies_that_are_sent_by_half_shut_nobody_out(server, crowd):
    whole = request(server.key, "POST", body=BODY)
    with unharmed(server):
        for raw in crowd(CROWD):
            raw.sendall(whole[:-5])


def test_a_body_whose_other_half_comes_later_is_taken(server):
    whole = request(server.key, "POST", body=BODY)
    total = server.total()
    with connect(server.address) as raw, raw.makefile("rb") as stream:
        raw.sendall(whole[:-5])
        assert server.total() == total
        raw.sendall(whole[-5:])
        assert read_answer(stream)[0] == 201


def test_callers_that_go_away_in_the_middle_harm_nobody(server, crowd):
    whole = request(server.key, "POST", body=BODY)
    with unharmed(server):
        for length, raw in enumerate(crowd(len(whole) - 1), start=1):
            raw.sendall(whole[:length])
            reset(raw)


# --- they send what is wrong


def test_a_body_shorter_than_its_length_is_no_request(server):
    with unharmed(server), connect(server.address) as raw:
        raw.sendall(request(server.key, "POST", body=BODY, Content_Length=len(BODY) + 5))
        raw.shutdown(socket.SHUT_WR)
        assert read_statuses(raw) == []


def test_a_body_longer_than_its_length_ends_where_it_says(server):
    with unharmed(server), connect(server.address) as raw:
        raw.sendall(request(server.key, "POST", body=BODY + b"\r\n\r\n", Content_Length=len(BODY) - 5))
        assert read_statuses(raw) == [400, 400]  # what is cut off, and what is left of it


def test_garbage_after_a_request_does_not_cost_its_answer(server):
    with unharmed(server), connect(server.address) as raw:
        raw.sendall(request(server.key) + b"garbage\r\n\r\n" + request(server.key, "POST", body=BODY))
        assert read_statuses(raw) == [200, 400]  # and nothing that comes after


SIZE = b"%x" % len(BODY)
CHUNKS = {
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with a prefix": b"0x%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with an underscore": b"0_%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "without a size": b"\r\n%b\r\n0\r\n\r\n" % BODY,
    "longer than its size": b"%b\r\n%bXX\r\n0\r\n\r\n" % (SIZE, BODY),
}


@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_a_chunk_that_is_none_is_refused(server, chunks):
    with unharmed(server), connect(server.address) as raw:
        raw.sendall(request(server.key, "POST", body=chunks, Transfer_Encoding="chunked"))
        raw.shutdown(socket.SHUT_WR)
        assert read_statuses(raw) == [400]


def endless(start, line):
    return start + line * (KIB * 256 // len(line))


ENDLESS = {
    "a request line": endless(b"GET /", b"x"),
    "a header": endless(b"GET / HTTP/1.1\r\nX: ", b"x"),
    "headers": endless(b"GET / HTTP/1.1\r\n", b"X: x\r\n"),
    "zeros": endless(b"", b"\0"),
    "line ends": endless(b"", b"\r\n"),
    "a chunk": endless(CHUNKED + b"ffffffffffffffff\r\n", b"x"),
    "chunks": endless(CHUNKED, b"1\r\n \r\n"),
    "the size of a chunk": endless(CHUNKED, b"0"),
    "what follows the size of a chunk": endless(CHUNKED + b"5;", b"x"),
    "what follows the chunks": endless(CHUNKED + b"0\r\n", b"X: x\r\n"),
}


@pytest.mark.parametrize("bytes_sent", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_harms_nobody(server, crowd, bytes_sent):
    with unharmed(server):
        for raw in crowd(THREADS + 1):
            with contextlib.suppress(ConnectionError):  # it may well be closed before all is sent
                raw.sendall(bytes_sent)


# --- they send many requests, or read no answer


def test_requests_that_are_sent_at_once_are_answered_in_order(server):
    ids = [f"request-{number}" for number in range(50)]
    with unharmed(server), connect(server.address) as raw, raw.makefile("rb") as stream:
        raw.sendall(
            b"".join(request(server.key, path="/v1/clients?limit=1", X_Request_ID=name) for name in ids)
        )
        answers = [read_answer(stream) for _ in ids]
    assert [headers["X-Request-ID"] for _, headers, _ in answers] == ids
    assert {status for status, _, _ in answers} == {200}


def test_requests_that_are_sent_at_once_are_done_in_order(server):
    with connect(server.address) as raw, raw.makefile("rb") as stream:
        raw.sendall(request(server.key, "POST", body=BODY))
        path = read_answer(stream)[1]["Location"]
        changes = [json.dumps({"notes": f"note {number}"}).encode() for number in range(10)]
        raw.sendall(b"".join(request(server.key, "PUT", path, change) for change in changes))
        answers = [read_answer(stream)[2]["data"] for _ in changes]
    assert [(answer["notes"], answer["version"]) for answer in answers] == [
        (f"note {number}", number + 2) for number in range(10)
    ]


def test_a_caller_who_waits_to_be_told_to_continue_has_the_answer_before_it_first(server):
    first = request(server.key, "POST", body=BODY)
    head = request(server.key, "POST", Content_Length=len(BODY), Expect="100-continue")
    with connect(server.address) as raw, raw.makefile("rb") as stream:
        raw.sendall(first + head)
        assert read_answer(stream)[0] == 201
        assert stream.readline() + stream.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(BODY)
        assert read_answer(stream)[0] == 201


def test_large_answers_to_requests_that_are_sent_at_once_follow_each_other_without_a_pause(server):
    one = request(server.key, path=LARGE_PAGE)
    with connect(server.address) as raw, raw.makefile("rb") as stream:

        def seconds_for(*sent):
            began = time.monotonic()
            for requests in sent:
                raw.sendall(requests)
                for _ in range(len(requests) // len(one)):
                    assert read_answer(stream)[0] == 200
            return time.monotonic() - began

        one_by_one, together = seconds_for(one, one, one, one), seconds_for(one * 4)
        assert together < 2 * one_by_one + 0.2


def test_callers_that_read_no_answer_shut_nobody_out(server, crowd):
    with unharmed(server):
        for raw in crowd(2 * THREADS, receive_buffer=4096):
            raw.sendall(request(server.key, path=LARGE_PAGE))
            assert raw.recv(1)


def test_callers_that_ask_for_much_and_read_nothing_shut_nobody_out(server, crowd):
    with unharmed(server):
        for raw in crowd(2 * THREADS, receive_buffer=4096):
            raw.sendall(request(server.key, path=LARGE_PAGE) * 20)
            assert raw.recv(1)


# --- they take their time


PATIENCE = 0.25
IMPATIENT = f"""
from acare.server import channel, server
channel.REQUEST_SECONDS = channel.ANSWER_SECONDS = {PATIENCE}
server._SWEEP_SECONDS = 0.05
"""


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    database = tmp_path_factory.mktemp("impatient") / "served.db"
    fill_with_large_clients(database)
    key = make_key(database)
    with serving(database, before=IMPATIENT) as (process, address):
        yield Server(process, address, key)


def test_a_request_that_does_not_get_whole_is_closed_however_its_bytes_trickle(impatient):
    whole = request(impatient.key, "POST", body=BODY)
    with unharmed(impatient), connect(impatient.address) as raw:
        began = time.monotonic()
        assert closes(raw, sending=itertools.cycle(whole[:20]))
        assert time.monotonic() - began > 0.9 * PATIENCE


def test_a_body_that_does_not_get_whole_is_closed(impatient):
    with unharmed(impatient), connect(impatient.address) as raw:
        raw.sendall(request(impatient.key, "POST", body=BODY)[:-1])
        assert closes(raw)


def closes(raw, sending=(), within=8.0):
    """Whether the server ends the connection; ``sending`` are bytes to send, one after the other."""
    raw.settimeout(0.05)
    deadline = time.monotonic() + within
    bytes_to_send = iter(sending)
    while time.monotonic() < deadline:
        try:
            raw.send(bytes(itertools.islice(bytes_to_send, 1)))
            if raw.recv(1) == b"":
                return True
        except TimeoutError:
            pass
        except ConnectionError:
            return True
    return False


def test_a_connection_whose_requests_each_get_whole_in_time_goes_on(impatient):
    whole = request(impatient.key, path="/healthz")
    with connect(impatient.address) as raw, raw.makefile("rb") as stream:
        raw.sendall(whole[:50])
        end = time.monotonic() + 2 * PATIENCE
        while time.monotonic() < end:  # there is always a part of a request on its way
            raw.sendall(whole[50:] + whole[:50])
            assert read_answer(stream)[0] == 200
            time.sleep(0.05)


def test_an_answer_that_nobody_takes_is_given_up(impatient):
    wait_for(lambda: impatient.connections() == 0)
    with connect(impatient.address, receive_buffer=4096) as raw:
        raw.sendall(request(impatient.key, path=LARGE_PAGE))
        assert raw.recv(1)
        assert impatient.connections() == 1
        wait_for(lambda: impatient.connections() == 0)
