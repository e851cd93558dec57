"""The five operations, as a program that was written for the hosted API sees them."""

import itertools

import pytest
from support.client import app_fixture

app = app_fixture()


@pytest.fixture
def api(caller, numbers=itertools.count()):  # noqa: B008 - it is meant to count on
    """A new agent for each test, who sees no clients but those that the test makes."""
    return caller(f"agent-{next(numbers)}@example.com", role="agent")


def meta(page, limit, total, pages, more):
    return {"page": page, "limit": limit, "total": total, "totalPages": pages, "hasMore": more}


def names(api, query=""):
    return [client["first_name"] for client in api.list(query)["clients"]]


def read(api, client_id):
    return api.get(f"/v1/clients/{client_id}").json["data"]


def fill(api, *first_names):
    return [api.create(first_name=name) for name in first_names]


# --- list


def test_pages_follow_each_other_without_gap_or_overlap(api):
    assert api.list() == {"clients": [], "meta": meta(1, 25, 0, 0, False)}
    fill(api, *"0123456")
    for page, expected in enumerate(("654", "321", "0", ""), start=1):
        assert names(api, f"?limit=3&page={page}") == [*expected]
        assert api.list(f"?limit=3&page={page}")["meta"] == meta(page, 3, 7, 3, page < 3)
    assert api.list("?limit=7")["meta"] == meta(1, 7, 7, 1, False)


def test_blank_and_unknown_parameters_are_ignored(api):
    api.create()
    for query in (
        "page=",
        "client_type=&status=",
        "client_type=%20&page=%20&user_id=%20",
        "sort=email",
        "search=X",
        "Page=2",
    ):
        assert api.list(f"?{query}") == api.list()


# --- one client


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.replace("-", "")], ids=["upper", "no hyphen"])
def test_an_id_may_be_in_another_spelling(api, spell):
    client = api.create()
    spelt = spell(client["id"])
    assert read(api, spelt) == client
    assert api.put(spelt, {"email": "a@b"}).json["data"]["id"] == client["id"]
    api.delete(spelt)
    api.get(f"/v1/clients/{client['id']}", status=404)


@pytest.mark.parametrize("path", ["/v1/clients", "/v1/clients/{id}", "/healthz", "/readyz"])
def test_head_answers_like_get_but_without_a_body(api, path):
    path = path.format(id=api.create(first_name="Zoë")["id"])
    head, get = api.head(path), api.get(path)
    assert head.body == b""
    assert (head.headers["Content-Length"], head.content_type) == (str(len(get.body)), get.content_type)
