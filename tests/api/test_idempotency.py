"""Safe retries: a POST with an Idempotency-Key makes one client, however often and whenever it is sent."""

import http.client
import json
import re
import subprocess
import sys
import threading
from contextlib import closing, contextmanager

import pytest
from support.client import Api
from support.data import JORDAN

from acare.store import idempotency

DANA = {"first_name": "Dana", "last_name": "Ray", "client_type": "seller"}

# A server that kills itself in the moment between the commit and the answer.
DIES_AFTER_THE_COMMIT = """
import os, signal
from acare.store.clients import ClientStore
create = ClientStore.create
def create_and_die(self, user_id, client, **how):
    made = create(self, user_id, client, **how)
    if client["notes"] == "kill me":
        os.kill(os.getpid(), signal.SIGKILL)
    return made
ClientStore.create = create_and_die
"""

# One that dies when the client is in the transaction, but nothing is committed.
DIES_BEFORE_THE_COMMIT = """
import os, signal
from acare.store import idempotency
def keep(connection, user_id, idempotency_key, client, made):
    os.kill(os.getpid(), signal.SIGKILL)
idempotency.keep = keep
"""

GOOD_KEYS = {
    "a UUID": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "a UUID in quotes": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    "one character": "1",
    "255 characters": "k" * 255,
    "255 characters in quotes": f'"{"k" * 255}"',
    "all that is allowed": "".join(chr(code) for code in range(33, 127) if chr(code) not in '"\\'),
}
BAD_KEYS = {
    "nothing": "",
    "nothing in quotes": '""',
    "one quote": '"',
    "a space": "two words",
    "a space in quotes": '"two words"',
    "a quote inside": 'a"b',
    "a backslash": "a\\b",
    "a quote at one end": '"a',
    "a parameter": '"a";b=1',
    "256 characters": "k" * 256,
    "another script": "ключ".encode().decode("latin-1"),
    "two": "a, b",
}  # fmt: skip


def post(api, key, body=JORDAN, status=201, **environ):
    headers = api.headers if key is None else {**api.headers, "Idempotency-Key": key}
    return api.web.post_json("/v1/clients", body, headers=headers, status=status, extra_environ=environ)


def total(api):
    return api.get("/v1/clients").json["data"]["meta"]["total"]


def in_database(app, statement):
    app.database.write(lambda connection: connection.execute(statement).fetchall())


# --- the same answer


@pytest.mark.parametrize("key", GOOD_KEYS.values(), ids=GOOD_KEYS)
def test_a_request_that_is_sent_again_makes_no_other_client(api, key):
    assert post(api, key).json == post(api, key).json
    assert total(api) == 1


def test_the_answer_is_the_first_one_to_the_letter(api):
    first, again = post(api, "k"), post(api, "k")
    assert (again.status, again.body) == (first.status, first.body)
    for name in ("Location", "ETag", "Content-Type", "Cache-Control"):
        assert again.headers[name] == first.headers[name]


def test_a_replayed_answer_says_so_and_the_first_does_not(api):
    first, again = post(api, "k"), post(api, "k")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_each_answer_has_the_id_of_its_own_request(api):
    assert post(api, "k").headers["X-Request-ID"] != post(api, "k").headers["X-Request-ID"]


def test_quotes_around_a_key_are_not_part_of_it(api):
    assert post(api, "k").json == post(api, '"k"').json


@pytest.mark.parametrize("other", ["K", "k1", "k."])
def test_another_key_makes_another_client(api, other):
    assert post(api, "k").json["data"]["id"] != post(api, other).json["data"]["id"]


def test_without_a_key_each_request_makes_a_client(api):
    post(api, "k"), post(api, None), post(api, None)
    assert total(api) == 3


@pytest.mark.parametrize("after", ["an update", "a deletion"])
def test_the_answer_is_that_of_the_creation_whatever_came_after(api, after):
    first = post(api, "k")
    if after == "an update":
        api.put(first.json["data"]["id"], {"notes": "changed"})
    else:
        api.delete(first.json["data"]["id"])
    assert post(api, "k").body == first.body


def test_the_location_follows_the_prefix_of_the_request_at_hand(api):
    first = post(api, "k")
    again = post(api, "k", SCRIPT_NAME="/crm")
    assert again.headers["Location"] == f"/crm{first.headers['Location']}"


# --- another body


@pytest.mark.parametrize(
    "body",
    [DANA, {**JORDAN, "notes": "x"}, {**JORDAN, "budget_min": 1}, {**JORDAN, "tags": ["a"]},
     {**JORDAN, "status": "closed"}, {**JORDAN, "pre_approved": True}],
)  # fmt: skip
def test_a_key_that_comes_with_another_client_is_422(api, body):
    first = post(api, "k")
    answer = post(api, "k", body, 422)
    assert answer.json["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert post(api, "k").body == first.body
    assert total(api) == 1


@pytest.mark.parametrize(
    "body",
    [
        dict(reversed(JORDAN.items())),
        {**JORDAN, "first_name": " Jordan "},
        {**JORDAN, "email": None, "notes": "", "status": "active", "tags": []},
        {**JORDAN, "unknown": 1, "version": 7, "id": "x"},
    ],
)
def test_the_same_client_in_other_bytes_is_the_same_request(api, body):
    assert post(api, "k").body == post(api, "k", body).body


# --- refused requests


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_what_is_no_key_is_400_and_named(api, key):
    details = post(api, key, status=400).json["error"]["details"]
    assert [problem["field"] for problem in details] == ["Idempotency-Key"]
    assert total(api) == 0


def test_a_refused_request_is_not_stored(api):
    post(api, "k", {"first_name": "Jordan"}, 400)
    assert "Idempotent-Replayed" not in post(api, "k").headers


def test_a_key_without_the_scope_is_not_told_of_the_answer(api, caller):
    post(api, "k")
    post(caller(scopes={"clients": ["read"]}), "k", status=403)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("key", ["k", "no key"])
def test_the_header_means_nothing_to_other_methods(api, method, key):
    path = f"/v1/clients/{post(api, 'k').json['data']['id']}"
    headers = {**api.headers, "Idempotency-Key": key, "Content-Type": "application/json"}
    body = b'{"notes": "x"}' if method == "PUT" else b""
    answer = api.web.request(path, method=method, headers=headers, body=body, status=200)
    assert "Idempotent-Replayed" not in answer.headers


# --- whose key it is


def test_two_keys_of_one_user_share(caller):
    assert post(caller("ana@example.com"), "k").json == post(caller("ana@example.com"), "k").json


def test_another_user_s_same_key_is_another_one(caller):
    first = post(caller("ana@example.com"), "k")
    second = post(caller("bob@example.com"), "k", DANA)
    assert "Idempotent-Replayed" not in second.headers
    assert second.json["data"]["id"] != first.json["data"]["id"]


def test_a_broker_does_not_share_with_the_agents(caller):
    post(caller("ana@example.com", role="agent"), "k")
    assert "Idempotent-Replayed" not in post(caller("bob@example.com", role="broker"), "k").headers


# --- for 24 hours

MOVE = "UPDATE idempotency_keys SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '{}')"


@pytest.mark.parametrize(
    ("ago", "made"), [("-23 hours", 1), ("-86390 seconds", 1), ("-86401 seconds", 2), ("-30 days", 2)]
)
def test_an_answer_is_kept_for_24_hours(app, api, ago, made):
    post(api, "k")
    in_database(app, MOVE.format(ago))
    post(api, "k")
    assert total(api) == made


def test_after_24_hours_the_key_may_come_with_another_client(app, api):
    post(api, "k")
    in_database(app, MOVE.format("-25 hours"))
    assert post(api, "k", DANA).json["data"]["first_name"] == "Dana"
    assert post(api, "k", DANA).headers["Idempotent-Replayed"] == "true"


def test_only_expired_idempotency_keys_are_deleted(app, api):
    post(api, "old")
    in_database(app, MOVE.format("-25 hours"))
    post(api, "young"), post(api, "new")
    with app.database.read() as connection:
        kept = connection.execute("SELECT key FROM idempotency_keys ORDER BY key").fetchall()
    assert kept == [("new",), ("young",)]


# --- at once, and in spite of a kill


def test_sixteen_at_once_create_one_client(app, api):
    barrier, answers = threading.Barrier(16), []

    def race(one):
        barrier.wait()
        answers.append(post(one, "k"))

    threads = [threading.Thread(target=race, args=(Api(app, api.key),)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.body for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 15
    assert total(api) == 1


def test_client_and_answer_are_kept_together_or_not_at_all(app, api, monkeypatch):
    """An answer that cannot be kept undoes the client: else the next try would make another one."""

    def fail(*_):
        raise RuntimeError("the answer cannot be kept")

    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "keep", fail)
        post(api, "k", status=500)
    assert total(api) == 0
    post(api, "k")
    assert total(api) == 1


@contextmanager
def serving(database, log, before=""):
    """A real server that first runs the Python in ``before``: its process, address and first key."""
    code = f"{before}\nimport sys\nfrom acare.cli import main\nsys.exit(main())"
    arguments = ("serve", "--database", str(database), "--listen", "127.0.0.1:0")
    with (
        log.open("a") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=stderr
        ) as process,
    ):
        try:
            line = process.stdout.readline().decode()
            yield process, re.search(r"http://([^/\s]+)", line)[1]
        finally:
            process.kill()


def send(address, key, method="POST", body=None, **headers):
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        sent = {"X-API-Key": key, "Content-Type": "application/json", **headers}
        connection.request(method, "/v1/clients", body and json.dumps(body), sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


@pytest.mark.parametrize(
    ("dies", "replayed"), [(DIES_AFTER_THE_COMMIT, "true"), (DIES_BEFORE_THE_COMMIT, None)]
)
def test_a_retry_after_a_kill_creates_one_client(app, api, tmp_path, dies, replayed):
    database, log, body = app.database.path, tmp_path / "server.log", {**JORDAN, "notes": "kill me"}
    app.close()
    with serving(database, log, before=dies) as (process, address):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            send(address, api.key, body=body, **{"Idempotency-Key": "k"})
        assert process.wait(timeout=10) == -9
    with serving(database, log) as (_, address):
        status, headers, made = send(address, api.key, body=body, **{"Idempotency-Key": "k"})
        _, _, listed = send(address, api.key, "GET")
    assert (status, headers["Idempotent-Replayed"]) == (201, replayed)
    assert listed["data"]["clients"] == [made["data"]]
