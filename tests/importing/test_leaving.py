"""Leaving the hosted service: 412 clients of two owners, a week side by side, the page, and kills."""

import re
import subprocess
import time

import pytest
from support.hosted import ANA, BEN
from support.importing import USER
from support.page import examples, replaced, shell
from support.server import command, interrupt_when_it_waits
from support.sockets import wait_for

from acare.fields import ValidFields

OWNERS = ("--value", f"user_id:{ANA}={USER}", "--value", f"user_id:{BEN}=ben@example.com")


def as_there(mover):
    """The clients of the hosted service by id, with the owners as they are mapped here."""
    with mover.agency.app() as app:
        emails = {user["email"]: user["id"] for user in app.users.list(mover.agency.caller)}
    owners = {ANA: emails[USER], BEN: emails["ben@example.com"]}
    return {
        each["id"]: {**each, "user_id": owners[each["user_id"]]} for each in mover.hosted.clients.values()
    }


@pytest.fixture
def moved(mover, hosted):
    """The ids of 412 clients, after the first run."""
    mover.agency.run("user", "add", "ben@example.com")
    hosted.limit = 100
    ids = hosted.fill(412)
    assert mover.run(*OWNERS).code == 0
    return ids


def test_after_the_first_run_every_field_equals_the_source(mover, moved):
    assert mover.here() == as_there(mover)


def test_after_a_week_both_sides_are_brought_together(mover, hosted, moved):
    for client_id in moved[:20]:
        hosted.change(client_id, notes="changed there", tags=["there"])
    for number in range(5):
        hosted.create(1000 + number)
    for client_id in moved[100:103]:
        hosted.delete(client_id)
    with mover.agency.app() as app:
        for client_id in moved[16:26]:
            app.clients.update(mover.agency.caller, client_id, ValidFields(phone="5"))
    ours = mover.here()
    ended = mover.run("--on-duplicate", "update", *OWNERS)
    conflicts = re.findall(r"^Changed on both sides.*: (\S{36}) ", ended.out, re.MULTILINE)
    assert set(conflicts) == set(moved[16:20])
    assert "414 clients there, 417 here\n    404 equal\n" in ended.out
    assert "    3 only here\n" in ended.out
    assert (ended.code, ended.out.splitlines()[-1]) == (
        1,
        "5 created, 16 updated, 383 unchanged, 6 kept, 4 conflict; 21 clients written.",
    )
    kept = {client_id: ours[client_id] for client_id in [*moved[16:26], *moved[100:103]]}
    assert mover.here() == {**as_there(mover), **kept}


def test_the_page_leads_through_the_move(mover, hosted):
    rehearsal, final = examples("sh", "Leaving the hosted service")
    hosted.fill(30)
    mover.key_file.rename(mover.agency.folder / "key.txt")
    with mover.agency.app() as app:
        app.users.change(USER, email="first@example.com")

    def run(block):
        script = replaced(block, {"https://clients.example.com": mover.url})
        return shell(script, mover.agency.folder, ACARE_DATABASE=mover.agency.database.name)

    assert "    30 equal\n" in run(rehearsal).stdout
    assert mover.here() == {}
    (mover.agency.folder / "read.jsonl").unlink()
    assert "    30 equal\n" in run(final).stdout
    assert mover.here() == as_there(mover)


# --- processes


def started(mover, *arguments, before=""):
    where = ("--key-file", mover.key_file, "--user", USER, "--database", mover.agency.database)
    line = command("import", mover.url, *where, *arguments, before=before)
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_ends_a_wait_for_the_rate_limit(mover, hosted):
    hosted.limit = 5
    hosted.fill(20)
    with started(mover) as process:
        wait_for(lambda: len(hosted.requests) >= 4)
        interrupt_when_it_waits(process)
        began = time.monotonic()
        assert process.wait(60) == 130
        assert time.monotonic() - began < 30  # usually 20 ms; the wait would take 15 minutes
