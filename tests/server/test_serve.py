"""``acare serve`` as its operator and its callers see it: a process, its log and its sockets."""

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest
from support.data import JORDAN
from support.server import RunningServer, make_key, serving

import acare

ACCESS = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<address>\S+) (?P<method>\S+) (?P<path>\S+) "
    r"(?P<status>\d{3}) (?P<milliseconds>\d+\.\d)ms key=(?P<key>\S+) request=(?P<request>\S+)"
)
STRANGER = "0123456789abcdef" * 4  # a key that no database has


@pytest.fixture
def log(tmp_path):
    """What the server has written to stderr so far."""
    return lambda: (tmp_path / "server.log").read_text(encoding="utf-8")


def ask(server, method="GET", path="/v1/clients", body=None, status=200, **headers):
    """One request; its headers and its JSON. ``status=`` is the assertion, ``X_API_Key=`` a header."""
    sent = {"X-API-Key": server.key} if server.key else {}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, dict):
        body, sent["Content-Type"] = json.dumps(body), "application/json"
    with closing(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)) as connection:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
    assert answer.status == status, content
    return answer.headers, json.loads(content) if content else None


def connect(server):
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def exchange(server, request):
    """Raw bytes out, and the whole answer until the server closes: status, headers, JSON."""
    with connect(server) as raw:
        raw.sendall(request)
        return read_answer(raw)


def read_answer(raw):
    answer = http.client.HTTPResponse(raw)
    with closing(answer):
        answer.begin()
        return answer.status, answer.headers, json.loads(answer.read())


def wait_for(condition, seconds=5.0):
    """What ``condition`` returns as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return result


def stop(server, number=signal.SIGTERM):
    """Tell the server to stop; its exit code."""
    server.process.send_signal(number)
    return server.process.wait(timeout=10)


# --- the greeting


def test_the_first_start_prints_a_key_with_a_curl_line_that_works_when_pasted(server):
    (line,) = (line for line in server.printed.splitlines() if line.strip().startswith("curl "))
    ended = subprocess.run(line, shell=True, capture_output=True, check=True, timeout=10)
    assert json.loads(ended.stdout)["success"] is True


def test_the_first_key_is_a_broker_s_and_may_everything(start, tmp_path):
    server = start()
    with acare.create_app(database=tmp_path / "served.db") as app:
        caller = app.keys.authenticate(server.key)
    assert caller.role == "broker"
    assert all(caller.may("clients", (action,)) for action in ("read", "write"))


def test_the_second_start_prints_no_key_and_the_first_one_goes_on_working(start):
    first = start()
    stop(first)
    second = start()
    assert second.key is None
    ask(second, X_API_Key=first.key)


def test_a_database_that_has_a_key_gets_no_other(start, tmp_path):
    with acare.create_app(database=tmp_path / "served.db") as app:
        app.keys.create("ana@example.com", {"clients": ["read"]})
    assert start().key is None


def test_a_server_that_listens_everywhere_tells_an_address_to_call(start):
    server = start("--listen", "0.0.0.0:0")
    assert server.url.startswith("http://127.0.0.1:")
    ask(server, path="/readyz")


def test_the_variables_set_it_too(start):
    headers, _ = ask(start(env={"ACARE_RATE_LIMIT": "3/900"}))
    assert headers["RateLimit-Limit"] == "3"


# --- the log


def access_lines(server, log):
    """The lines of all requests; the server is stopped, since it writes them in batches."""
    stop(server)
    return [match for line in log().splitlines() if (match := ACCESS.fullmatch(line))]


def test_each_request_is_one_line_of_the_log(start, log):
    server = start()
    ask(server, "POST", body=JORDAN, status=201, X_Request_ID="trace-1")
    headers, _ = ask(server, path="/nothing", status=404)
    ask(server, X_API_Key=STRANGER, status=401, X_Request_ID="trace-3")
    _, refused, _ = exchange(server, b"nonsense\r\n\r\n")
    preview = f"{server.key[:8]}…{server.key[-4:]}"
    assert [
        line.group("address", "method", "path", "status", "key", "request")
        for line in access_lines(server, log)
    ] == [
        ("127.0.0.1", "POST", "/v1/clients", "201", preview, "trace-1"),
        ("127.0.0.1", "GET", "/nothing", "404", "-", headers["X-Request-ID"]),
        ("127.0.0.1", "GET", "/v1/clients", "401", "-", "trace-3"),
        ("127.0.0.1", "-", "-", "400", "-", refused["X-Request-ID"]),
    ]


def test_a_line_comes_while_the_server_runs(start, log):
    ask(start(), X_Request_ID="trace-1")
    wait_for(lambda: "request=trace-1" in log())


def test_no_path_can_make_a_line_of_its_own(start, log):
    server = start()
    ask(server, path="/v1/x%0A2026-07-15T14:32:10.000Z%0Dy%20z%1B", status=404)
    (line,) = access_lines(server, log)
    assert line["path"].startswith("/v1/x%0A2026")
    assert [other for other in log().splitlines() if "2026-07-15" in other] == [line.string]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_never_has_a_key(start, log, form):
    server = start("--log-format", form)
    for key in (server.key, STRANGER):
        for headers in ({"X_API_Key": key}, {"X_API_Key": "", "API_Key": key}):
            ask(server, status=200 if key == server.key else 401, **headers)
        for path in (f"/v1/clients/{key}", f"/{key}", f"/v1/clients/x{key}y", f"/v1/{key}/{key}"):
            ask(server, path=path, status=404)
        ask(server, path=f"/v1/clients?key={key}&status=")
        ask(server, "POST", body={**JORDAN, "notes": key}, status=201)
        for request_id in (key, f"id-{key}"):
            ask(server, X_Request_ID=request_id)
        ask(server, Authorization=f"Bearer {key}", Cookie=key, Referer=f"http://a.example/{key}")
        exchange(server, f"{key} / HTTP/1.1\r\n\r\n".encode())
        exchange(server, f"GET / HTTP/1.1\r\n{key}\r\n\r\n".encode())
    stop(server)
    assert len(log().splitlines()) > 20
    assert server.key not in log()
    assert STRANGER not in log()


def test_the_json_log_is_one_object_a_line(start, log):
    server = start("--log-format", "json")
    ask(server, path="/v1/nothing", status=404, X_Request_ID="trace-1")
    exchange(server, b"nonsense\r\n\r\n")
    stop(server)
    first, *others = (json.loads(line) for line in log().splitlines())
    assert len(others) > 1  # those of the stop among them
    assert all(line.keys() >= {"time", "level", "logger"} for line in others)
    assert type(first.pop("milliseconds")) in (int, float)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info", "logger": "acare.access", "address": "127.0.0.1", "method": "GET",
        "path": "/v1/nothing", "status": 404, "key": f"{server.key[:8]}…{server.key[-4:]}",
        "request": "trace-1",
    }  # fmt: skip


def test_a_log_that_cannot_be_written_does_not_end_the_server(tmp_path):
    with (
        open("/dev/full", "w") as full,
        subprocess.Popen(
            [sys.executable, "-m", "acare", "serve", "--listen", "127.0.0.1:0"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=full, encoding="utf-8",
        ) as process,
    ):  # fmt: skip
        url = re.search(r"http://[^/]+", process.stdout.readline())[0]
        try:
            for _ in range(5):
                ask(RunningServer(process, url, None, ""), path="/healthz")
        finally:
            process.kill()


# --- the rate limit


def test_the_rate_limit_is_the_one_that_was_set(start):
    server = start("--rate-limit", "3/900")
    assert [ask(server)[0]["RateLimit-Remaining"] for _ in range(3)] == ["2", "1", "0"]
    headers, answer = ask(server, status=429)
    assert headers["RateLimit-Limit"] == "3"
    assert 299 <= int(headers["Retry-After"]) <= 300
    assert answer["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_without_a_rate_limit_nothing_is_said_of_it(start):
    headers, _ = ask(start("--rate-limit", "off"))
    assert [name for name in headers if name.lower().startswith("ratelimit")] == []


def test_the_bucket_may_be_the_key_s(start, tmp_path):
    server = start("--rate-limit", "1/900", "--rate-limit-by", "key")
    with acare.create_app(database=tmp_path / "served.db") as app:
        other = app.keys.create("ana@example.com", {"all": ["read"]}).key
    for key, status in ((server.key, 200), (other, 200), (server.key, 429), (other, 429)):
        ask(server, X_API_Key=key, status=status)


def test_the_bucket_is_the_address_s_by_itself(start, tmp_path):
    server = start("--rate-limit", "1/900")
    with acare.create_app(database=tmp_path / "served.db") as app:
        other = app.keys.create("ana@example.com", {"all": ["read"]}).key
    for key, status in ((server.key, 200), (other, 429)):
        ask(server, X_API_Key=key, status=status)


# --- a proxy in front


def test_behind_a_trusted_proxy_each_address_that_it_saw_counts(start, log):
    server = start("--rate-limit", "1/900", "--trusted-proxy", "127.0.0.1")
    for forwarded, status in (
        ("203.0.113.1", 200),
        ("203.0.113.2", 200),
        ("203.0.113.1", 429),
        ("198.51.100.7, 203.0.113.1", 429),  # what the caller itself sends comes before
        ("203.0.113.1, 198.51.100.7", 200),
    ):
        ask(server, X_Forwarded_For=forwarded, status=status)
    seen = [line["address"][-1] for line in access_lines(server, log)]
    assert seen == ["1", "2", "1", "1", "7"]


@pytest.mark.parametrize("arguments", [(), ("--trusted-proxy", "203.0.113.9")], ids=["none", "another"])
def test_what_no_trusted_proxy_says_does_not_count(start, log, arguments):
    server = start("--rate-limit", "1/900", *arguments)
    ask(server, X_Forwarded_For="203.0.113.1")
    ask(server, X_Forwarded_For="203.0.113.2", status=429)
    assert {line["address"] for line in access_lines(server, log)} == {"127.0.0.1"}


def test_what_a_trusted_proxy_garbles_changes_nothing(start, log):
    server = start("--trusted-proxy", "127.0.0.1")
    ask(server, X_Forwarded_For='"', X_Forwarded_Proto="ftp, https")
    (line,) = access_lines(server, log)
    assert line["address"] == "127.0.0.1"


# --- pages in a browser


def test_a_page_of_an_allowed_origin_may_ask_whether_it_may(start):
    server = start("--cors-origin", "https://a.example", "--cors-origin", "https://b.example")
    asked = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "x-api-key"}
    path = "/v1/clients/550e8400-e29b-41d4-a716-446655440000"
    headers, _ = ask(server, "OPTIONS", path, X_API_Key="", Origin="https://b.example", **asked)
    assert headers["Access-Control-Allow-Origin"] == "https://b.example"
    assert "PUT" in headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    assert "x-api-key" in headers["Access-Control-Allow-Headers"].lower()
    headers, _ = ask(server, "OPTIONS", path, X_API_Key="", Origin="https://c.example", **asked)
    assert "Access-Control-Allow-Origin" not in headers


def test_a_page_may_read_what_was_refused_and_why(start):
    server = start("--cors-origin", "https://a.example", "--rate-limit", "1/900")
    ask(server)
    headers, _ = ask(server, Origin="https://a.example", status=429)
    assert headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "Retry-After" in headers["Access-Control-Expose-Headers"]


def test_without_an_allowed_origin_nothing_is_said_of_it(server):
    headers, _ = ask(server, Origin="https://a.example")
    assert [name for name in headers if name.lower().startswith("access-control")] == []


# --- what is refused before the app sees it

POST = b"POST /v1/clients HTTP/1.1\r\nHost: a.example\r\n"
REFUSED = {
    "no request": (b"nonsense\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a method in lower case": (b"get / HTTP/1.1\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a URL that is none": (b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a header without a colon": (POST + b"nonsense\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a folded first header": (b"GET / HTTP/1.1\r\n a: b\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a length that is no number": (POST + b"Content-Length: many\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400, "VALIDATION_ERROR"),
    "two lengths": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "VALIDATION_ERROR"),
    "a length over 8 MiB": (POST + b"Content-Length: 8388609\r\n\r\n", 413, "CONTENT_TOO_LARGE"),
    "a chunk that is none": (
        POST + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400, "VALIDATION_ERROR"
    ),
    "headers over 32 KiB": (POST + b"X: " + b"x" * 33_000 + b"\r\n\r\n", 431, "VALIDATION_ERROR"),
}  # fmt: skip


def assert_refusal(headers, answer, code):
    assert headers["Content-Type"] == "application/json"
    assert answer.keys() == {"success", "error", "timestamp", "correlationId"}
    assert (answer["success"], answer["error"]["code"]) == (False, code)
    assert answer["correlationId"] == headers["X-Request-ID"]


def test_what_is_no_request_is_refused_in_the_envelope(server):
    answers = {}
    for name, (request, _, _) in REFUSED.items():
        try:
            answers[name] = exchange(server, request)
        except (OSError, http.client.HTTPException) as error:
            answers[name] = repr(error), {}, {"error": {"code": "no answer"}}
    got = {name: (status, answer["error"]["code"]) for name, (status, _, answer) in answers.items()}
    assert got == {name: (status, code) for name, (_, status, code) in REFUSED.items()}
    for _, headers, answer in answers.values():
        assert_refusal(headers, answer, answer["error"]["code"])
    ask(server)  # and goes on as ever


@pytest.mark.parametrize("chunked", [False, True], ids=["in one piece", "chunked"])
def test_a_body_may_have_64_kib(server, chunked):
    headers = {"Content_Type": "application/json"} | ({"Transfer_Encoding": "chunked"} if chunked else {})
    for size, status in ((64 * 1024, 201), (64 * 1024 + 1, 413), (900 * 1024, 413)):
        body = json.dumps(JORDAN).encode().ljust(size)
        if chunked:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body)
        _, answer = ask(server, "POST", body=body, status=status, **headers)
        assert status == 201 or answer["error"]["code"] == "CONTENT_TOO_LARGE"


def test_no_answer_tells_what_it_runs_on(server):
    answers = [
        ask(server)[0],
        ask(server, path="/x", status=404)[0],
        exchange(server, b"nonsense\r\n\r\n")[1],
    ]
    assert [headers.get("Server") or headers.get("Via") for headers in answers] == [None] * 3


def test_a_connection_serves_one_request_after_another(server):
    request = f"GET /v1/clients HTTP/1.1\r\nHost: a\r\nX-API-Key: {server.key}\r\n\r\n".encode()
    with connect(server) as raw:
        for _ in range(3):
            raw.sendall(request)
            assert read_answer(raw)[0] == 200


@pytest.fixture(scope="module", params=["\\n", "\\r"])
def careless(request, tmp_path_factory):
    """A server that puts more into a header than belongs there; its address and a key."""
    database = tmp_path_factory.mktemp("careless") / "served.db"
    key = make_key(database)
    before = f"from acare.api import conditions; conditions.etag = lambda version: '\"1\"{request.param}A: b'"
    with serving(database, before=before) as (process, address):
        yield RunningServer(process, f"http://{address}", key, "")


@pytest.mark.parametrize("connection", [{}, {"Connection": "keep-alive"}, {"Connection": "close"}])
def test_a_header_never_begins_another_line(careless, connection):
    headers, answer = ask(careless, "POST", body=JORDAN, status=500, **connection)
    assert "A" not in headers
    assert_refusal(headers, answer, "INTERNAL_ERROR")


# --- how an answer ends


def read_all(raw):
    """All bytes until the server closes."""
    return b"".join(iter(lambda: raw.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_line", "header"),
    [
        ("GET /healthz HTTP/1.0", "A: b"),
        ("GET /healthz HTTP/1.1", "Connection: close"),
        ("GET /nothing HTTP/1.1", "connection: CLOSE"),
        ("HEAD /healthz HTTP/1.1", "Connection: close"),
    ],
)
def test_who_asks_for_no_more_is_told_and_the_connection_ends(server, request_line, header):
    with connect(server) as raw:
        raw.sendall(f"{request_line}\r\nHost: a\r\n{header}\r\n\r\n".encode())
        head, _, body = read_all(raw).partition(b"\r\n\r\n")
    assert re.search(rb"^connection: close\r?$", head, re.IGNORECASE | re.MULTILINE)
    assert re.search(rb"^date: ", head, re.IGNORECASE | re.MULTILINE)
    length = int(re.search(rb"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE)[1])
    assert len(body) == (0 if request_line.startswith("HEAD") else length)


@pytest.mark.parametrize(
    ("request_line", "header"),
    [
        ("GET /healthz HTTP/1.1", "A: b"),
        ("GET /healthz HTTP/1.1", "Connection: Keep-Alive"),
        ("GET /healthz HTTP/1.0", "Connection: keep-alive"),
        ("HEAD /healthz HTTP/1.1", "A: b"),
        ("GET /v1/clients/{id} HTTP/1.1", 'If-None-Match: "1"'),
    ],
)
def test_who_may_ask_for_more_can_do_so_on_the_same_connection(server, request_line, header):
    client_id = ask(server, "POST", body=JORDAN, status=201)[1]["data"]["id"]
    request = f"{request_line.format(id=client_id)}\r\nHost: a\r\nX-API-Key: {server.key}\r\n{header}\r\n\r\n"
    with connect(server) as raw:
        raw.sendall(request.encode() * 2 + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = read_all(raw)
    assert len(re.findall(rb"HTTP/1\.[01] (?:200|304) ", answers)) == 3


CHOSEN = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))"


def test_a_sandbox_that_forbids_to_yield_to_others_does_not_end_the_writing(tmp_path):
    database = tmp_path / "served.db"
    key = make_key(database)
    with serving(database, before=FORBIDDEN) as (process, address):
        ask(RunningServer(process, f"http://{address}", key, ""), "POST", body=JORDAN, status=201)


def policies(process):
    """How Linux schedules each thread of a process: the loop, the log's writer and those that write."""
    return sorted(os.sched_getscheduler(int(thread)) for thread in os.listdir(f"/proc/{process.pid}/task"))


@pytest.mark.parametrize(
    ("before", "loop", "others"),
    [("", os.SCHED_OTHER, os.SCHED_BATCH), (CHOSEN, os.SCHED_IDLE, os.SCHED_IDLE)],
    ids=["by itself", "chosen"],
)
def test_threads_that_write_give_way_unless_somebody_has_chosen_otherwise(tmp_path, before, loop, others):
    with serving(tmp_path / "served.db", "--threads", 3, before=before) as (process, _):
        # The loop, the log's writer, and the store's, which has written the first key.
        assert policies(process) == [loop] * 3 + [others] * (3 + 4 + 1)


FORBIDDEN = """
import os

def forbid(*arguments):
    raise PermissionError

os.SCHED_BATCH, os.sched_setscheduler = 3, forbid
os.sched_param = int
"""


# --- the stop


@contextmanager
def waiting_request(server, tmp_path):
    """A POST that the server has and cannot finish: another process, which is us, is writing.

    Gives the connection that the answer will come on, and what to call to let the server go on.
    """
    body = json.dumps(JORDAN)
    with (
        closing(sqlite3.connect(tmp_path / "served.db", isolation_level=None)) as other,
        connect(server) as raw,
    ):
        other.execute("BEGIN IMMEDIATE")
        raw.sendall(
            f"POST /v1/clients HTTP/1.1\r\nHost: a\r\nX-API-Key: {server.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        ask(server, path="/healthz")  # it reads what comes in turn, so by now it has the POST too
        yield raw, other.close


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0_and_one_file(start, tmp_path, number):
    server = start()
    ask(server, "POST", body=JORDAN, status=201)
    assert stop(server, number) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"served.db", "server.log"}


def test_a_stop_right_after_the_greeting_is_as_clean(start, tmp_path):
    assert stop(start()) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"served.db", "server.log"}


def test_what_was_written_is_there_after_a_kill(start):
    server = start()
    _, created = ask(server, "POST", body=JORDAN, status=201)
    stop(server, signal.SIGKILL)
    _, found = ask(start(), path=f"/v1/clients/{created['data']['id']}", X_API_Key=server.key)
    assert found["data"] == created["data"]


def test_a_request_in_flight_is_finished_before_the_stop(start, tmp_path, log):
    server = start()
    with waiting_request(server, tmp_path) as (raw, let_go):
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in log())
        let_go()
        assert read_answer(raw)[0] == 201
    assert server.process.wait(timeout=10) == 0


def test_while_it_stops_no_new_connection_is_taken(start, tmp_path):
    def is_refused():
        try:
            connect(server).close()
        except ConnectionRefusedError:
            return True
        return False

    server = start()
    with waiting_request(server, tmp_path):
        server.process.send_signal(signal.SIGTERM)
        wait_for(is_refused)
        assert server.process.poll() is None
    server.process.wait(timeout=10)


def test_a_second_signal_ends_it_at_once(start, tmp_path, log):
    server = start()
    with waiting_request(server, tmp_path):
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in log())
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=2) == 128 + signal.SIGTERM


def test_a_request_that_does_not_finish_in_time_does_not_hold_up_the_stop(start, tmp_path):
    server = start("--drain-seconds", "1")
    with waiting_request(server, tmp_path):
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=3) == 0


def test_a_connection_without_a_request_does_not_hold_up_the_stop(start):
    server = start()
    with connect(server):
        ask(server, path="/healthz")  # so it has taken the connection
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=1.8) == 0
