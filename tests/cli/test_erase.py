"""``acare erase``, ``purge`` and ``compact``."""

import functools
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from support.terminal import on_terminal

from acare.cli import options
from acare.database.database import Database
from acare.maintenance.erasures import ErasureStore

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
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM clients").fetchall()
        printed = run("compact", status=1)
    assert (printed.err.count("\n"), "not compacted completely" in printed.err) == (1, True)
