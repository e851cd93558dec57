"""An import is made completely or not at all, and leaves nothing behind."""

import signal
import subprocess

import pytest
from support.data import JORDAN
from support.files import query
from support.importing import HEADER, USER
from support.server import command, interrupt_when_it_waits

from acare.database import connection
from acare.errors import StoreUnavailable
from acare.fields import validate_create

# Says when rows are written, and waits for a line, or the end of its input, before it writes more.
SLOW = """
import itertools, sys
from acare.database import database
from acare.importing import importer
database.LONG_CACHE_KIB = 100
rows = itertools.count(1)
import_rows = importer.import_rows
def wait(*_):
    if next(rows) % 500 == 0:
        print("rows", flush=True)
        sys.stdin.readline()
def slowly(database, reader, options, progress, download):
    return import_rows(database, reader, options, wait, download)
importer.import_rows = slowly
"""


def rows(count):
    return f"{HEADER},email\n" + "".join(f"A{n},B,buyer,c{n}@b\n" for n in range(count))


@pytest.fixture
def slow(agency):
    """An import in another process that has written its first rows."""
    line = command(
        "import", agency.write(rows(1500)), "--user", USER, "--database", agency.database, before=SLOW
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            assert process.stdout.readline() == b"rows\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_is_ended_leaves_nothing_behind(agency, slow, number):
    interrupt_when_it_waits(slow, number)
    slow.wait(20)
    assert agency.clients() == []
    assert query(agency.database, "PRAGMA integrity_check") == [("ok",)]
    assert agency.load(rows(1)).code == 0
    assert sorted(path.name for path in agency.folder.iterdir()) == ["acare.db", "in.csv"]


def test_a_client_is_created_before_or_after_an_import(agency, slow, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    with agency.app() as app:
        with pytest.raises(StoreUnavailable):
            app.clients.create(agency.caller, validate_create(JORDAN))
        assert app.lists.page(agency.caller, page=1, limit=1).total == 0  # a list does not wait
        slow.stdin.close()
        assert slow.wait(30) == 0
        app.clients.create(agency.caller, validate_create(JORDAN))
    assert len(agency.clients()) == 1501
