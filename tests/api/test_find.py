"""Finding clients over the API: q, email and user_id; and who the users are."""

import json
from urllib.parse import quote

import pytest

ZOE = {"first_name": "Zoë", "last_name": "O'Brien", "email": "zoe@example.com", "phone": "+1 (661) 555-0142"}
ANA = {"first_name": "Ana", "last_name": "Muñoz-Lee", "email": "Ana.X@Example.com", "phone": "6615550199"}
LI = {"first_name": "Li", "last_name": "王小明", "email": None, "phone": None, "notes": "zoe ana"}
PEOPLE = {"Zoë": ZOE, "Ana": ANA, "Li": LI}


@pytest.fixture
def people(api):
    for person in PEOPLE.values():
        api.create(**person)
    return api


def found(api, query):
    data = api.get(f"/v1/clients?{query}").json["data"]
    assert data["meta"]["total"] == len(data["clients"])
    return " ".join(client["first_name"] for client in data["clients"])


SEARCHES = {
    # a text and who is found, newest first
    "zoe": "Zoë",
    "ZOË": "Zoë",
    "zo": "Zoë",
    "oe": "",
    "munoz": "Ana",
    "MUÑ": "Ana",
    "lee": "Ana",
    "o'brien": "Zoë",
    "O'B": "Zoë",
    "brien zoe": "Zoë",
    "zoe ana": "",
    "zoe@example.com": "Zoë",
    "example": "Ana Zoë",
    "ana.x@EX": "Ana",
    "王": "Li",
    "小": "",
    "(661) 555-0142": "Zoë",
    "+1 661 555 0142": "Zoë",
    "16615550142": "Zoë",
    "6615550142": "Zoë",
    "661555": "Ana Zoë",
    "5550142": "Zoë",
    "661 555 0199": "Ana",
    "661.555.0199": "Ana",
    "0142": "Zoë",
    "6615550142 zoe": "Zoë",
    "ana -": "Ana",
    "   ana   x ": "Ana",
    # not FTS5 syntax
    '"': "",
    "*": "",
    "-": "",
    "🏡": "",
    'ana"': "Ana",
    "ana*": "Ana",
    "ana OR zoe": "",
    "ana NEAR zoe": "",
    "NEAR(ana zoe)": "",
    "NOT ana": "",
    "first_name:ana": "",
    "{first_name} : ana": "",
    "^ana": "Ana",
    "ana AND x": "",
    "') OR 1=1 --": "",
    "a " * 99 + "x": "Ana",
}


@pytest.mark.parametrize(("text", "names"), SEARCHES.items(), ids=[text[:30] for text in SEARCHES])
def test_each_word_begins_a_word_of_the_client(people, text, names):
    assert found(people, f"q={quote(text)}") == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("email=ana.x@example.COM", "Ana"),
        ("email=ana", None),
        ("email=ana@example.com", ""),
        ("email=Ana.X%40Example.com&q=ana&status=active&client_type=buyer", "Ana"),
        ("email=ana.x@example.com&q=zoe", ""),
        ("email=ana.x@example.com&status=closed", ""),
        ("q=example&status=closed", ""),
        ("q=&email=&user_id=", "Li Ana Zoë"),
        ("q=+&email=+", "Li Ana Zoë"),
        ("user_id=00000000-0000-4000-8000-000000000000", ""),
        ("user_id=7", None),
        ("q=" + "x" * 201, None),
        ("q=ana%00", None),
        ("q=ana%0A", None),
        ("q=ana&q=zoe", None),
    ],
)
def test_filters_are_combined_and_invalid_ones_rejected(people, query, names):
    if names is None:
        people.get(f"/v1/clients?{query}", status=400)
    else:
        assert found(people, query) == names


def test_a_search_follows_every_change(api):
    client = api.create(**ZOE)
    api.put(client["id"], {"last_name": "Ray", "phone": None})
    assert (found(api, "q=ray"), found(api, "q=brien"), found(api, "q=0142")) == ("Zoë", "", "")
    api.put(client["id"], {"notes": "x"})
    assert found(api, "q=ray") == "Zoë"
    api.delete(client["id"])
    assert (found(api, "q=zoe"), found(api, "email=zoe@example.com")) == ("", "")


def test_pages_of_a_search_are_slices_of_all(api):
    made = [api.create(last_name=f"Lee{n % 3}", email="all@example.com")["id"] for n in range(11)][::-1]
    for query, rows in (("q=lee", made), ("email=all@example.com", made), ("q=lee1", made[::3])):
        for page in range(1, 8):
            data = api.get(f"/v1/clients?{query}&limit=2&page={page}").json["data"]
            assert [client["id"] for client in data["clients"]] == rows[2 * page - 2 : 2 * page]
            assert data["meta"]["total"] == len(rows)


def test_an_agent_finds_only_their_own_clients(caller):
    ana, ben, broker = caller("ana@x.com", "agent"), caller("ben@x.com", "agent"), caller()
    mine = ana.create(**ZOE)
    ids = {
        query: query.format(ana=mine["user_id"])
        for query in ("q=zoe", "email=zoe@example.com", "user_id={ana}")
    }
    for query in ids.values():
        assert (found(ana, query), found(broker, query), found(ben, query)) == ("Zoë", "Zoë", "")


@pytest.mark.parametrize(
    "query", ["q=a", "email=a@b", "page=1&q=a", "%71=a", "status=active&email=x", "q=a+b"]
)
def test_a_search_is_not_answered_in_the_event_loop(app, query):
    assert app.workload("GET", "/v1/clients", "status=active&user_id=x") == "list"
    assert app.workload("GET", "/v1/clients", query) == "slow"


# --- users


def test_a_broker_lists_all_users_and_an_agent_only_one(app, caller):
    broker, ana = caller(), caller("ana@x.com", "agent")
    app.users.add("gone@x.com", "agent")
    app.users.disable("gone@x.com")
    seen = broker.get("/v1/users").json["data"]["users"]
    assert [(user["email"], user["role"]) for user in seen] == [
        ("ana@x.com", "agent"),
        ("broker@example.com", "broker"),
    ]
    assert ana.get("/v1/users").json["data"]["users"] == [seen[0]]
    assert ana.get("/v1/users/me").json["data"] == seen[0]
    assert ana.create()["user_id"] == seen[0]["id"]


@pytest.mark.parametrize("path", ["/v1/users", "/v1/users/me"])
def test_users_need_the_scope_to_read_clients(caller, path):
    caller("ana@x.com", "agent", {"clients": ["read"]}).get(path)
    caller("ana@x.com", "agent", {"clients": ["write"]}).get(path, status=403)


def test_keys_of_a_disabled_user_are_refused_at_once(app, caller):
    ana = caller("ana@x.com", "agent")
    ana.get("/v1/clients")
    app.users.disable("ANA@x.com")
    ana.get("/v1/clients", status=401)
    assert [key["state"] for key in app.keys.list()] == ["disabled"]
    app.users.enable("ana@x.com")
    assert json.loads(ana.get("/v1/clients").text)["success"]


def test_a_new_role_applies_to_existing_keys(app, caller):
    broker, ana = caller(), caller("ana@x.com", "agent")
    client = broker.create()
    ana.get(f"/v1/clients/{client['id']}", status=404)
    app.users.set_role("ana@x.com", "broker")
    ana.get(f"/v1/clients/{client['id']}")
