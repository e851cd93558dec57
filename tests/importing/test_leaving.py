"""Leaving the hosted service by the commands on the page."""

from support.hosted import ANA, BEN
from support.importing import USER
from support.page import examples, replaced, shell


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
