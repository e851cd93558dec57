"""The feed of changes: what a copy is told, and which cursors still work (test_changes_model has copies)."""

import time
from types import SimpleNamespace

import pytest
from support.backups import back_up
from support.client import Api

import acare
from acare.maintenance.restore import restore
from acare.store import changes as store
from acare.store import purging


class Follower:
    """A caller with a copy of the clients, from the feed alone."""

    def __init__(self, api):
        self.api, self.copy, self.cursor = api, {}, ""

    def page(self, query=""):
        """The next page."""
        return self.api.get(f"/v1/changes?after={self.cursor}{query}").json["data"]

    def read(self, query=""):
        """What has changed, until the end: the version of each client, None for a removed one."""
        told = []
        more = True
        while more:
            page = self.page(query)
            for change in page["changes"]:
                assert ("removedAt" in change) is (change["client"] is None)
                self.copy[change["id"]] = change["client"]
                told.append((change["id"], change["client"] and change["client"]["version"]))
            self.cursor, more = page["meta"]["cursor"], page["meta"]["hasMore"]
        return told

    def status(self):
        """The status of the next page, and the code of its error."""
        answer = self.api.ask("GET", f"/v1/changes?after={self.cursor}", status="*")
        return answer.status_int, answer.json.get("error", {}).get("code")


EXPIRED = (410, "CURSOR_EXPIRED")


@pytest.fixture
def agency(api, ana, ben):
    """A broker and two agents, each with a copy of nothing; Ana has a client."""
    client = ana.create()
    followers = [Follower(each) for each in (api, ana, ben)]
    for follower in followers:
        follower.read()
    broker, of_ana, of_ben = followers
    return SimpleNamespace(broker=broker, ana=of_ana, ben=of_ben, id=client["id"])


def hand_over(agency, to):
    agency.broker.api.post({"user_id": to.api.user_id()}, 200, f"/v1/clients/{agency.id}/owner")


# --- what is told, and to whom


def test_a_removal_has_the_time_of_the_deletion(agency):
    agency.ana.api.delete(agency.id)
    (deletion,) = agency.ana.api.list("?deleted=true")["meta"]["deleted"]
    expected = {"id": agency.id, "client": None, "removedAt": deletion["deletedAt"]}
    assert agency.broker.page()["changes"] == [expected]


def test_now_is_the_cursor_of_what_comes(agency):
    agency.ana.api.create()
    agency.ana.cursor = "now"
    assert agency.ana.read() == []
    made = agency.ana.api.create()["id"]
    agency.ana.api.delete(agency.id)
    assert agency.ana.read() == [(made, 1), (agency.id, None)]


def test_the_feed_of_an_earlier_owner_has_no_later_deletion(agency):
    hand_over(agency, agency.ben)
    left = agency.ana.page()["changes"]
    agency.ben.api.delete(agency.id)
    assert agency.ana.page()["changes"] == left


# --- pages


@pytest.mark.parametrize(("limit", "counts_as"), [("", 100), ("limit=500", 500), ("limit=501", 500)])
def test_the_limit_is_100_unless_given_and_500_at_most(app, api, monkeypatch, limit, counts_as):
    asked = []
    page = app.feed.page
    monkeypatch.setattr(app.feed, "page", lambda *_, **options: asked.append(options) or page(*_, **options))
    api.get(f"/v1/changes?{limit}")
    assert asked == [{"after": None, "limit": counts_as}]


def test_a_page_reads_a_bounded_number_of_rows(agency):
    for _ in range(3 * store.ROWS_PER_CHANGE):
        agency.ana.api.create()
    made = agency.ben.api.create()["id"]
    page = agency.ben.page("&limit=1")
    assert (page["changes"], page["meta"]["hasMore"]) == ([], True)
    assert agency.ben.read("&limit=1") == [(made, 1)]


@pytest.mark.parametrize("after", ["x", "1", f"{'0' * 16}.all.1", f"{'0' * 16}.all.1.{'1' * 19}", "%00"])
def test_a_malformed_cursor_is_400(api, after):
    error = api.get(f"/v1/changes?after={after}", 400).json["error"]
    assert [detail["field"] for detail in error["details"]] == ["after"]


# --- the end of cursors


def test_the_cursor_of_another_view_is_410(agency):
    agency.broker.cursor, agency.ana.cursor = agency.ana.cursor, agency.broker.cursor
    assert agency.broker.status() == agency.ana.status() == EXPIRED


def test_a_changed_role_ends_the_cursors_of_the_user(app, agency):
    app.users.change("ana@example.com", role="broker")
    assert agency.ana.status() == EXPIRED
    assert agency.ben.status() == (200, None)


def purge(app):
    """Purge all that is older than this millisecond."""
    time.sleep(0.002)
    purging.purge(app.database, 0)


def test_a_purged_removal_ends_the_cursors_from_before(app, agency):
    agency.ana.api.delete(agency.id)
    agency.ana.read()
    purge(app)
    assert agency.broker.status() == EXPIRED
    assert agency.ana.status() == (200, None)


def test_a_purge_keeps_a_copy_that_began_after_the_removal(app, agency):
    kept = [agency.ana.api.create()["id"] for _ in range(3)]
    agency.ana.api.delete(agency.id)
    new = Follower(agency.broker.api)
    new.cursor = new.page("&limit=1")["meta"]["cursor"]
    purge(app)
    assert new.read("&limit=1") == [(client_id, 1) for client_id in kept[1:]]


def test_a_page_is_of_one_snapshot(app, agency, monkeypatch):
    agency.ana.api.delete(agency.id)
    made = agency.ana.api.create()["id"]
    read = store._read
    monkeypatch.setattr(store, "_read", lambda *values: (purge(app), read(*values))[1])
    assert [change["id"] for change in agency.broker.page()["changes"]] == [agency.id, made]


def test_a_cursor_after_the_last_change_is_410(agency):
    """As when an older copy of the file was put in its place, without ``acare restore``."""
    epoch, view, position, begun = agency.broker.cursor.split(".")
    agency.broker.cursor = f"{epoch}.{view}.{int(position) + 1}.{begun}"
    assert agency.broker.status() == EXPIRED


def test_a_restore_ends_all_cursors(app, agency, tmp_path):
    backup = back_up(app.database.path, tmp_path / "backups")
    app.close()
    restored = tmp_path / "restored.db"
    restore(backup, restored)
    with acare.create_app(database=restored, rate_limit="off") as other:
        follower = Follower(Api(other, agency.broker.api.key))
        follower.cursor = agency.broker.cursor
        assert follower.status() == EXPIRED
