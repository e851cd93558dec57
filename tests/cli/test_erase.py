"""``acare erase``, ``purge`` and ``compact``."""

import functools
import os
import random
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.client import Api
from support.sockets import wait_for
from support.terminal import on_terminal

import acare
from acare.cli import main, options
from acare.database.copying import silent
from acare.database.database import Database
from acare.maintenance import compact
from acare.store import history, search
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore

NAME = "Zaphodina"


@pytest.fixture
def run(app, capsys):
    """Runs a command on the app's database; its exit code and what it printed."""

    def run(*arguments):
        code = main([*map(str, arguments), "--database", str(app.database.path)])
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return run


@pytest.fixture
def person(api):
    return api.create(first_name=NAME, last_name="Beeble", email="z@example.com")["id"]


def rows(database, statement, *values):
    with database.read() as connection:
        return connection.execute(statement, values).fetchall()


# --- erase


def test_an_erasure_prints_name_address_and_owner(run, person):
    assert run("erase", person).out.startswith(
        f"Erased {NAME} Beeble <z@example.com>, owner broker@example.com"
    )


def test_undelete_prints_name_and_address(run, api, person):
    api.delete(person)
    assert f"{NAME} Beeble <z@example.com>" in run("undelete", person).out


def test_the_same_erasure_again_succeeds(run, person):
    run("erase", person)
    again = run("erase", person)
    assert (again.code, "already erased" in again.out) == (0, True)


def test_only_the_id_and_the_time_are_recorded(run, app, person):
    run("erase", person)
    ((client_id, erased_at),) = rows(app.database, "SELECT * FROM erasures")
    assert (client_id, erased_at[:2]) == (person, "20")


def test_a_deleted_client_can_be_erased(run, app, api, person):
    api.delete(person)
    assert NAME in run("erase", person).out
    assert rows(app.database, "SELECT * FROM client_history") == []


def test_it_prints_what_may_be_left(run, person):
    printed = run("erase", person).err
    assert all(word in printed for word in ("zeros", "acare compact", "Backups"))


def test_an_erasure_leaves_the_file_as_large_as_it_was(run, app, person):
    """It does not rewrite the file: that would need memory or disk space of the file's size."""
    before = rows(app.database, "PRAGMA page_count")
    run("erase", person)
    assert rows(app.database, "PRAGMA page_count") == before


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("y", 0), ("yes", 0)])
def test_on_a_terminal_it_asks_for_confirmation(app, person, tmp_path, answer, code):
    with on_terminal(tmp_path, "erase", person, "--database", app.database.path) as terminal:
        terminal.wait_for(rf"Erase {NAME} Beeble .* permanently\? \[y/N\] ")
        terminal.type(f"{answer}\n")
        assert terminal.end() == code
    assert bool(ErasureStore(app.database).find(person)) is bool(code)


def test_yes_skips_the_confirmation(app, person, tmp_path):
    with on_terminal(tmp_path, "erase", person, "--yes", "--database", app.database.path) as terminal:
        assert terminal.end() == 0


def test_words_left_in_the_index_are_reported(run, person, monkeypatch):
    monkeypatch.setattr(search, "erase_deleted_words", lambda database, seconds: False)
    assert "search index" in run("erase", person).err


def test_removing_deleted_words_has_a_time_limit(app, api, person):
    for n in range(50):
        api.create(last_name=f"Lee{n}")
    app.database.write(lambda c: c.execute("DELETE FROM clients").rowcount)
    assert search.erase_deleted_words(app.database, -1) is False
    assert search.erase_deleted_words(app.database) is True


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


def test_a_purge_works_in_small_transactions(app, aged, monkeypatch):
    writes, write = [], Database.write
    monkeypatch.setattr(history, "PURGE_ROWS", 10)
    monkeypatch.setattr(Database, "write", lambda self, work: writes.append(work) or write(self, work))
    assert HistoryStore(app.database).purge(1) == 300
    assert len(writes) >= 30


def test_a_purge_reports_its_progress(app, aged):
    reports = []
    HistoryStore(app.database).purge(1, lambda *report: reports.append(report))
    assert reports[-1] == ("Purging", 300, 300, "versions")


def test_other_processes_can_write_during_a_purge(app, api, aged, monkeypatch):
    """Even one that can only retry to take the lock."""
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


def test_the_log_stays_small_during_a_purge(tmp_path, monkeypatch):
    """Checkpoints depend on the number of rows too, not only on the number of writes."""
    path = tmp_path / "acare.db"
    with closing(Database(path)) as database:

        def insert(connection):
            return connection.executemany(
                "INSERT INTO client_history VALUES (?, 1, 1, ?, NULL, '2020-01-01', 0, NULL, NULL)",
                ((f"{n}", "x" * 2000) for n in random.sample(range(20_000), 20_000)),
            ).rowcount

        database.write(insert)
        database.rewrite()
        HistoryStore(database).purge(1)
        assert path.with_name("acare.db-wal").stat().st_size < 40_000_000


# --- compact


@pytest.fixture
def wasteful(app, api):
    """A database of which most is unused, and that has a name in unused space."""
    for _ in range(30):
        api.delete(api.create(notes="x" * 10_000)["id"])
    app.database.write(lambda c: c.execute("DELETE FROM client_history").rowcount)
    return app


def test_compacting_frees_unused_space(run, wasteful):
    run("purge", "--older-than", 0)
    before = wasteful.database.path.stat().st_size
    printed = run("compact")
    assert (printed.code, printed.out.startswith("Compacted:")) == (0, True)
    assert wasteful.database.path.stat().st_size < before / 2


def test_it_prints_the_space_it_needs_first(run, wasteful):
    assert "needs" in run("compact").err


def test_without_enough_space_it_refuses(run, wasteful, monkeypatch):
    before = wasteful.database.path.stat().st_size
    usage = SimpleNamespace(free=10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    printed = run("compact")
    assert (printed.code, "are free" in printed.err) == (1, True)
    assert wasteful.database.path.stat().st_size == before


def test_the_temporary_copy_is_a_file_next_to_the_database(app, api, monkeypatch):
    statements = []
    app.database._writer._connection.set_trace_callback(statements.append)
    app.database.rewrite()
    assert "PRAGMA temp_store = FILE" in statements
    with closing(sqlite3.connect(app.database.path)) as connection:
        assert connection.execute("PRAGMA temp_store_directory").fetchone() == (
            str(app.database.path.parent),
        )


def test_compacting_fails_while_another_process_reads(run, app, person, monkeypatch):
    monkeypatch.setattr(options, "Database", functools.partial(Database, busy_seconds=0.05))
    with closing(sqlite3.connect(app.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM clients").fetchall()
        printed = run("compact", "--quiet")
    assert (printed.code, printed.err.count("\n"), "not compacted completely" in printed.err) == (1, 1, True)


def test_compacting_changes_no_client(run, app, api):
    clients = [api.create(notes=str(n)) for n in range(20)]
    run("compact")
    assert api.get("/v1/clients").json["data"]["clients"] == clients[::-1]
    assert Api(app, api.key).create()


def test_the_log_is_synced_while_it_is_written(app, monkeypatch):
    """At the end, a sync of gigabytes could not be interrupted."""
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    monkeypatch.setattr(compact, "SYNC_BYTES", 4096)
    monkeypatch.setattr(compact, "_WATCH_SECONDS", 0.01)
    app.database.write(lambda connection: None)
    log = Path(f"{app.database.path}-wal")
    with compact._watching_log(app.database.path, 4096, silent):
        assert synced == []
        with log.open("ab") as file:
            file.write(bytes(4096))
        wait_for(lambda: log.stat().st_ino in synced)
