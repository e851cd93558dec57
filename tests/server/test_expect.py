"""Requests with ``Expect: 100-continue``: each has its answer, and the next request is separate."""

import time

import pytest
from support.sockets import BODY, read_answer, request

EXPECT = {"Expect": "100-continue"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def caller(target):
    """A connection, and the answers that come on it."""
    with target.connections() as [raw], raw.makefile("rb") as stream:
        yield raw, stream


def answer_after_continue(stream):
    """The next answer, and whether a 100 came before it."""
    told = stream.peek(len(CONTINUE)).startswith(CONTINUE)
    if told:
        stream.read(len(CONTINUE))
    return read_answer(stream), told


def assert_next_is_separate(target, raw, stream):
    raw.sendall(request(target.key, path="/v1/clients?limit=1", X_Request_ID="next"))
    status, headers, _ = read_answer(stream)
    assert (status, headers["X-Request-ID"]) == (200, "next")


LENGTH = {"Content_Length": len(BODY)}
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
WITH_BODY = {  # what is sent with the header, and after it
    "a body": (LENGTH, b"", BODY),
    "a chunked body": ({"Transfer_Encoding": "chunked"}, b"", CHUNKS),
    "a body that is sent at once": (LENGTH, BODY, b""),
    "a body of which half is sent at once": (LENGTH, BODY[:10], BODY[10:]),
}


@pytest.mark.parametrize(("framing", "first", "rest"), WITH_BODY.values(), ids=WITH_BODY)
@pytest.mark.parametrize("before", [False, True], ids=["alone", "after another request"])
def test_a_body_is_asked_for_and_then_answered(target, caller, framing, first, rest, before):
    raw, stream = caller
    another = request(target.key, "POST", body=BODY) if before else b""
    raw.sendall(another + request(target.key, "POST", body=first, **framing, Expect="100-Continue"))
    if before:
        assert read_answer(stream)[0] == 201
    if not first:
        assert stream.read(len(CONTINUE)) == CONTINUE
    raw.sendall(rest)
    assert answer_after_continue(stream)[0][0] == 201
    assert_next_is_separate(target, raw, stream)


@pytest.mark.parametrize("length", [64 * 1024 + 1, 10**12])
def test_a_body_over_the_limit_is_refused_before_it_is_sent(target, caller, length):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", Content_Length=length, **EXPECT))
    answer, told = answer_after_continue(stream)
    assert (answer[0], told) == (413, False)


def test_a_caller_of_http_1_0_is_not_told_to_continue(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", **LENGTH, **EXPECT).replace(b"HTTP/1.1", b"HTTP/1.0"))
    time.sleep(0.05)  # so that the server has read the header
    raw.sendall(BODY)
    answer, told = answer_after_continue(stream)
    assert (answer[0], told) == (201, False)
