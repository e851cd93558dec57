"""Callers that ask whether to continue: each has its answer, and the next request stays its own."""

import itertools

import pytest
from support.sockets import BODY, read_answer, request

EXPECT = "100-continue"
CONTINUE = b"HTTP/1.1 100 Continue\r\n"

numbers = itertools.count()


@pytest.fixture
def caller(target):
    """A connection, and the answers that come on it."""
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.settimeout(1)
        yield raw, stream


def answer_after_continue(stream):
    """The next answer, and whether a 100 came before it."""
    told = stream.peek(len(CONTINUE)).startswith(CONTINUE)
    if told:
        stream.readline()
        assert stream.readline() == b"\r\n"
    return read_answer(stream), told


def assert_next_is_answered_as_itself(target, raw, stream):
    name = f"next-{next(numbers)}"
    raw.sendall(request(target.key, path="/v1/clients?limit=1", X_Request_ID=name))
    status, headers, answer = read_answer(stream)
    assert (status, headers["X-Request-ID"]) == (200, name)
    assert answer["data"]["meta"]["limit"] == 1


WITHOUT_BODY = {
    "GET": ("GET", {}),
    "GET of length 0": ("GET", {"Content_Length": 0}),
    "DELETE": ("DELETE", {}),
    "DELETE of length 0": ("DELETE", {"Content_Length": 0}),
    "POST of length 0": ("POST", {"Content_Length": 0}),
    "PUT without a length": ("PUT", {}),
}


@pytest.mark.parametrize(("method", "headers"), WITHOUT_BODY.values(), ids=WITHOUT_BODY)
def test_a_request_without_a_body_is_answered_at_once(target, caller, method, headers):
    raw, stream = caller
    path = "/v1/clients" + ("" if method in ("GET", "POST") else "/no-such-client")
    raw.sendall(request(target.key, method, path, X_Request_ID="first", Expect=EXPECT, **headers))
    (status, received, _), told = answer_after_continue(stream)
    assert (told, received["X-Request-ID"]) == (False, "first")
    assert status == {"GET": 200, "POST": 400}.get(method, 404) or status == 400
    assert_next_is_answered_as_itself(target, raw, stream)


def test_requests_that_follow_one_without_a_body_stay_apart(target, caller):
    raw, stream = caller
    names = [f"piped-{number}" for number in range(6)]
    raw.sendall(
        b"".join(request(target.key, X_Request_ID=name, Expect=EXPECT, Content_Length=0) for name in names)
    )
    answers = [answer_after_continue(stream)[0] for _ in names]
    assert [(status, headers["X-Request-ID"]) for status, headers, _ in answers] == [
        (200, name) for name in names
    ]


def test_a_body_is_asked_for_and_then_answered(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", Content_Length=len(BODY), Expect=EXPECT))
    assert stream.readline() + stream.readline() == CONTINUE + b"\r\n"
    raw.sendall(BODY)
    assert read_answer(stream)[0] == 201
    assert_next_is_answered_as_itself(target, raw, stream)


def test_a_chunked_body_is_asked_for_and_then_answered(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", Transfer_Encoding="chunked", Expect="100-Continue"))
    assert stream.readline() + stream.readline() == CONTINUE + b"\r\n"
    raw.sendall(b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY))
    assert read_answer(stream)[0] == 201
    assert_next_is_answered_as_itself(target, raw, stream)


def test_a_body_that_is_sent_unasked_is_taken(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", body=BODY, Content_Length=len(BODY), Expect=EXPECT))
    assert answer_after_continue(stream)[0][0] == 201
    assert_next_is_answered_as_itself(target, raw, stream)


def test_a_body_whose_first_half_is_sent_unasked_is_taken(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", body=BODY[:10], Content_Length=len(BODY), Expect=EXPECT))
    raw.sendall(BODY[10:])
    assert answer_after_continue(stream)[0][0] == 201
    assert_next_is_answered_as_itself(target, raw, stream)


def test_a_body_over_the_limit_is_refused_asked_for_or_not(target, caller):
    raw, stream = caller
    raw.sendall(request(target.key, "POST", Content_Length=1_500_000, Expect=EXPECT))
    if stream.peek(len(CONTINUE)).startswith(CONTINUE):
        raw.sendall(bytes(1_500_000))
    assert answer_after_continue(stream)[0][0] == 413


def test_a_caller_of_http_1_0_is_not_told_to_continue(target, caller):
    raw, stream = caller
    head = request(target.key, "POST", body=BODY, Content_Length=len(BODY), Expect=EXPECT)
    raw.sendall(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
    answer, told = answer_after_continue(stream)
    assert (answer[0], told) == (201, False)
