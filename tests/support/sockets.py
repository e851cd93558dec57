"""Raw sockets: what a caller may send, and how answers are read."""

import functools
import http.client
import itertools
import json
import socket
import struct
import tempfile
import time
from pathlib import Path

from support.data import JORDAN
from support.keys import new_key

import acare
from acare.auth import caller_without_key
from acare.fields import validate_create

KIB = 1024
BODY = json.dumps(JORDAN).encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n"
CHUNKED = b"POST /v1/clients HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE_ANSWER = 8_000_000  # bytes, at least; waitress holds back a connection with 16 MiB to send

# A client of the maximum size: characters of four bytes, as many as the limits allow.
LARGE = {**JORDAN, "notes": "🏠" * 10_000, "preferred_locations": ["🏡" * 200] * 50}


def fill_with_large_clients(database):
    """Create a database with enough large clients for a LARGE_ANSWER."""
    database.write_bytes(_large_database())


@functools.cache
def _large_database():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.db"
        with acare.create_app(database=path) as app:
            user = caller_without_key(new_key(app.keys, "ana@example.com", {}).user_id)
            for _ in range(100):
                app.clients.create(user, validate_create(LARGE))
        return path.read_bytes()


def connect(address, receive_buffer=None):
    host, port = address.split(":")
    raw = socket.socket()
    raw.settimeout(10)
    if receive_buffer is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        raw.connect((host, int(port)))
    except OSError:
        raw.close()
        raise
    return raw


def read_content(stream, of_head=False):
    """Status, headers and bytes of the next answer; None at the end of the connection."""
    status = stream.readline()
    if not status:
        return None
    headers = http.client.parse_headers(stream)
    content = b"" if of_head else stream.read(int(headers.get("Content-Length", 0)))
    return int(status.split()[1]), headers, content


def read_answer(stream):
    """Status, headers and JSON of the next answer; None at the end of the connection."""
    answer = read_content(stream)
    return answer and (*answer[:2], json.loads(answer[2]))


def read_statuses(raw):
    """The statuses of all answers until the server closes the connection."""
    with raw.makefile("rb") as stream:
        return [answer[0] for answer in iter(lambda: read_content(stream), None)]


def request(key, method="GET", path="/v1/clients", body=b"", **headers):
    """The bytes of a complete request; ``headers`` replace its Content-Length."""
    headers = headers or ({"Content_Length": len(body)} if body else {})
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: a.example",
        f"X-API-Key: {key}",
        "Content-Type: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


LARGE_PAGE = "/v1/clients?limit=100"


def reset(raw):
    """Reset a connection: data that was sent and not read is discarded."""
    if raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


def closes(raw, sending=(), within=8.0):
    """Whether the server ends the connection; ``sending`` are bytes to send, one after the other."""
    raw.settimeout(0.05)
    deadline = time.monotonic() + within
    bytes_to_send = iter(sending)
    while time.monotonic() < deadline:
        try:
            raw.send(bytes(itertools.islice(bytes_to_send, 1)))
            if raw.recv(KIB * KIB) == b"":
                return True
        except TimeoutError:
            pass
        except ConnectionError:
            return True
    return False


def free_port():
    """A port that is free a moment later, for a program that cannot choose one itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(condition, seconds=8.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.01)
