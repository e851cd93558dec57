"""``deleted=true``: the deleted clients that can be restored, and finding one of them."""

import pytest
from support.client import Api

from acare.auth import OPERATOR
from acare.store.deleted import DeletedClients
from acare.store.purging import purge

ZOE = {"first_name": "Zoë", "last_name": "O'Brien", "phone": "+49 661 100000", "notes": "likes\nlakes"}
JORG = {
    "first_name": "Jörg",
    "last_name": "Strauß",
    "email": "Jorg.S@example.com",
    "tags": ["first-time buyer"],
}
SOREN = {
    "first_name": "Søren",
    "last_name": "Łuk",
    "preferred_locations": ["Århus"],
    "phone": "(661) 555-0142",
}


def deleted(api: Api, query=""):
    """The first names in the list of deleted clients."""
    data = api.list(f"?deleted=true{query}")
    assert data["meta"]["total"] == len(data["clients"]) == len(data["meta"]["deleted"])
    return " ".join(client["first_name"] for client in data["clients"])


@pytest.fixture
def gone(api):
    """A broker who has deleted these people, Søren last."""
    for person in (ZOE, JORG, SOREN):
        api.delete(api.create(**person)["id"])
    return api


def test_the_last_one_deleted_is_first_and_pages_follow(gone):
    assert deleted(gone) == "Søren Jörg Zoë"
    second = gone.list("?deleted=true&page=2&limit=2")
    assert [client["first_name"] for client in second["clients"]] == ["Zoë"]
    assert (second["meta"]["total"], second["meta"]["hasMore"]) == (3, False)
    assert gone.list("?deleted=true&page=99999999999999999999")["clients"] == []


def test_it_says_when_and_by_whom(app, api, caller):
    ana = caller("ana@x.com", "agent")
    ana.delete(ana.create()["id"])
    by_operator = api.create()
    app.clients.delete(OPERATOR, by_operator["id"])
    last, first = api.list("?deleted=true")["meta"]["deleted"]
    assert (last["deletedBy"], first["deletedBy"]) == (None, "ana@x.com")
    assert last["deletedAt"] >= first["deletedAt"] >= by_operator["created_at"][:10]


def test_only_clients_that_can_be_restored_are_listed(app, gone):
    newest, older, _ = (client["id"] for client in gone.list("?deleted=true")["clients"])
    app.deleted.restore(OPERATOR, newest)
    DeletedClients(app.database).erase(older)
    assert deleted(gone) == "Zoë"
    gone.delete(newest)
    assert deleted(gone) == "Søren Zoë"
    assert [client["version"] for client in gone.list("?deleted=true")["clients"]] == [2, 1]
    age = "UPDATE client_history SET ended_at = '2020-01-01T00:00:00.000Z'"
    app.database.write(lambda c: c.execute(age).rowcount)
    purge(app.database, 1)
    assert deleted(gone) == ""


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("&client_type=buyer&status=active", "Søren Jörg Zoë"),
        ("&email=jorg.s@EXAMPLE.com", "Jörg"),
        # Each word occurs in a text, whatever the case of its ASCII letters.
        ("&q=RI", "Zoë"),
        ("&q=zo%C3%AB+lakes", "Zoë"),
        ("&q=zoe", ""),
        ("&q=time+S@EX", "Jörg"),
        ("&q=555-0142+rhus", "Søren"),
        ("&q=%25", ""),
    ],
)
def test_filters_and_search_work_among_deleted_clients(gone, query, names):
    assert deleted(gone, query) == names


def test_an_agent_sees_the_deleted_clients_that_were_theirs(caller):
    broker, ana, ben = caller(), caller("ana@x.com", "agent"), caller("ben@x.com", "agent")
    client = ana.create(**ZOE)
    broker.delete(client["id"])
    for query in ("", "&q=brien", f"&user_id={client['user_id']}"):
        assert (deleted(ana, query), deleted(ben, query)) == ("Zoë", "")
