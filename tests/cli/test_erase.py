"""``acare erase``, ``purge`` and ``compact``."""

import functools
import sqlite3
import threading
import time
from contextlib import closing

import pytest

import acare
from acare.cli import options
from acare.database.database import Database
from acare.store import history
from acare.store.history import HistoryStore

NAME = "Zaphodina"


@pytest.fixture
def person(api):
    return api.create(first_name=NAME, last_name="Beeble", email="z@example.com")["id"]


# --- erase


def test_an_erasure_prints_name_and_owner(run, person):
    said = f"Erased {NAME} Beeble, client of broker@example.com"
    assert run("erase", "--yes", person).out.startswith(said)


def test_without_yes_it_shows_the_client_and_erases_nothing(run, api, person):
    said = f"acare: nothing was erased; --yes erases {NAME} Beeble, client of broker@example.com\n"
    assert run("erase", person, status=1).err == said
    assert api.get(f"/v1/clients/{person}").json["data"]["first_name"] == NAME


# --- purge


@pytest.fixture
def aged(app, api):
    """Hundreds of old versions that ended long ago."""
    client_id = api.create()["id"]
    for number in range(300):
        app.database.write(
            lambda c, n=number: (
                c.execute("UPDATE clients SET notes = ?, version = version + 1", (n,)).rowcount
            )
        )
    app.database.write(lambda c: c.execute("UPDATE client_history SET ended_at = '2020-01-01'").rowcount)
    return client_id


def test_other_processes_can_write_during_a_purge(app, api, aged, monkeypatch):
    purge_some = history._purge_some
    monkeypatch.setattr(history, "PURGE_ROWS", 10)
    monkeypatch.setattr(history, "_purge_some", lambda *work: time.sleep(0.02) or purge_some(*work))
    with acare.create_app(database=app.database.path, rate_limit="off") as other:
        purging = threading.Thread(target=HistoryStore(other.database).purge, args=(1,))
        begun = time.monotonic()
        purging.start()
        waits = []
        while purging.is_alive():
            began = time.monotonic()
            api.create()
            waits.append(time.monotonic() - began)
        purging.join()
        lasted = time.monotonic() - begun
    assert len(waits) > 5
    assert max(waits) < lasted / 2


# --- compact


@pytest.fixture
def wasteful(app, api):
    """A database file with mostly unused space."""
    for _ in range(30):
        api.delete(api.create(notes="x" * 10_000)["id"])
    app.database.write(lambda c: c.execute("DELETE FROM client_history").rowcount)
    return app.database.path


def test_compacting_frees_unused_space(run, wasteful):
    run("purge", "--older-than", 0)
    before = wasteful.stat().st_size
    assert run("compact").out.startswith("Compacted:")
    assert wasteful.stat().st_size < before / 2


def test_compacting_fails_while_another_process_reads(run, app, person, monkeypatch):
    monkeypatch.setattr(options, "Database", functools.partial(Database, busy_seconds=0.05))
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM clients").fetchall()
        printed = run("compact", status=1)
    assert (printed.err.count("\n"), "not compacted completely" in printed.err) == (1, True)
