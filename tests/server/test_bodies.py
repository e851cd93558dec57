"""Where a body ends: what two programs could read differently is refused. (RFC 9112, 6 and 7.1)"""

import socket

import pytest
from support.sockets import BODY, HEALTH, read_answer, read_statuses, request

CODING = {"Transfer_Encoding": "chunked"}
SIZE = b"%x" % len(BODY)
CHUNKS = {
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with a prefix": b"0x%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with an underscore": b"0_%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "without a size": b"\r\n%b\r\n0\r\n\r\n" % BODY,
    "with a line feed after its size": b"%b\n\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with a line feed after its extension": b"%b;a=b\n\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "without data and with a line feed": b"%b\r\n%b\r\n0\n\r\n%b\r\n" % (SIZE, BODY, HEALTH),
    "longer than its size": b"%b\r\n%bXX\r\n0\r\n\r\n" % (SIZE, BODY),
    "after an empty line": b"\r\n%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "before an empty line": b"%b\r\n%b\r\n\r\n0\r\n\r\n" % (SIZE, BODY),
    **{
        f"and a trailer {trailer!r}": b"%b\r\n%b\r\n0\r\n%b\r\n\r\n" % (SIZE, BODY, trailer)
        for trailer in (b"X", b": y", b" X: y", b"X : y", b"X: y\n", b"X: y\0", b"a: b\r\n c")
    },
}


EXTENSIONS = [b" ", b";a ", b";a", b" ; a = b", b";a=b;c", b'\t;a="b;\\"c"']


def extended(extension):
    return b"%b%b\r\n%b\r\n0\r\n\r\n" % (SIZE, extension, BODY)


ENDS = {
    "a body shorter than its length": ({"Content_Length": len(BODY) + 5}, BODY, []),
    "a body longer than its length": ({"Content_Length": len(BODY) - 5}, BODY + b"\r\n\r\n", [400, 400]),
    "bytes after a body": ({"Content_Length": len(BODY)}, BODY + b"nonsense\r\n\r\n" + HEALTH, [201, 400]),
    **{f"a chunk {name}": (CODING, chunks, [400]) for name, chunks in CHUNKS.items()},
    **{f"a chunk with {ext!r}": (CODING, extended(ext), [201]) for ext in EXTENSIONS},
    "8 MiB of chunks": (CODING, (b"%b\r\n%b\r\n800000\r\n" % (SIZE, BODY)).ljust(2**23 + 1), [413]),
    "trailers": (CODING, b"%b\r\n%b\r\n0\r\nX: y\r\nZ:\r\n\r\n" % (SIZE, BODY), [201]),
}


@pytest.mark.parametrize(("length", "body", "statuses"), ENDS.values(), ids=ENDS)
def test_a_body_ends_where_its_framing_says(target, length, body, statuses):
    total = target.ask()["meta"]["total"]
    with target.connections() as [raw]:
        raw.sendall(request(target.key, "POST", body=body, **length))
        raw.shutdown(socket.SHUT_WR)
        assert read_statuses(raw) == statuses
    assert target.ask()["meta"]["total"] == total + statuses.count(201)


DATA = b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000)
LONG = {"a size": b"0", "an extension": b"5;", "a trailer": b"0\r\nX: ", "after data": DATA + b"5;"}


@pytest.mark.parametrize("start", LONG.values(), ids=LONG)
def test_a_long_chunk_line_is_refused_before_its_end(target, start):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(request(target.key, "POST", body=start + b"0" * 5000, **CODING))
        assert read_answer(stream)[0] == 400


def test_a_body_in_small_chunks_is_accepted(target):
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY)
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(request(target.key, "POST", body=chunks + b"0\r\n\r\n", **CODING))
        assert read_answer(stream)[0] == 201
