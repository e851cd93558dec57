"""Requests with ``Expect: 100-continue``: each has its answer, and the next request is separate."""

import time

import pytest
from support.sockets import BODY, connect, read_answer, request

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LENGTH = {"Content_Length": len(BODY)}
BODIES = {
    "a length": (LENGTH, BODY),
    "chunks": ({"Transfer_Encoding": "chunked"}, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
}


@pytest.mark.parametrize(("framing", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("sent", [0, 10, None], ids=["nothing", "its beginning", "all of it"])
def test_a_body_is_asked_for_unless_it_is_on_its_way(target, framing, body, sent):
    """Even if the response to another request comes before."""
    expecting = request(target.key, "POST", body=body[:sent], **framing, Expect="100-Continue")
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(request(target.key, "POST", body=BODY) + expecting)
        assert read_answer(stream)[0] == 201
        if sent == 0:
            assert stream.read(len(CONTINUE)) == CONTINUE
        rest = b"" if sent is None else body[sent:]
        raw.sendall(rest + request(target.key, path="/v1/clients?limit=1", X_Request_ID="next"))
        assert read_answer(stream)[0] == 201
        assert read_answer(stream)[1]["X-Request-ID"] == "next"


@pytest.mark.parametrize("length", [64 * 1024 + 1, 10**12])
def test_a_body_refused_before_it_is_sent_takes_a_token(start, length):
    server = start("--rate-limit", "1/900")
    for status in (413, 429):
        with connect(server.url.removeprefix("http://")) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(server.key, "POST", Content_Length=length, Expect="100-continue"))
            assert read_answer(stream)[0] == status


def test_a_caller_of_http_1_0_is_not_told_to_continue(target):
    sent = request(target.key, "POST", **LENGTH, Expect="100-continue")
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(sent.replace(b"HTTP/1.1", b"HTTP/1.0"))
        time.sleep(0.05)  # so that the server has read the header
        raw.sendall(BODY)
        assert read_answer(stream)[0] == 201
