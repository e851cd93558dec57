"""Raw sockets: what a caller may do on the wire, and a server as an honest caller sees it."""

import contextlib
import http.client
import json
import os
import re
import socket
import struct
import time
from pathlib import Path

from support.data import JORDAN

import acare
from acare.auth import operator_for
from acare.fields import clean_new

KIB = 1024
CROWD = 300
THREADS = 4  # of the server, so that few callers would be enough to hold them all
BODY = json.dumps(JORDAN).encode()
CHUNKED = b"POST /v1/clients HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE_ANSWER = 8_000_000  # bytes, at least; waitress holds back a connection with 16 MiB to send

# A client that is as large as can be: characters of four bytes, and as many as are let in.
LARGE = {**JORDAN, "notes": "🏠" * 10_000, "preferred_locations": ["🏡" * 200] * 50}


def fill_with_large_clients(database):
    """So many that one page of them is a LARGE_ANSWER."""
    with acare.create_app(database=database) as app:
        user_id = app.keys.create("ana@example.com", {}).user_id
        for _ in range(100):
            app.clients.create(operator_for(user_id), clean_new(LARGE))


def connect(address, receive_buffer=None):
    host, port = address.split(":")
    raw = socket.socket()
    raw.settimeout(10)
    if receive_buffer is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    raw.connect((host, int(port)))
    return raw


def read_answer(stream):
    """Status, headers and JSON of the next answer; None at the end of the connection."""
    status = stream.readline()
    if not status:
        return None
    headers = http.client.parse_headers(stream)
    return int(status.split()[1]), headers, json.loads(stream.read(int(headers["Content-Length"])))


def read_statuses(raw):
    """Of all answers until the server closes the connection."""
    with raw.makefile("rb") as stream:
        return [answer[0] for answer in iter(lambda: read_answer(stream), None)]


def request(key, method="GET", path="/v1/clients", body=b"", **headers):
    """The bytes of a whole request; ``headers`` come in place of a Content-Length."""
    headers = headers or ({"Content_Length": len(body)} if body else {})
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: a.example",
        f"X-API-Key: {key}",
        "Content-Type: application/json",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Server:
    """A running one, as an honest caller sees it."""

    def __init__(self, process, address, key):
        self.address, self.key = address, key
        self._process = Path(f"/proc/{process.pid}")
        self._alone = self._sockets()
        self._path = f"/v1/clients/{self.ask('POST', body=BODY, status=201)['id']}"

    def ask(self, method="GET", path="/v1/clients", body=b"", status=200):
        """What an honest caller is answered, who comes with a new connection and waits for a second."""
        with connect(self.address) as raw, raw.makefile("rb") as stream:
            raw.settimeout(1)
            raw.sendall(request(self.key, method, path, body))
            answered, _, answer = read_answer(stream)
        assert answered == status
        return answer["data"]

    def total(self):
        """How many clients there are."""
        return self.ask(path="/v1/clients?limit=1")["meta"]["total"]

    def write(self):
        return self.ask("PUT", self._path, BODY)["version"]

    def threads(self):
        return int(re.search(r"^Threads:\s+(\d+)", (self._process / "status").read_text(), re.MULTILINE)[1])

    def connections(self):
        return self._sockets() - self._alone

    def _sockets(self):
        found = 0
        for file in (self._process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                found += os.readlink(file).startswith("socket:")
        return found


LARGE_PAGE = "/v1/clients?limit=100"


def reset(raw):
    """Close a connection without the courtesies: what was sent and not read is thrown away."""
    if raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


def wait_for(condition, seconds=8.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
