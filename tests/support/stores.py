"""Fixtures: a new database, its stores, and a user. The conftest.py of a folder imports those it uses."""

import sqlite3
from contextlib import closing
from functools import partial

import pytest
from support.keys import new_key
from support.writer import Bench, Failing, connect, make_table

from acare.auth import caller_without_key
from acare.store.clients import ClientStore
from acare.store.keys import KeyStore
from acare.store.lists import ClientLists
from acare.store.search import open_database


@pytest.fixture
def path(tmp_path):
    return tmp_path / "acare.db"


@pytest.fixture
def database(path):
    with closing(open_database(path)) as database:
        yield database


@pytest.fixture
def store(database):
    return ClientStore(database)


@pytest.fixture
def client_lists(database):
    return ClientLists(database)


@pytest.fixture
def keys(database):
    return KeyStore(database)


@pytest.fixture
def user(keys):
    return caller_without_key(new_key(keys, "ana@example.com", {}).user_id)


@pytest.fixture
def other_user(keys):
    return caller_without_key(new_key(keys, "ben@example.com", {}).user_id)


@pytest.fixture
def sql(database):
    """Runs one statement, like a person who edits the file, and returns its rows."""
    return lambda statement, *values: database.write(lambda c: c.execute(statement, values).fetchall())


@pytest.fixture
def bench(tmp_path):
    """A writer on a small file."""
    make_table(tmp_path / "facts.db")
    bench = Bench(tmp_path / "facts.db")
    yield bench
    bench.writer.close()


@pytest.fixture
def other(bench):
    """Another process, as far as SQLite can tell."""
    with closing(connect(bench.path)) as connection:
        yield connection


@pytest.fixture
def fail(monkeypatch):
    """``fail("COMMIT", "ROLLBACK")``: these statements fail from now on; ``fail()``: none does."""

    def choose(*statements, code=sqlite3.SQLITE_IOERR_FSYNC):
        monkeypatch.setattr(Failing, "statements", statements)
        monkeypatch.setattr(Failing, "code", code)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Failing))
    return choose
