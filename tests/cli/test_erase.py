"""``acare erase``, ``purge`` and ``compact``."""

import functools
import shutil
import threading
import time
from types import SimpleNamespace

import pytest
from support.files import snapshot
from support.terminal import on_terminal

import acare
from acare.cli import options
from acare.database.database import Database
from acare.maintenance.erasures import ErasureStore
from acare.store import history
from acare.store.history import HistoryStore

NAME = "Zaphodina"


@pytest.fixture
def person(api):
    return api.create(first_name=NAME, last_name="Beeble", email="z@example.com")["id"]


# --- erase


def test_an_erasure_prints_name_address_and_owner(run, person):
    said = f"Erased {NAME} Beeble <z@example.com>, owner broker@example.com"
    assert run("erase", person).out.startswith(said)


def test_the_same_erasure_again_succeeds(run, person):
    run("erase", person)
    assert run("erase", person).out == f"Already erased (client {person}).\n"


@pytest.mark.parametrize(("answer", "code"), [("", 1), ("y", 0)])
def test_on_a_terminal_it_asks_for_confirmation(app, person, tmp_path, answer, code):
    with on_terminal(tmp_path, "erase", person, "--database", app.database.path) as terminal:
        terminal.wait_for(rf"Erase {NAME} Beeble .* permanently\? \[y/N\] ")
        terminal.type(f"{answer}\n")
        assert terminal.end() == code
    assert (ErasureStore(app.database).erased_at(person) is None) is bool(code)


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


def test_without_enough_space_it_refuses(run, wasteful, monkeypatch):
    before = wasteful.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10 * 2**20))
    assert "are free" in run("compact", status=1).err
    assert wasteful.stat().st_size == before


def test_compacting_fails_while_another_process_reads(run, app, person, monkeypatch):
    monkeypatch.setattr(options, "Database", functools.partial(Database, busy_seconds=0.05))
    with snapshot(app.database.path):
        printed = run("compact", status=1)
    assert (printed.err.count("\n"), "not compacted completely" in printed.err) == (1, True)
