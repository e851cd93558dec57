"""``acare serve`` as its operator and its callers see it: what it prints, its log, its answers."""

import fcntl
import json
import os
import re
import socket
from itertools import takewhile

import pytest
from support.data import JORDAN
from support.http import ask
from support.server import make_key, serving
from support.sockets import connect, read_answer, wait_for

ACCESS = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<address>\S+) (?P<method>\S+) (?P<path>\S+) "
    r"(?P<status>\d{3}) (?P<milliseconds>\d+\.\d)ms key=(?P<key>\S+) request=(?P<request>\S+)"
)
UNKNOWN_KEY = "0123456789abcdef" * 4


@pytest.fixture
def log(tmp_path):
    """What the server has written to stderr so far."""
    return lambda: (tmp_path / "server.log").read_text(encoding="utf-8")


def exchange(server, request):
    """Status, headers and JSON of the answer to raw bytes."""
    with connect(server.url.removeprefix("http://")) as raw, raw.makefile("rb") as stream:
        raw.sendall(request)
        return read_answer(stream)


def stop(server):
    server.process.terminate()
    return server.process.wait(timeout=10)


# --- what it prints


def test_systemd_is_told_when_the_server_listens(start, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        start(env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert systemd.recv(100) == b"READY=1"


# --- the log


def test_a_start_warns_of_an_unknown_variable(start, log):
    start(env={"ACARE_LISTN": "0.0.0.0:80"})
    wait_for(lambda: " ACARE_LISTN is not a setting; see 'acare serve --help'\n" in log())


def access_lines(server, log):
    """The lines of all requests; the server is stopped, since it writes them in batches."""
    stop(server)
    return [match for line in log().splitlines() if (match := ACCESS.fullmatch(line))]


def test_each_request_is_one_line_of_the_log(start, log):
    server = start()
    ask(server, "POST", body=JORDAN, status=201, X_Request_ID="trace-1")
    wait_for(lambda: "request=trace-1" in log())  # while the server runs
    headers, _ = ask(server, path="/nothing", status=404)
    ask(server, X_API_Key=UNKNOWN_KEY, status=401, X_Request_ID="trace-3")
    injected = "/v1/x%0A2026-07-15T14:32:10.000Z%0Dy%20z%1B"
    ask(server, path=injected, status=404, X_Request_ID="trace-4")
    _, refused, _ = exchange(server, b"nonsense\r\n\r\n")
    preview = f"{server.key[:8]}…{server.key[-4:]}"
    assert [
        line.group("address", "method", "path", "status", "key", "request")
        for line in access_lines(server, log)
    ] == [
        ("127.0.0.1", "POST", "/v1/clients", "201", preview, "trace-1"),
        ("127.0.0.1", "GET", "/nothing", "404", "-", headers["X-Request-ID"]),
        ("127.0.0.1", "GET", "/v1/clients", "401", "-", "trace-3"),
        ("127.0.0.1", "GET", injected.replace(":", "%3A"), "404", preview, "trace-4"),
        ("127.0.0.1", "-", "-", "400", "-", refused["X-Request-ID"]),
    ]
    assert sum("2026-07-15" in line for line in log().splitlines()) == 1


def test_the_json_log_is_one_object_a_line(start, log):
    server = start("--log-format", "json")
    ask(server, path="/v1/nothing", status=404, X_Request_ID="trace-1")
    exchange(server, b"nonsense\r\n\r\n")
    stop(server)
    first, *others = (json.loads(line) for line in log().splitlines())
    assert len(others) > 1  # the records of the stop among them
    assert all(line.keys() >= {"time", "level", "logger"} for line in others)
    assert type(first.pop("milliseconds")) in (int, float)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info",
        "logger": "acare.access",
        "address": "127.0.0.1",
        "method": "GET",
        "path": "/v1/nothing",
        "status": 404,
        "key": f"{server.key[:8]}…{server.key[-4:]}",
        "request": "trace-1",
    }


def test_no_access_line_has_over_1_000_bytes(start, log):
    """With everything in it as long as a caller can make it, in both formats."""
    signed_in = {"X-Forwarded-For": ":".join(["ffff"] * 8), "Remote-Email": "%" * 300}
    headers = {**signed_in, "Host": "a", "X-Request-ID": "r" * 128}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    for log_format in ("text", "json"):
        proxy = ("--trusted-proxy", "127.0.0.1", "--user-header", "Remote-Email")
        server = start(*proxy, "--log-format", log_format)
        for path in ("%ff" * 2000, "a/" * 4000, "a" * 397 + "%C3%A4" * 50, "%22%5C" * 2000):
            request = f"OPTIONS /v1/{path} HTTP/1.1\r\n{lines}\r\n"
            assert exchange(server, request.encode())[0] == 404
        stop(server)
    written = log().splitlines()
    assert sum("…" in line for line in written) == 8
    assert max(len(line.encode()) for line in written) < 1000


FEW_BYTES = "from acare.cli import log; log.MAX_KEPT = 20_000"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"


def test_a_log_that_is_not_read_does_not_stop_the_server(tmp_path):
    """Older lines are dropped, and the log goes on when it is read again."""
    make_key(tmp_path / "served.db")
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with serving(tmp_path / "served.db", log=write, before=FEW_BYTES) as (_, address):
        os.close(write)
        with connect(address) as raw, raw.makefile("rb") as stream, open(read, "rb") as log:
            for _ in range(500):
                raw.sendall(HEALTH)
                assert read_answer(stream)[0] == 200
            raw.sendall(HEALTH.replace(b"healthz", b"last"))
            assert read_answer(stream)[0] == 404
            kept = list(takewhile(lambda line: b"GET /last 404" not in line, log))
            assert 50 < len(kept) < 500


# --- the rate limit, proxies and CORS: settings reach the app


def test_allowed_origins_reach_the_app(start):
    origins = ("--cors-origin", "https://a.example", "--cors-origin", "https://b.example")
    server = start(*origins, "--rate-limit", "1/900")
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-api-key"}
    for origin, allowed in (("https://b.example", "https://b.example"), ("https://c.example", None)):
        headers, _ = ask(server, "OPTIONS", "/v1/clients/x", X_API_Key="", Origin=origin, **asked)
        assert headers["Access-Control-Allow-Origin"] == allowed
    ask(server)
    headers, _ = ask(server, Origin="https://a.example", status=429)
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
