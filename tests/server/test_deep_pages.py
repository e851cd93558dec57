"""Pages in the middle of a long list do not delay callers who read one client."""

import sqlite3
import time
from contextlib import closing

import pytest
from support.clients import FILL
from support.server import make_key
from support.sockets import read_answer, request
from support.target import PROMPT, attack, target_in

CLIENTS = 60_000
# As from a disk that is not in memory: each 10,000 steps of SQLite take 20 ms more. A page in the middle has
# 60,000 of them or more, one client some hundred.
SLOW = """
import sqlite3, time
connect = sqlite3.connect

def connect_slowly(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_progress_handler(lambda: time.sleep(0.02), 10_000)
    return connection

sqlite3.connect = connect_slowly
"""
ONE = "/v1/clients/00000000-0000-4000-8000-000000030000"
PAGES = {
    "all": "/v1/clients?limit=25&page=1200",
    "of a status": "/v1/clients?limit=25&page=1200&status=active",
    "one a page": "/v1/clients?limit=1&page=30000",
    "a hundred a page": "/v1/clients?limit=100&page=300&client_type=buyer",
}
TURNERS = 4


@pytest.fixture(scope="module")
def long_list(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    key = make_key(folder / "served.db")
    with closing(sqlite3.connect(folder / "served.db")) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(FILL, {"count": CLIENTS, "notes": None})
    with target_in(folder, key=key, before=SLOW) as target:
        yield target


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_deep_pages_do_not_delay_other_callers(long_list, path):
    longest, turned = attack(long_list, lambda: turn_and_read(long_list, path))
    assert longest < PROMPT
    assert [status for status, _ in turned] == [200] * TURNERS
    assert all(answer["data"]["meta"]["total"] == CLIENTS for _, answer in turned)


def turn_and_read(target, path):
    """The maximum wait of a caller who reads one client, and the answers to those who read pages."""
    waits = []
    with (
        target.connections(TURNERS) as crowd,
        target.connections() as [reader],
        reader.makefile("rb") as answers,
    ):
        for raw in crowd:
            raw.sendall(request(target.key, path=path) * 2)
        for _ in range(10):
            began = time.monotonic()
            reader.sendall(request(target.key, path=ONE))
            assert read_answer(answers)[0] == 200
            waits.append(time.monotonic() - began)
            time.sleep(0.01)
        return max(waits), [last_of_two(raw) for raw in crowd]


def last_of_two(raw):
    with raw.makefile("rb") as stream:
        read_answer(stream)
        status, _, answer = read_answer(stream)
        return status, answer
