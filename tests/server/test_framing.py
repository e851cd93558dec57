"""Where a request begins and ends: what two programs could read differently is refused. (RFC 9112)"""

import re

import pytest
from support.sockets import read_answer, read_content, read_statuses, reset

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NEXT = b"GET /healthz HTTP/1.1\r\nHost: next.example\r\n\r\n"


def lines(*parts, end=b"\r\n\r\n"):
    return b"\r\n".join(part if isinstance(part, bytes) else part.encode("latin-1") for part in parts) + end


def get(*headers, first="GET /healthz HTTP/1.1"):
    return lines(first, "Host: a.example", *headers)


def post(*headers, body=b"12345", version="1.1"):
    """To a path that needs no key and takes no POST: a request that is taken is answered with 405."""
    return lines(f"POST /healthz HTTP/{version}", "Host: a.example", *headers) + body


CHUNKS = b"5\r\n12345\r\n0\r\n\r\n"


def chunked(*headers, **options):
    return post(*headers, body=CHUNKS, **options)


MALFORMED = {
    # the version
    "HTTP/2.0": get(first="GET /healthz HTTP/2.0"),
    "HTTP/3": get(first="GET /healthz HTTP/3"),
    "HTTP/1.2": get(first="GET /healthz HTTP/1.2"),
    "HTTP/1.10": get(first="GET /healthz HTTP/1.10"),
    "HTTP/01.1": get(first="GET /healthz HTTP/01.1"),
    "HTTP/0.9": get(first="GET /healthz HTTP/0.9"),
    "HTTP/1": get(first="GET /healthz HTTP/1"),
    "HTTP/1.": get(first="GET /healthz HTTP/1."),
    "http/1.1": get(first="GET /healthz http/1.1"),
    "no version": get(first="GET /healthz"),
    "another protocol": get(first="GET /healthz SIP/1.1"),
    # the request line
    "two spaces": get(first="GET  /healthz HTTP/1.1"),
    "a tab": get(first="GET\t/healthz HTTP/1.1"),
    "a space in the path": get(first="GET /health z HTTP/1.1"),
    "a tab in the path": get(first="GET /health\tz HTTP/1.1"),
    "a space at the end": get(first="GET /healthz HTTP/1.1 "),
    "NUL in the path": get(first="GET /health\0z HTTP/1.1"),
    "CR in the path": get(first="GET /health\rz HTTP/1.1"),
    "no path": get(first="GET HTTP/1.1"),
    "a method with a colon": get(first="GE:T /healthz HTTP/1.1"),
    # Host
    "no Host": lines("GET /healthz HTTP/1.1", "X: x"),
    "two Hosts": get("Host: b.example"),
    "two equal Hosts": get("Host: a.example"),
    "Host a b": lines("GET /healthz HTTP/1.1", "Host: a b"),
    "Host a/b": lines("GET /healthz HTTP/1.1", "Host: a/b"),
    "Host a@b": lines("GET /healthz HTTP/1.1", "Host: a@b"),
    "Host a,b": lines("GET /healthz HTTP/1.1", "Host: a.example, b.example"),
    "Host a:port": lines("GET /healthz HTTP/1.1", "Host: a.example:port"),
    "Host [::1": lines("GET /healthz HTTP/1.1", "Host: [::1"),
    "Host with a quote": lines("GET /healthz HTTP/1.1", 'Host: a"b'),
    "Host with a tag": lines("GET /healthz HTTP/1.1", "Host: <a>"),
    # Content-Length
    "length +5": post("Content-Length: +5"),
    "length -5": post("Content-Length: -5"),
    "length 5,5": post("Content-Length: 5,5"),
    "length 5, 6": post("Content-Length: 5, 6"),
    "length 5 5": post("Content-Length: 5 5"),
    "length 0x5": post("Content-Length: 0x5"),
    "length 5_0": post("Content-Length: 5_0"),
    "length 5.0": post("Content-Length: 5.0"),
    "length in superscript": post("Content-Length: \xb2"),
    "length of nothing": post("Content-Length:"),
    "length of 5,000 digits": post("Content-Length: " + "9" * 5000),
    "two equal lengths": post("Content-Length: 5", "Content-Length: 5"),
    "two lengths": post("Content-Length: 5", "Content-Length: 6"),
    # Transfer-Encoding
    "both": chunked("Content-Length: 5", "Transfer-Encoding: chunked"),
    "both, the other way": chunked("Transfer-Encoding: chunked", "Content-Length: 5"),
    "both, and length 0": chunked("Content-Length: 0", "Transfer-Encoding: chunked"),
    "chunked, chunked": chunked("Transfer-Encoding: chunked, chunked"),
    "chunked twice": chunked("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "gzip, chunked": chunked("Transfer-Encoding: gzip, chunked"),
    "chunked, gzip": chunked("Transfer-Encoding: chunked, gzip"),
    "chunked, identity": chunked("Transfer-Encoding: chunked, identity"),
    "identity": post("Transfer-Encoding: identity"),
    "identity and a length": post("Transfer-Encoding: identity", "Content-Length: 5"),
    "xchunked": chunked("Transfer-Encoding: xchunked"),
    "chunked;a=b": chunked("Transfer-Encoding: chunked;a=b"),
    "a quoted chunked": chunked('Transfer-Encoding: "chunked"'),
    "chunked after a control character": chunked("Transfer-Encoding: \x0bchunked"),
    "an empty Transfer-Encoding": post("Transfer-Encoding:"),
    "chunked in HTTP/1.0": chunked("Transfer-Encoding: chunked", version="1.0"),
    "both in HTTP/1.0": chunked("Transfer-Encoding: chunked", "Content-Length: 5", version="1.0"),
    # the shape of a header
    "a folded header": get("X-Test: a\r\n b"),
    "a header folded with a tab": get("X-Test: a\r\n\tb"),
    "a folded length": post("Content-Length:\r\n 5"),
    "a first header that is folded": lines("GET /healthz HTTP/1.1", " X: x", "Host: a.example"),
    "a space before the colon": get("X-Test : a"),
    "a space before the colon of a length": post("Content-Length : 5"),
    "a tab before the colon": post("Content-Length\t: 5"),
    "no colon": get("X-Test"),
    "no name": get(": x"),
    "a name with a bracket": get("X(Test): x"),
    "LF alone": get("X-Test: a\nX-Other: b"),
    "LF alone before a length": post("X-Test: a\nContent-Length: 5"),
    "CR alone": get("X-Test: a\rX-Other: b"),
    "NUL": get("X-Test: a\0b"),
    "NUL in a name": get("X\0Test: a"),
    "a control character": get("X-Test: a\x01b"),
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_request_is_400_and_the_last(target, request_bytes):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.settimeout(1)
        raw.sendall(request_bytes + NEXT)
        status, headers, answer = read_answer(stream)
        assert (status, answer["success"]) == (400, False)
        assert answer["error"].keys() >= {"code", "message"}
        assert TIMESTAMP.fullmatch(answer["timestamp"])
        assert answer["correlationId"] == headers["X-Request-ID"]
        assert headers["Content-Type"].startswith("application/json")
        assert headers["Connection"].lower() == "close"
        assert ends(stream)


def ends(stream):
    """Whether the server closes and says no more."""
    try:
        return stream.read(1) == b""
    except ConnectionResetError:  # as it does where something came that it has not read
        return True


WELL_FORMED = {
    "HTTP/1.0 without a Host": (lines("GET /healthz HTTP/1.0", "Connection: keep-alive"), 200),
    "a Host with a port": (lines("GET /healthz HTTP/1.1", "Host: a.example:8080"), 200),
    "a Host without a dot": (lines("GET /healthz HTTP/1.1", "Host: A_b-c"), 200),
    "an IPv6 Host": (lines("GET /healthz HTTP/1.1", "Host: [::1]:8080"), 200),
    "an IPv4 Host": (lines("GET /healthz HTTP/1.1", "host:127.0.0.1"), 200),
    "a whole URL": (get(first="GET http://a.example/healthz HTTP/1.1"), 200),
    "an empty line before it": (b"\r\n" + get(), 200),
    "a value of Latin-1": (get("X-Test: \xe9"), 200),
    "an empty value": (get("X-Test:"), 200),
    "a tab in a value": (get("X-Test:\ta\tb\t"), 200),
    "a length of 005": (post("Content-Length: 005"), 405),
    "a length with blanks around it": (post("Content-Length:  \t5 "), 405),
    "Chunked": (chunked("Transfer-Encoding: Chunked"), 405),
    "chunked with blanks around it": (chunked("Transfer-Encoding:  chunked "), 405),
}


@pytest.mark.parametrize(("request_bytes", "expected"), WELL_FORMED.values(), ids=WELL_FORMED)
def test_a_well_formed_request_is_answered_and_so_is_the_next(target, request_bytes, expected):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.settimeout(1)
        raw.sendall(request_bytes + NEXT)
        assert [read_answer(stream)[0], read_answer(stream)[0]] == [expected, 200]


CLOSING = {
    "close": get("Connection: close"),
    "Close": get("Connection: Close"),
    "te, close": get("Connection: te, close"),
    "close, te": get("Connection: close, te"),
    "close, keep-alive": get("Connection: close, keep-alive"),
    "keep-alive,close": get("Connection: keep-alive,close"),
    "a list with blanks": get("Connection: te ,\t close\t, x"),
    "two headers": get("Connection: keep-alive", "Connection: close"),
    "HTTP/1.0": get(first="GET /healthz HTTP/1.0"),
    "close in HTTP/1.0": get("Connection: close, keep-alive", first="GET /healthz HTTP/1.0"),
}


@pytest.mark.parametrize("request_bytes", CLOSING.values(), ids=CLOSING)
def test_a_list_with_close_closes_after_the_answer(target, request_bytes):
    with target.connections() as [raw]:
        raw.settimeout(1)
        raw.sendall(request_bytes + NEXT)
        assert read_statuses(raw) == [200]


STAYING = {
    "keep-alive in HTTP/1.0": get("Connection: Keep-Alive", first="GET /healthz HTTP/1.0"),
    "another option": get("Connection: te"),
    "a word with close in it": get("Connection: closed, not-close"),
    "nothing": get("Connection:"),
}


@pytest.mark.parametrize("request_bytes", STAYING.values(), ids=STAYING)
def test_a_list_without_close_stays(target, request_bytes):
    with target.connections() as [raw], raw.makefile("rb") as stream:
        raw.settimeout(1)
        raw.sendall(request_bytes)
        assert read_content(stream)[0] == 200
        raw.sendall(NEXT)
        assert read_content(stream)[0] == 200
        reset(raw)
