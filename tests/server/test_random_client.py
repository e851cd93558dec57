"""Callers who pipeline, split, half-close and abort at random: every answer belongs to its request.

It lasts for ACARE_TEST_SECONDS (1; 120 is a long run). ACARE_TEST_SEED repeats the choices of a run.
"""

import itertools
import json
import os
import random
import socket
import threading
import time
import traceback
from collections import Counter

from support.data import JORDAN
from support.files import query
from support.sockets import connect, read_content, request, reset
from support.target import target_in

SECONDS = float(os.environ.get("ACARE_TEST_SECONDS", "1"))
SEED = int(os.environ.get("ACARE_TEST_SEED", random.randrange(10**9)))
CALLERS = 6
CHOICES = "read read_all half_close close_in_the_middle abort abort_at_once"

FIRST_NAMES = "SELECT first_name, id FROM clients WHERE first_name LIKE 'c%'"


class Caller:
    """One of them, its choices, and what it was promised."""

    def __init__(self, number, address, key):
        self.random = random.Random(f"{SEED} {number}")
        self.address, self.key = address, key
        self.names = (f"c{number}-{count}" for count in itertools.count())
        self.sent, self.created = set(), {}  # names of clients; their ids
        self.answers = Counter()
        self.wrong = None

    def run(self, until):
        try:
            while time.monotonic() < until:
                self.visit()
        except Exception:
            self.wrong = traceback.format_exc()

    def visit(self):
        """A connection with a pipeline of requests, or some, and what happens to it."""
        raw = connect(self.address)
        try:
            for _ in range(self.random.choice((1, 1, 1, 3))):
                how = self.random.choice(CHOICES.split())
                pipeline = [self.make() for _ in range(self.random.choice((1, 2, 5, 20)))]
                if not self.converse(raw, pipeline, how):
                    return
        finally:
            reset(raw) if how.startswith("abort") else raw.close()

    def converse(self, raw, pipeline, how):
        """Send the pipeline and check its answers; whether the connection can go on."""
        data = b"".join(sent for sent, _ in pipeline)
        if how == "close_in_the_middle":
            data = data[: self.random.randrange(len(data))]
        self.send(raw, data)
        if how == "abort_at_once":
            return False
        with raw.makefile("rb") as stream:
            if how == "half_close":
                raw.shutdown(socket.SHUT_WR)
                self.check(stream, pipeline)
                assert stream.read(1) == b"", "an answer too many"
                return False
            if how in ("abort", "close_in_the_middle"):
                self.check(stream, pipeline[: self.random.randrange(1 + data.count(b" HTTP/1.1\r\n") // 2)])
                return False
            self.check(stream, pipeline)
            return True

    def send(self, raw, data):
        """In pieces of any size, with pauses or without."""
        cuts = sorted(self.random.randrange(len(data) + 1) for _ in range(self.random.choice((0, 1, 3, 10))))
        for begin, end in itertools.pairwise([0, *cuts, len(data)]):
            raw.sendall(data[begin:end])
            if self.random.random() < 0.3:
                time.sleep(self.random.random() / 200)

    def check(self, stream, pipeline):
        for _, expect in pipeline:
            name, status, of_head, fits = expect
            answer = read_content(stream, of_head)
            assert answer is not None, f"no answer to {name}"
            assert (answer[1]["X-Request-ID"], answer[0]) == (name, status), (expect, answer)
            if not of_head:
                content = json.loads(answer[2])
                assert content.get("correlationId", name) == name
                fits(content)
            self.answers[status] += 1

    # --- requests, each with its name, the status of its answer, and what that must fit

    def make(self):
        kinds = (self.alive, self.head, self.create, self.create, self.read, self.unknown, self.invalid)
        return self.random.choice(kinds)()

    def made(self, status, *arguments, of_head=False, fits=lambda answer: None, **options):
        name = next(self.names)
        sent = request(self.key, *arguments, **{"X_Request_ID": name, **options})
        return sent, (name, status, of_head, fits)

    def alive(self):
        return self.made(200, "GET", "/healthz")

    def head(self):
        return self.made(200, "HEAD", "/v1/clients?limit=3", of_head=True)

    def unknown(self):
        return self.made(404, "DELETE", "/v1/clients/unknown")

    def invalid(self):
        return self.made(400, "POST", "/v1/clients", b"{}", Content_Length=2)

    def read(self):
        if not self.created:
            return self.alive()
        name, client_id = self.random.choice(list(self.created.items()))
        if self.random.random() < 0.2:
            tag = {"If_None_Match": '"1"'}
            return self.made(304, "GET", f"/v1/clients/{client_id}", of_head=True, **tag)

        def fits(answer):
            assert (answer["data"]["id"], answer["data"]["first_name"]) == (client_id, name)

        return self.made(200, "GET", f"/v1/clients/{client_id}", fits=fits)

    def create(self):
        first_name = next(self.names)
        notes = "x" * self.random.randrange(3000)
        body = json.dumps({**JORDAN, "first_name": first_name, "notes": notes}).encode()
        self.sent.add(first_name)

        def fits(answer):
            assert answer["data"]["first_name"] == first_name
            assert first_name not in self.created
            self.created[first_name] = answer["data"]["id"]

        if self.random.random() < 0.3:
            half = self.random.randrange(1, len(body))
            pieces = (body[:half], body[half:], b"")
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            return self.made(201, "POST", "/v1/clients", body, Transfer_Encoding="chunked", fits=fits)
        return self.made(201, "POST", "/v1/clients", body, Content_Length=len(body), fits=fits)


def test_answers_belong_to_their_requests_and_writes_stay(tmp_path):
    with target_in(tmp_path) as target:
        callers = [Caller(number, target.address, target.key) for number in range(CALLERS)]
        until = time.monotonic() + SECONDS
        threads = [threading.Thread(target=caller.run, args=(until,)) for caller in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [caller.wrong for caller in callers if caller.wrong] == [], f"ACARE_TEST_SEED={SEED}"
        assert target.is_well()
        assert [line for line in target.log_besides_requests() if "Traceback" in line] == []
        time.sleep(0.3)  # a write whose caller is gone may still be on its way
        rows = query(tmp_path / "served.db", FIRST_NAMES)
    found = dict(rows)
    assert len(found) == len(rows), "a client is there twice"
    created = {name: client_id for caller in callers for name, client_id in caller.created.items()}
    assert created.items() <= found.items(), "a client is lost"
    assert found.keys() <= set().union(*(caller.sent for caller in callers))
    answers = sum((caller.answers for caller in callers), Counter())
    assert min(answers[status] for status in (200, 201, 400, 404)) > 0, answers
