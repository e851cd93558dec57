"""Pipelines of several callers at once: every answer belongs to its request, and writes stay."""

import json
import socket

import pytest
from support.data import JORDAN
from support.sockets import BODY, read_answer, read_content, request
from support.target import check_health, target_in
from support.threads import Call, in_threads

CALLERS = 6
# A thread pauses when it ends a request; meanwhile the loop can send the answer and receive the next request.
PAUSES = """
import threading, time
from acare import server

def is_connected(channel):
    if threading.current_thread() is not threading.main_thread():
        time.sleep(0.02)
    return channel.was_connected

def connect(channel, value):
    channel.was_connected = value

server.Channel.connected = property(is_connected, connect)
"""
UNCHANGED = {"If_None_Match": "*"}


def chunked(body):
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:9], body[9:], b""))


def pipeline(target, name):
    """Requests with their statuses, and whether the answer has no body; two create clients of this name."""
    body = json.dumps({**JORDAN, "first_name": name}).encode()
    there = f"/v1/clients/{target.ask('POST', body=body, status=201)['id']}"
    return [
        (("POST", "/v1/clients", body, {"Content_Length": len(body)}), 201, False),
        (("GET", there, b"", UNCHANGED), 304, True),
        (("POST", "/v1/clients", b"{}", {"Content_Length": 2}), 400, False),
        (("HEAD", "/v1/clients?limit=3", b"", {}), 200, True),
        (("POST", "/v1/clients", chunked(body), {"Transfer_Encoding": "chunked"}), 201, False),
        (("DELETE", "/v1/clients/unknown", b"", {}), 404, False),
        (("GET", "/healthz", b"", {}), 200, False),
        (("GET", there, b"", {}), 200, False),
    ] * 3


def converse(target, name, size):
    """Send a pipeline in pieces of this size. Returns the records in the answers."""
    asked, records = pipeline(target, name), []
    sent = b"".join(
        request(target.key, method, path, body, X_Request_ID=f"{name}-{number}", **headers)
        for number, ((method, path, body, headers), _, _) in enumerate(asked)
    )
    with target.connections() as [raw], raw.makefile("rb") as stream:
        for at in range(0, len(sent), size):
            raw.sendall(sent[at : at + size])
        raw.shutdown(socket.SHUT_WR)
        for number, (_, status, is_bare) in enumerate(asked):
            answered, headers, content = read_content(stream, of_head=is_bare)
            assert (answered, headers["X-Request-ID"]) == (status, f"{name}-{number}")
            records.append({} if is_bare else json.loads(content).get("data", {}))
        assert stream.read(1) == b"", "an answer too many"
    return [record for record in records if "first_name" in record]


@pytest.mark.parametrize("size", [10, 100_000])
def test_each_answer_of_a_pipeline_belongs_to_its_request(target, size):
    conversations = in_threads(CALLERS, lambda n: converse(target, f"c{size}-{n}", size))
    for number, records in enumerate(conversations):
        assert [record["first_name"] for record in records] == [f"c{size}-{number}"] * 9
        for record in records:
            assert target.ask(path=f"/v1/clients/{record['id']}") == record


def test_the_end_of_a_request_does_not_start_the_next_again(tmp_path):
    def write(raw):
        with raw.makefile("rb") as stream:
            for name in map(str, range(15)):
                raw.sendall(
                    request(target.key, "POST", body=BODY, Content_Length=len(BODY), X_Request_ID=name)
                )
                assert read_answer(stream)[1]["X-Request-ID"] == name

    with target_in(tmp_path, before=PAUSES) as target, target.connections(2) as [raw, other]:
        writes = Call(write, raw)
        while writes.is_alive():
            check_health(other)  # keeps the loop awake
        writes.result()
        assert target.ask()["meta"]["total"] == 15
