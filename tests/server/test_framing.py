"""Where a request begins and ends: what two programs could read differently is refused. (RFC 9112)"""

import pytest
from support.data import TIMESTAMP
from support.sockets import BODY, HEALTH, read_answer, read_content, read_statuses, request, wait_for
from support.target import target_in


def lines(*parts):
    return ("\r\n".join(parts) + "\r\n\r\n").encode("latin-1")


def get(*headers, first="GET /healthz HTTP/1.1"):
    return lines(first, "Host: a.example", *headers)


def post(*headers, body=b"12345", version="1.1"):
    """To a path that needs no key and takes no POST: a request that is taken is answered with 405."""
    return lines(f"POST /healthz HTTP/{version}", "Host: a.example", *headers) + body


def chunked(*headers, **options):
    return post(*headers, body=b"5\r\n12345\r\n0\r\n\r\n", **options)


VERSIONS = "HTTP/2.0 HTTP/3 HTTP/1.2 HTTP/1.10 HTTP/01.1 HTTP/0.9 HTTP/1 HTTP/1. http/1.1 SIP/1.1"
FIRST_LINES = [
    *(f"GET /healthz {version}" for version in VERSIONS.split()),
    "nonsense",
    "GET /healthz",
    "GET HTTP/1.1",
    "get / HTTP/1.1",
    "GET  /healthz HTTP/1.1",
    "GET\t/healthz HTTP/1.1",
    "GET /health z HTTP/1.1",
    "GET /health\tz HTTP/1.1",
    "GET /healthz HTTP/1.1 ",
    "GET /health\0z HTTP/1.1",
    "GET /health\rz HTTP/1.1",
    "GE:T /healthz HTTP/1.1",
    "GET http://[::1/ HTTP/1.1",
    "GET healthz HTTP/1.1",
    "GET * HTTP/1.1",
    "GET /healthz#top HTTP/1.1",
    "GET ftp://a.example/healthz HTTP/1.1",
    "GET /caf\xe9 HTTP/1.1",
]
HOSTS = ["a b", "a/b", "a@b", "a.example, b.example", "a.example:port", "[::1", 'a"b', "<a>"]
LENGTHS = ["+5", "-5", "5,5", "5, 6", "5 5", "0x5", "5_0", "5.0", "\xb2", "", "9" * 5000, "many", "\r\n 5"]
ENCODINGS = [
    "chunked, chunked",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, identity",
    "identity",
    "xchunked",
    "chunked;a=b",
    '"chunked"',
    "\x0bchunked",
    "\xa0chunked",
    "",
]
HEADERS = [
    "X-Test: a\r\n b",
    "X-Test: a\r\n\tb",
    "X-Test : a",
    "X-Test",
    ": x",
    "X(Test): x",
    "X-Test: a\nX-Other: b",
    "X-Test: a\rX-Other: b",
    "X-Test: a\0b",
    "X\0Test: a",
    "X-Test: a\x01b",
]
LENGTH, TWO, CODING = "Content-Length: 5", "Content-Length: 6", "Transfer-Encoding: chunked"

MALFORMED = {
    **{f"first line {line!r}": get(first=line) for line in FIRST_LINES},
    **{f"Host {host}": lines("GET /healthz HTTP/1.1", f"Host: {host}") for host in HOSTS},
    **{f"length {length[:9]!r}": post(f"Content-Length:{length and ' ' + length}") for length in LENGTHS},
    **{f"coding {coding!r}": chunked(f"Transfer-Encoding:{coding and ' ' + coding}") for coding in ENCODINGS},
    **{f"header {header!r}": get(header) for header in HEADERS},
    "no Host": lines("GET /healthz HTTP/1.1", "X: x"),
    "two Hosts": get("Host: b.example"),
    "two equal Hosts": get("Host: a.example"),
    "two equal lengths": post(LENGTH, LENGTH),
    "two lengths": post(LENGTH, TWO),
    "length and coding": chunked(LENGTH, CODING),
    "coding and length": chunked(CODING, LENGTH),
    "length 0 and coding": chunked("Content-Length: 0", CODING),
    "coding twice": chunked(CODING, CODING),
    "identity and a length": post("Transfer-Encoding: identity", LENGTH),
    "coding in HTTP/1.0": chunked(CODING, version="1.0"),
    "both in HTTP/1.0": chunked(CODING, LENGTH, version="1.0"),
    "a first header that is folded": lines("GET /healthz HTTP/1.1", " X: x", "Host: a.example"),
    "a space before the colon of a length": post("Content-Length : 5"),
    "a tab before the colon of a length": post("Content-Length\t: 5"),
    "LF alone before a length": post(f"X-Test: a\n{LENGTH}"),
    **{
        f"{start!r} before the method": start + get()
        for start in (b" ", b"\t", b"\x0b", b"\n", b"\r", b"\r\n ")
    },
}
TOO_LARGE = {
    "a header over 32 KiB": (get("X: " + "x" * 33_000), 431, "VALIDATION_ERROR"),
    "a length over 8 MiB": (post("Content-Length: 8388609", body=b""), 413, "CONTENT_TOO_LARGE"),
}
REFUSED = {**{name: (sent, 400, "VALIDATION_ERROR") for name, sent in MALFORMED.items()}, **TOO_LARGE}


@pytest.mark.parametrize(("sent", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_malformed_request_is_refused_and_is_the_last(target, sent, status, code):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(sent + HEALTH)
        answered, headers, answer = read_answer(stream)
        assert (answered, answer["success"], answer["error"]["code"]) == (status, False, code)
        assert answer.keys() == {"success", "error", "timestamp", "correlationId"}
        assert TIMESTAMP.fullmatch(answer["timestamp"])
        assert answer["correlationId"] == headers["X-Request-ID"]
        assert headers["Content-Type"] == "application/json"
        assert (headers["Connection"].lower(), headers["Server"], headers["Via"]) == ("close", None, None)
        assert ends(stream)


def test_a_tls_handshake_is_refused_at_once(target):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(bytes.fromhex("1603010200010001fc0303") + b"x" * 400)  # no end of a header follows
        assert read_answer(stream)[0] == 400
        assert ends(stream)


HEAD_LINE = b"HEAD /healthz HTTP/1.1\r\nX-Request-ID: mine\r\nHost: a\r\n"
REFUSED_HEADS = {
    "an unknown version": HEAD_LINE.replace(b"1.1", b"2.0"),
    "a length over 8 MiB": HEAD_LINE + b"Content-Length: 8388609\r\n",
    "too many headers": HEAD_LINE + b"X: y\r\n" * 101,
    "a header over 32 KiB": HEAD_LINE + b"X: " + b"y" * 33_000 + b"\r\n",
}


@pytest.mark.parametrize("sent", REFUSED_HEADS.values(), ids=REFUSED_HEADS)
def test_a_refusal_keeps_the_request_id_and_no_body_for_head(target, sent):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(sent + b"\r\n")
        _, headers, _ = read_content(stream, of_head=True)
        assert headers["X-Request-ID"] == "mine"
        assert ends(stream)


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


def test_a_refusal_names_the_reason(target):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(get(first="GET /caf\xe9 HTTP/1.1"))
        assert "ASCII characters" in read_answer(stream)[2]["error"]["message"]


WELL_FORMED = {
    "HTTP/1.0 without a Host": (lines("GET /healthz HTTP/1.0", "Connection: keep-alive"), 200),
    "a Host with a port": (lines("GET /healthz HTTP/1.1", "Host: a.example:8080"), 200),
    "a Host without a dot": (lines("GET /healthz HTTP/1.1", "Host: A_b-c"), 200),
    "an IPv6 Host": (lines("GET /healthz HTTP/1.1", "Host: [::1]:8080"), 200),
    "an IPv4 Host": (lines("GET /healthz HTTP/1.1", "host:127.0.0.1"), 200),
    "a whole URL": (get(first="GET http://a.example/healthz HTTP/1.1"), 200),
    "an empty line before it": (b"\r\n" + get(), 200),
    "many empty lines before it": (b"\r\n" * 3000 + get(), 200),
    "a path with an escape": (get(first="GET /health%7A HTTP/1.1"), 200),
    "a key in a name with an underscore": (get("X_API_Key: {key}", first="GET /v1/clients HTTP/1.1"), 401),
    "OPTIONS for the server": (get(first="OPTIONS * HTTP/1.1"), 404),
    "a value of Latin-1": (get("X-Test: \xe9"), 200),
    "an empty value": (get("X-Test:"), 200),
    "tabs in a value": (get("X-Test:\ta\tb\t"), 200),
    "a length of 005": (post("Content-Length: 005"), 405),
    "a length with blanks around it": (post("Content-Length:  \t5 "), 405),
    "Chunked": (chunked("Transfer-Encoding: Chunked"), 405),
    "chunked with blanks around it": (chunked("Transfer-Encoding:  chunked "), 405),
    "keep-alive in HTTP/1.0": (get("Connection: Keep-Alive", first="GET /healthz HTTP/1.0"), 200),
    "another option": (get("Connection: te"), 200),
    "options with close in them": (get("Connection: closed, not-close"), 200),
    "no option": (get("Connection:"), 200),
}
CLOSING = {
    **{
        value: get(f"Connection: {value}")
        for value in ("close", "Close", "te, close", "close, te", "keep-alive,close", "te ,\t close\t, x")
    },
    "two headers": get("Connection: keep-alive", "Connection: close"),
    "HTTP/1.0": get(first="GET /healthz HTTP/1.0"),
    "close in HTTP/1.0": get("Connection: close, keep-alive", first="GET /healthz HTTP/1.0"),
}


@pytest.mark.parametrize(("sent", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_request_and_the_next_are_answered(target, sent, expected):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(sent.replace(b"{key}", target.key.encode()) + HEALTH)
        assert [read_answer(stream)[0], read_answer(stream)[0]] == [expected, 200]


def test_keep_alive_in_http_1_0_is_confirmed(target):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.sendall(get("Connection: keep-alive", first="GET /healthz HTTP/1.0"))
        assert read_answer(stream)[1]["Connection"] == "keep-alive"


@pytest.mark.parametrize("sent", CLOSING.values(), ids=CLOSING)
def test_the_option_close_closes_after_the_answer(target, sent):
    with target.connections() as [raw]:
        raw.sendall(sent + HEALTH)
        assert read_statuses(raw) == [200]


@pytest.mark.parametrize("line_break", ["\\n", "\\r"])
def test_a_header_never_begins_another_line(tmp_path, line_break):
    """In a server that puts a line break into a header."""
    before = f"from acare.api import envelope; envelope.etag = lambda version: '\"1\"{line_break}A: b'"
    with target_in(tmp_path, before=before) as target, target.connections() as [raw]:
        raw.sendall(request(target.key, "POST", body=BODY))
        assert raw.recv(1) == b""
        wait_for(lambda: "line break" in target.log())
