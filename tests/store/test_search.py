"""The index of words: it follows every change, no query reads too much, erasing leaves no word."""

import itertools
import random
import re
import sqlite3
from contextlib import closing

import pytest
from support import schema_1

import acare
from acare.database import file
from acare.errors import DatabaseRefused, StoreUnavailable
from acare.fields import validate_create, validate_update
from acare.store import lists, search, transfer
from acare.store import users as user_statements
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


def test_an_index_that_is_wrong_is_noticed(app, ana):
    """The check above detects an index that lacks a word."""
    app.clients.create(ana, new())
    app.database.write(lambda connection: connection.execute("DROP TRIGGER clients_search_update").rowcount)
    app.database.write(lambda connection: connection.execute("UPDATE clients SET phone = '77'").rowcount)
    with pytest.raises(StoreUnavailable, match="damaged"):
        check_index(app)


def test_a_migration_indexes_the_clients_there_are(tmp_path):
    schema_1.write_to(tmp_path / "acare.db")
    with acare.create_app(database=tmp_path / "acare.db") as app:
        check_index(app)
        with app.database.read() as connection:
            counted = "SELECT (SELECT count(*) FROM clients), (SELECT count(*) FROM clients_search('a*'))"
            clients, found = connection.execute(counted).fetchone()
    assert (clients, found > 0) == (7, True)


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
    erasures = ErasureStore(app.database)
    erasures.erase(client_id) if how == "erase" else HistoryStore(app.database).purge(0)
    assert erasures.overwrite() == (True, True)
    for word in ("ylophonez", "yqqophon", "exqozymix", "qophon"):
        assert files_with(app, word) == []
    check_index(app)
    assert app.clients.page(ana, page=1, limit=1, q="lee").total == 300


# --- plans


def plan(app, statement):
    names = dict.fromkeys(re.findall(r":(\w+)", statement))
    with app.database.read() as connection:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", names)]


STATEMENTS = {
    **{f"TOTAL {sorted(names)}": text for names, text in lists.SEARCH_TOTAL.items()},
    **{f"PAGE {sorted(names)} {order}": text for (names, order), text in lists.SEARCH_PAGE.items()},
    "FIND": search.FIND,
    "TRANSFER_ALL": transfer.TRANSFER_ALL,
    "TRANSFER_CHOSEN": transfer.TRANSFER_CHOSEN,
    "NOT_OWNED": transfer.NOT_OWNED,
    **{name: getattr(user_statements, name) for name in ("GET", "FIND_HOST_KEY", "SET_ROLE", "SET_DISABLED")},
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_no_search_reads_a_whole_table_or_sorts(app, statement):
    steps = plan(app, statement)
    assert [step for step in steps if "SCAN" in step and "VIRTUAL TABLE" not in step] == []
    sorted_by = [step for step in steps if "TEMP B-TREE" in step]
    assert sorted_by == []


def test_every_combination_of_filters_has_statements():
    filters = ("q", "email", "owner_id", "client_type", "status")
    combinations = {frozenset(names) for n in range(6) for names in itertools.combinations(filters, n)}
    searches = {names for names in combinations if names & {"q", "email"}}
    assert set(lists.SEARCH_TOTAL) == searches == {names for names, _ in lists.SEARCH_PAGE}


# --- SQLite without FTS5


def test_an_sqlite_without_fts5_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "has_fts5", lambda: False)
    with pytest.raises(DatabaseRefused, match=r"^the SQLite 3\.\d+\.\d+ of this Python has no FTS5"):
        acare.create_app(database=tmp_path / "acare.db")
    assert list(tmp_path.iterdir()) == []


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
