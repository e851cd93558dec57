"""Where a request begins and ends: what two programs could read differently is refused. (RFC 9112)"""

import socket
from contextlib import suppress

import pytest
from support.data import TIMESTAMP
from support.sockets import BODY, HEALTH, closes, connect, read_answer, request, wait_for
from support.target import target_in

KEY = "{key}"  # in a table


def lines(*parts):
    return ("\r\n".join(parts) + "\r\n\r\n").encode("latin-1")


def get(*headers, first="GET /healthz HTTP/1.1"):
    return lines(first, "Host: a.example", *headers)


def post(*headers, body=b"12345", version="1.1"):
    """To a path that needs no key and takes no POST: a request that is taken is answered with 405."""
    return lines(f"POST /healthz HTTP/{version}", "Host: a.example", *headers) + body


def chunked(*headers, **options):
    return post(*headers, body=b"5\r\n12345\r\n0\r\n\r\n", **options)


def create(body, **length):
    return request(KEY, "POST", body=body, **(length or {"Transfer_Encoding": "chunked"}))


VERSIONS = "HTTP/2.0 HTTP/1.2 HTTP/01.1 HTTP/0.9 HTTP/1 http/1.1"
FIRST_LINES = [
    *(f"GET /healthz {version}" for version in VERSIONS.split()),
    "nonsense",
    "GET /healthz",
    "GET HTTP/1.1",
    "GET  /healthz HTTP/1.1",
    "GET /health z HTTP/1.1",
    "GET /healthz HTTP/1.1 ",
    "GET /health\0z HTTP/1.1",
    "GE:T /healthz HTTP/1.1",
    "GET http://[::1/ HTTP/1.1",
    "GET healthz HTTP/1.1",
    "GET http://a.example/healthz HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET /healthz#top HTTP/1.1",
    "GET /caf\xe9 HTTP/1.1",
]
HOSTS = ["a b", "a/b", "a@b", "a.example, b.example", "a.example:port", "[::1"]
LENGTHS = ["+5", "-5", "5,5", "5 5", "0x5", "5_0", "\xb2", "", "9" * 5000, "\r\n 5"]
ENCODINGS = [
    "chunked, chunked",
    "gzip, chunked",
    "chunked, gzip",
    "xchunked",
    "chunked;a=b",
    "\x0bchunked",
    "",
]
HEADERS = [
    "X-Test: a\r\n b",
    "X-Test : a",
    ": x",
    "X(Test): x",
    "X-Test: a\nX-Other: b",
    "X-Test: a\0b",
    "X-Test: a\x01b",
]
FIVE, SIX, CODING = "Content-Length: 5", "Content-Length: 6", "Transfer-Encoding: chunked"

MALFORMED = {
    **{f"first line {line!r}": get(first=line) for line in FIRST_LINES},
    **{f"Host {host}": lines("GET /healthz HTTP/1.1", f"Host: {host}") for host in HOSTS},
    **{f"length {length[:9]!r}": post(f"Content-Length:{length and ' ' + length}") for length in LENGTHS},
    **{f"coding {coding!r}": chunked(f"Transfer-Encoding:{coding and ' ' + coding}") for coding in ENCODINGS},
    **{f"header {header!r}": get(header) for header in HEADERS},
    "no Host": lines("GET /healthz HTTP/1.1", "X: x"),
    "two Hosts": get("Host: b.example"),
    "two equal lengths": post(FIVE, FIVE),
    "two lengths": post(FIVE, SIX),
    "length and coding": chunked(FIVE, CODING),
    "coding and length": chunked(CODING, FIVE),
    "coding twice": chunked(CODING, CODING),
    "identity and a length": post("Transfer-Encoding: identity", FIVE),
    "coding in HTTP/1.0": chunked(CODING, version="1.0"),
    "a first header that is folded": lines("GET /healthz HTTP/1.1", " X: x", "Host: a.example"),
    "a space before the colon of a length": post("Content-Length : 5"),
    "LF alone before a length": post(f"X-Test: a\n{FIVE}"),
    **{f"{start!r} before the method": start + get() for start in (b" ", b"\t", b"\x0b", b"\0", b"\r\n ")},
}
WELL_FORMED = {
    "a Host with a port": (lines("GET /healthz HTTP/1.1", "Host: a.example:8080"), 200),
    "an IPv6 Host": (lines("GET /healthz HTTP/1.1", "Host: [::1]:8080"), 200),
    "an empty line before it": (b"\r\n" + get(), 200),
    "many empty lines before it": (b"\r\n" * 5000 + get(), 200),
    "a path with an escape": (get(first="GET /health%7A HTTP/1.1"), 200),
    "a key in a name with an underscore": (get("X_API_Key: {key}", first="GET /v1/clients HTTP/1.1"), 401),
    "a value of Latin-1": (get("X-Test: \xe9"), 200),
    "tabs in a value": (get("X-Test:\ta\tb\t"), 200),
    "a length with blanks around it": (post("Content-Length:  \t5 "), 405),
    "chunked with blanks around it": (chunked("Transfer-Encoding:  chunked "), 405),
    "options with close in them": (get("Connection: closed, not-close"), 200),
}
CLOSING = {
    **{
        value: get(f"Connection: {value}")
        for value in ("close", "Close", "te, close", "close, te", "keep-alive,close", "te ,\t close\t, x")
    },
    "two headers": get("Connection: keep-alive", "Connection: close"),
    "HTTP/1.0": get(first="GET /healthz HTTP/1.0"),
    "HTTP/1.0 without a Host": lines("GET /healthz HTTP/1.0"),
    "keep-alive in HTTP/1.0": get("Connection: keep-alive", first="GET /healthz HTTP/1.0"),
    "close in HTTP/1.0": get("Connection: close, keep-alive", first="GET /healthz HTTP/1.0"),
}
SIZE = b"%x" % len(BODY)
CHUNKS = {
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "with a prefix": b"0x%b\r\n%b\r\n0\r\n\r\n" % (SIZE, BODY),
    "without a size": b"\r\n%b\r\n0\r\n\r\n" % BODY,
    "longer than its size": b"%b\r\n%bXX\r\n0\r\n\r\n" % (SIZE, BODY),
}
EXTENSIONS = [b";a", b";a=b;c", b';a="b;\\"c"']
DATA = b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000)
LONG = {"a size": b"0", "an extension": b"5;", "a trailer": b"0\r\nX: ", "after data": DATA + b"5;"}
BODIES = {  # what is sent, and the statuses
    "a body shorter than its length": (create(BODY, Content_Length=len(BODY) + 5), []),
    "HTTP/1.0 that expects 100": (post("Expect: 100-continue", FIVE, version="1.0", body=b""), []),
    "a body longer than its length": (create(BODY + b"\r\n\r\n", Content_Length=len(BODY) - 5), [400, 400]),
    "bytes after a body": (create(BODY + b"nonsense\r\n\r\n", Content_Length=len(BODY)), [201, 400]),
    "small chunks": (create(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"), [201]),
    **{f"a chunk {name}": (create(chunks), [400]) for name, chunks in CHUNKS.items()},
    **{
        f"a chunk with {x!r}": (create(b"%b%b\r\n%b\r\n0\r\n\r\n" % (SIZE, x, BODY)), [201])
        for x in EXTENSIONS
    },
    "8 MiB of chunks": (create((b"%b\r\n%b\r\n800000\r\n" % (SIZE, BODY)).ljust(2**23 + 1)), [413]),
    "trailers": (create(b"%b\r\n%b\r\n0\r\nX: y\r\nZ:\r\n\r\n" % (SIZE, BODY)), [201]),
    **{f"a long chunk line: {name}": (create(start + b"0" * 20_000), [400]) for name, start in LONG.items()},
}

# What is sent, and the statuses until the connection is closed.
TABLE = {
    **{name: (sent + HEALTH, [400]) for name, sent in MALFORMED.items()},
    "a header over 16 KiB": (get("X: " + "x" * 17_000) + HEALTH, [431]),
    "a length over 8 MiB": (post("Content-Length: 8388609", body=b"") + HEALTH, [413]),
    **{name: (sent + HEALTH, [status, 200]) for name, (sent, status) in WELL_FORMED.items()},
    **{name: (sent + HEALTH, [200]) for name, sent in CLOSING.items()},
    **BODIES,
}


@pytest.mark.parametrize(("sent", "statuses"), TABLE.values(), ids=TABLE)
def test_a_request_ends_where_its_framing_says(target, sent, statuses):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(sent.replace(KEY.encode(), target.key.encode()))
        answers = []
        with suppress(OSError):  # the server may have closed, with bytes that it has not read
            raw.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            answers.extend(iter(lambda: read_answer(stream), None))
    assert [status for status, _, _ in answers] == statuses


def test_a_tls_handshake_is_refused_at_once_with_an_envelope(target):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(bytes.fromhex("1603010200010001fc0303") + b"x" * 400)  # no end of a header follows
        status, headers, answer = read_answer(stream)
        assert answer.keys() == {"success", "error", "timestamp", "correlationId"}
        assert (status, answer["success"], answer["error"]["code"]) == (400, False, "VALIDATION_ERROR")
        assert TIMESTAMP.fullmatch(answer["timestamp"])
        assert answer["correlationId"] == headers["X-Request-ID"]
        assert headers["Content-Type"] == "application/json"
        assert (headers["Connection"].lower(), headers["Server"], headers["Via"]) == ("close", None, None)
        assert ends(stream)


def test_urgent_data_closes_the_connection(target):
    with target.connections() as [raw]:
        raw.send(b"!", socket.MSG_OOB)
        assert closes(raw)


def ends(stream):
    """Whether the server closes and sends nothing more."""
    try:
        return stream.read(1) == b""
    except ConnectionResetError:  # it closes with bytes that it has not read
        return True


@pytest.mark.parametrize("header", ["{key}", "X-Test: {key}\n"])
def test_a_refusal_does_not_repeat_what_was_sent(target, header):
    with target.connections() as [raw]:
        raw.sendall(get(header.format(key=target.key)))
        assert target.key.encode() not in raw.recv(4096)
    assert target.key not in target.log()


@pytest.mark.parametrize("line_break", ["\\n", "\\r"])
def test_a_header_never_begins_another_line(tmp_path, line_break):
    """In a server that puts a line break into a header."""
    before = f"from acare.api import envelope; envelope.etag = lambda version: '\"1\"{line_break}A: b'"
    with target_in(tmp_path, before=before) as target, target.connections() as [raw]:
        raw.sendall(request(target.key, "POST", body=BODY))
        assert raw.recv(1000).startswith(b"HTTP/1.1 500 ")
        wait_for(lambda: "line break" in target.log())


# --- Expect: 100-continue

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LENGTH = {"Content_Length": len(BODY)}
EXPECTED = {
    "a length": (LENGTH, BODY),
    "chunks": ({"Transfer_Encoding": "chunked"}, b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
}


@pytest.mark.parametrize(("framing", "body"), EXPECTED.values(), ids=EXPECTED)
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


def test_a_body_refused_before_it_is_sent_takes_a_token(start):
    server = start("--rate-limit", "1/900")
    for status in (413, 429):
        with connect(server.url.removeprefix("http://")) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(server.key, "POST", Content_Length=8 * 1024**2 + 1, Expect="100-continue"))
            assert read_answer(stream)[0] == status
