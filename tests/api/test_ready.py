"""Whether the server is alive, and whether it can write: what a supervisor and a load balancer ask."""

import itertools
import json
import shutil
import sqlite3
import urllib.request
from collections import namedtuple
from contextlib import closing

import pytest
from support.client import Api

import acare
from acare.store import database
from acare.store.database import CHECK_EVERY

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def app(tmp_path, new_database):
    """An app whose clock goes on by a second whenever it is read, so that no check is reused."""
    (tmp_path / "acare.db").write_bytes(new_database)
    clock = itertools.count(0, CHECK_EVERY).__next__
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="off", clock=clock) as app:
        yield app


@pytest.fixture
def nobody(app):
    """A caller without a key to an app that does not wait for others who write."""
    app.database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 20").fetchall())
    return Api(app, None)


@pytest.fixture
def another(app):
    """Another program that has the database open."""
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as connection:
        yield connection


def checks(answer):
    """What was checked, in an answer that says yes or no."""
    body = answer.json
    return body["data"]["checks"] if body["success"] else body["error"]["details"]["checks"]


def failed(answer):
    return {name for name, state in checks(answer).items() if state != "ok"}


# --- ready


def test_a_server_that_can_write_is_ready(nobody):
    answer = nobody.get("/readyz")
    assert answer.json["data"] == {
        "status": "ready",
        "checks": dict.fromkeys(("server", "write", "disk"), "ok"),
    }


def test_readyz_begins_a_write(app, nobody):
    begun = []
    app.database.write(lambda connection: connection.set_trace_callback(begun.append))
    nobody.get("/readyz")
    app.database.write(lambda connection: connection.set_trace_callback(None))
    assert "BEGIN IMMEDIATE" in begun


def test_readyz_commits_a_write(nobody, another):
    before = another.execute("PRAGMA data_version").fetchall()
    nobody.get("/readyz")
    assert another.execute("PRAGMA data_version").fetchall() != before


def test_a_flood_of_readyz_costs_one_write_a_second(tmp_path):
    now = [0]
    with acare.create_app(database=tmp_path / "acare.db", clock=lambda: now[0]) as app:
        nobody, versions = Api(app, None), []
        with closing(sqlite3.connect(app.database.path)) as another:
            for now[0] in (0, 0, CHECK_EVERY - 1, CHECK_EVERY, CHECK_EVERY + 1):
                nobody.get("/readyz")
                versions += another.execute("PRAGMA data_version").fetchone()
    assert len(set(versions)) == 2
    assert versions[0] == versions[2] != versions[3] == versions[4]


# --- not ready


def test_while_another_program_writes_it_is_not_ready(nobody, another):
    another.execute("BEGIN IMMEDIATE")
    answer = nobody.get("/readyz", status=503)
    assert failed(answer) == {"write"}
    assert "writing" in checks(answer)["write"]


def test_while_another_program_reads_it_is_ready(nobody, another):
    another.execute("BEGIN")
    another.execute("SELECT * FROM clients").fetchall()
    nobody.get("/readyz")


def test_when_the_other_program_is_done_it_is_ready_again(nobody, another):
    another.execute("BEGIN IMMEDIATE")
    nobody.get("/readyz", status=503)
    another.execute("COMMIT")
    nobody.get("/readyz")


def test_without_its_database_it_is_not_ready(app, nobody):
    app.database.path.rename(app.database.path.with_name("away.db"))
    answer = nobody.get("/readyz", status=503)
    assert failed(answer) == {"write"}
    assert "gone" in checks(answer)["write"]


def test_when_its_database_is_back_it_is_ready_again(app, nobody):
    away = app.database.path.with_name("away.db")
    app.database.path.rename(away)
    nobody.get("/readyz", status=503)
    away.rename(app.database.path)
    nobody.get("/readyz")


def test_a_replaced_database_file_is_not_ready(app, nobody):
    path = app.database.path
    shutil.copyfile(path, path.with_name("copy.db"))
    path.with_name("copy.db").rename(path)
    assert failed(nobody.get("/readyz", status=503)) == {"write"}


ROOM = [(0, 503), (database.MIN_FREE - 1, 503), (database.MIN_FREE, 200), (10**12, 200)]


@pytest.mark.parametrize(("free", "status"), ROOM)
def test_it_is_ready_as_long_as_there_is_room_on_the_disk(nobody, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2 * 10**12, 10**12, free))
    answer = nobody.get("/readyz", status=status)
    assert failed(answer) == ({"disk"} if status == 503 else set())


def test_it_says_how_much_room_is_left(nobody, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 5 * 2**20))
    assert "5 MiB" in checks(nobody.get("/readyz", status=503))["disk"]


def test_the_disk_is_the_one_that_the_database_is_on(app, nobody, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or Usage(1, 1, 10**12))
    nobody.get("/readyz")
    assert asked == [app.database.path.parent]


def test_the_disk_is_really_looked_at(nobody, monkeypatch):
    monkeypatch.setattr(database, "MIN_FREE", 2**80)
    assert failed(nobody.get("/readyz", status=503)) == {"disk"}


def test_a_disk_that_cannot_be_looked_at_is_told(nobody, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", fail)
    assert "Input/output error" in checks(nobody.get("/readyz", status=503))["disk"]


def test_a_server_that_is_stopping_is_not_ready(app, nobody):
    app.draining = True
    assert failed(nobody.get("/readyz", status=503)) == {"server"}


def test_everything_that_fails_is_told_at_once(app, nobody, another, monkeypatch):
    app.draining = True
    another.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(database, "MIN_FREE", 2**80)
    assert failed(nobody.get("/readyz", status=503)) == {"server", "write", "disk"}


def test_a_closed_app_is_not_ready(app, nobody):
    app.close()
    assert "write" in failed(nobody.get("/readyz", status=503))


def test_not_ready_is_503_with_retry_after(app, nobody):
    app.draining = True
    answer = nobody.get("/readyz", status=503)
    assert answer.json["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert answer.json["correlationId"] == answer.headers["X-Request-ID"]
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_reason_is_in_the_log(app, nobody, another, caplog):
    another.execute("BEGIN IMMEDIATE")
    answer = nobody.get("/readyz", status=503)
    assert checks(answer)["write"] in caplog.text
    assert answer.json["correlationId"] in caplog.text


def test_a_reason_names_no_file(app, nobody):
    app.database.path.rename(app.database.path.with_name("away.db"))
    assert str(app.database.path.parent) not in nobody.get("/readyz", status=503).text


@pytest.mark.parametrize("draining", [False, True])
def test_head_answers_as_get_does(app, nobody, draining):
    app.draining = draining
    status = 503 if draining else 200
    assert nobody.head("/readyz", status=status).body == b""


# --- alive


def hold_the_lock(app, another):
    another.execute("BEGIN EXCLUSIVE")


def lose_the_file(app, another):
    app.database.path.unlink()


def stop(app, another):
    app.draining = True


def close(app, another):
    app.close()


@pytest.mark.parametrize("trouble", [hold_the_lock, lose_the_file, stop, close])
def test_a_server_in_trouble_is_alive(app, nobody, another, trouble):
    trouble(app, another)
    assert nobody.get("/healthz").json["data"] == {"status": "ok"}
    nobody.get("/readyz", status=503)


def test_healthz_touches_nothing(tmp_path, monkeypatch):
    with acare.create_app(database=tmp_path / "acare.db") as app:
        for target, name in ((app, "database"), (sqlite3, "connect"), (shutil, "disk_usage")):
            monkeypatch.setattr(target, name, None)
        Api(app, None).get("/healthz")
        monkeypatch.undo()


# --- neither key nor limit

BOTH = pytest.mark.parametrize("path", ["/healthz", "/readyz"])


@BOTH
def test_it_costs_no_token(tmp_path, path):
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="3/900", clock=lambda: 0) as app:
        caller = Api(app, app.keys.create("ana@example.com", {"all": ["read"]}).key)
        for _ in range(5):
            caller.get(path)
        assert caller.get("/v1/clients").headers["RateLimit-Remaining"] == "2"


@BOTH
def test_readiness_is_not_rate_limited(tmp_path, path):
    with acare.create_app(database=tmp_path / "acare.db", rate_limit="1/900", clock=lambda: 0) as app:
        nobody = Api(app, None)
        nobody.get("/v1/clients", status=401)
        nobody.get("/v1/clients", status=429)
        nobody.get(path)


@BOTH
@pytest.mark.parametrize("key", ["", "wrong", "0" * 64], ids=["empty", "malformed", "unknown"])
def test_a_wrong_key_does_not_matter(nobody, path, key):
    nobody.get(path, **{"X-API-Key": key})


@BOTH
def test_it_is_no_use_of_a_key(app, path):
    Api(app, app.keys.create("ana@example.com", {"all": ["read"]}).key).get(path)
    app.database.write(lambda connection: None)  # after a note, if one were queued
    assert app.keys.list()[0]["last_used_at"] is None


@BOTH
def test_the_answer_is_for_now_alone(nobody, path):
    """Whoever asks again is not to be given an old answer."""
    assert "max-age" not in nobody.get(path).headers.get("Cache-Control", "")


def test_a_real_server_answers_both(start):
    server = start()
    for path in ("healthz", "readyz"):
        with urllib.request.urlopen(f"{server.url}/{path}") as answer:
            assert json.load(answer)["success"] is True
