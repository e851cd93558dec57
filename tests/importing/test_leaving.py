"""Leaving the hosted service by the commands on the page, and Ctrl-C during a wait."""

import subprocess
import time

from support.hosted import ANA, BEN
from support.importing import USER
from support.page import examples, replaced, shell
from support.server import command, interrupt_when_it_waits
from support.sockets import wait_for


def as_there(mover):
    """The clients of the hosted service by id, with the owners as they are mapped here."""
    with mover.agency.app() as app:
        emails = {user["email"]: user["id"] for user in app.users.list(mover.agency.caller)}
    owners = {ANA: emails[USER], BEN: emails["ben@example.com"]}
    return {
        each["id"]: {**each, "user_id": owners[each["user_id"]]} for each in mover.hosted.clients.values()
    }


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
