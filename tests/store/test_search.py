"""The index of words: it follows every change, no query reads too much, erasing leaves no word."""

import random
import sqlite3
from contextlib import closing

import pytest

import acare
from acare.fields import validate_create, validate_update
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore

INTEGRITY = "INSERT INTO clients_search (clients_search, rank) VALUES ('integrity-check', 1)"


@pytest.fixture
def ana(app):
    app.users.add("ana@example.com", "agent")
    return app.caller("ana@example.com")


def new(**fields):
    return validate_create({"first_name": "Jordan", "last_name": "Lee", "client_type": "buyer", **fields})


def check_index(app):
    """SQLite compares the index with all clients."""
    app.database.write(lambda connection: connection.execute(INTEGRITY).fetchall())


NAMES = ("Zoë", "O'Brien", "王小明", "-", "Ana Maria", '"', "x" * 100, "ﬁ İ ß")
PHONES = (None, "(661) 555-0142", "+1 661–555–0142", "٣", "5", "1" * 40)


def test_the_index_follows_every_change(app, ana):
    rng, ids = random.Random(1), []
    for n in range(300):
        fields = {
            "first_name": rng.choice(NAMES),
            "email": rng.choice((None, "a@b.c", f"x{n}@example.com")),
            "phone": rng.choice(PHONES),
        }
        kind = rng.random()
        if not ids or kind < 0.4:
            ids.append(app.clients.create(ana, new(**fields)).id)
        elif kind < 0.6:
            app.clients.update(ana, rng.choice(ids), validate_update(fields)[0])
        elif kind < 0.7:
            app.clients.update(ana, rng.choice(ids), validate_update({"notes": "x"})[0])
        elif kind < 0.9:
            app.clients.delete(ana, ids.pop(rng.randrange(len(ids))))
        else:
            app.database.write(
                lambda connection: connection.execute("UPDATE clients SET seq = seq + 0").rowcount
            )
    check_index(app)


# --- erasing


def files_with(app, word):
    folder = app.database.path.parent
    return [entry.name for entry in folder.iterdir() if word.encode() in entry.read_bytes()]


@pytest.mark.parametrize("how", ["erase", "purge"])
def test_erasing_leaves_no_word_in_the_index(app, ana, how):
    for n in range(300):  # fewer than a page of an index has
        app.clients.create(ana, new(last_name=f"Lee{n}"))
    client_id = app.clients.create(ana, new(last_name="Qylophonez", email="w@vexqozymix.com")).id
    app.clients.update(ana, client_id, validate_update({"last_name": "Zyqqophon"})[0])
    for n in range(20):
        app.clients.create(ana, new(last_name=f"Ray{n}"))
    app.clients.delete(ana, client_id)
    assert files_with(app, "qophon")
    if how == "erase":
        ErasureStore(app.database).erase(client_id)
    else:
        HistoryStore(app.database).purge(0)
    assert app.database.empty_log()
    for word in ("ylophonez", "yqqophon", "exqozymix", "qophon"):
        assert files_with(app, word) == []
    check_index(app)
    assert app.clients.page(ana, page=1, limit=1, q="lee").total == 300


# --- SQLite without FTS5


def test_the_internal_tables_of_fts5_are_not_compared(tmp_path, new_database):
    """Other versions of SQLite may define them otherwise."""
    path = tmp_path / "acare.db"
    path.write_bytes(new_database)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '(k ', '(K ') "
            "WHERE name = 'clients_search_config'; "
            "UPDATE sqlite_schema SET sql = replace(sql, 'block BLOB', 'block') "
            "WHERE name = 'clients_search_data'"
        )
    acare.create_app(database=path).close()
