"""``acare erase``, ``purge`` and ``compact``."""

import pytest
from support.files import snapshot

from acare.database import connection

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


def test_the_erasure_of_an_erased_client_says_when(run, person):
    run("erase", "--yes", person)
    assert run("erase", person).out.startswith(f"The client {person} was erased at 20")


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
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    with snapshot(app.database.path):
        printed = run("compact", status=1)
    assert printed.err.endswith("keeps it; stop that program and run the command again\n")
