"""Random clients and questions: a list finds exactly the clients that a model in Python finds.

(store/test_search has the spellings and numbers that a search finds.)
``ACARE_TEST_FIND`` is the number of questions, ``ACARE_TEST_FIND_SEED`` the seed.
"""

import csv
import functools
import itertools
import json
import os
import random
import re
import unicodedata
from urllib.parse import urlencode

from support.client import Api, full_key
from support.clients import new

from acare import ids
from acare.auth import OPERATOR
from acare.store.creation import insert

CLIENTS = 3000
QUESTIONS = int(os.environ.get("ACARE_TEST_FIND") or 200)
SEED = os.environ.get("ACARE_TEST_FIND_SEED") or "20261129"

NAMES = "Ana|anna|Jose|LEE|lee|Lea|Ray|Ramirez".split("|")
PLACES = "Bakersfield|Bakersfield, CA|bakersfield 93301|Taft|Ta|Oak Grove|oak-grove west|San José|SAN JOSE"
TYPES = "house|House|condo|town-house|Town house|Château"
FOLLOW_UPS = ["due:2026-12-15", "due:2026-12-01", "due:2027-01-03"]
NO_FOLLOW_UPS = ["due:soon", "due:2026-13-01", "due:2026-12-1", "overdue:2026-12-01", "Due:2026-12-01"]
UNUSUAL_TAGS = ['5" pipe \\ a', "à la carte", "À la carte"]
NUMBERS = ("bedrooms", "bathrooms", "square_feet")


class Random(random.Random):
    def maybe(self, *values):
        return self.choice((None, *values))

    def some(self, texts, most=3):
        return self.sample(texts, self.randrange(most))

    def client(self, number):
        places, types = [*PLACES.split("|"), "-"], TYPES.split("|")
        least = {f"{name}_min": self.maybe(1, 1.5, 2) for name in NUMBERS}
        return new(
            first_name=self.choice(NAMES),
            last_name=self.choice(NAMES),
            email=self.maybe(f"ana.lee{number % 50}@example.com"),
            client_type=self.choice(["buyer", "seller", "both"]),
            status=self.choice(["active", "closed"]),
            budget_min=self.maybe(100, 300.5),
            budget_max=self.maybe(400, 500),
            preferred_locations=self.some(places),
            property_preferences=self.choice([{}, {**least, "property_types": self.maybe(self.some(types))}]),
            notes=self.maybe("Calls late.", "see ana.ray@example.com"),
            tags=self.some(["VIP", "first-time", *UNUSUAL_TAGS, *FOLLOW_UPS, *NO_FOLLOW_UPS], 5),
        )

    def question(self, clients):
        client = self.choice(clients)
        words = self.choices(sorted(words_of(client)), k=self.randrange(1, 4))
        asked = {
            **{name: client[name] for name in ("client_type", "status", "email", "user_id")},
            **{name: self.choice([1, 1.25, 2]) for name in NUMBERS},
            "q": " ".join(word[: self.choice([2, 3, 40])] for word in words),
            "price": self.choice([50, 100, 300, 400.5, 500, 10**23]),
            "location": self.choice(PLACES.split("|")),
            "property_type": self.choice(TYPES.split("|")),
            "tag": self.choice(["VIP", "vip", "First-Time", "first", "due:2026-12-01", *UNUSUAL_TAGS]),
            "due": self.choice(["any", "2026-12-01", "2026-12-20", "2026-01-01"]),
            "sort": self.choice(["created_at", "updated_at", "name"]),
            "order": self.choice(["asc", "desc"]),
        }
        names = self.choice([["q"], ["sort", "order"], ["tag"], ["due"], self.some(sorted(asked), 5)])
        return {name: asked[name] for name in names if asked[name] is not None}


# --- the model


def parts(text):
    """The words of a text, without case and accents."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return re.findall("[a-z0-9]+", re.sub("[\u0300-\u036f]+", "", plain))


def words_of(client):
    """The words by which a search finds a client."""
    texts = [client[name] for name in ("first_name", "last_name", "email", "notes")]
    return parts(" ".join(filter(None, [*texts, *client["tags"], *client["preferred_locations"]])))


@functools.cache
def place(text):
    return f" {' '.join(parts(text))} "


def suits(asked, client):
    wanted, price = client["property_preferences"], asked.get("price")
    near = [place(location) for location in client["preferred_locations"]]
    types = [place(property_type) for property_type in wanted.get("property_types") or ()]
    location, property_type = (place(asked.get(name, "")) for name in ("location", "property_type"))
    return (
        client["client_type"] != "seller"
        and (price is None or (client["budget_min"] or 0) <= price <= (client["budget_max"] or price))
        and all((wanted.get(f"{name}_min") or 0) <= asked.get(name, 9) for name in NUMBERS)
        and ("location" not in asked or not near or any(location in at or at in location for at in near))
        and ("property_type" not in asked or not types or property_type in types)
    )


def due(client):
    """The earliest follow-up of a client."""
    return min((tag[4:] for tag in client["tags"] if tag in FOLLOW_UPS), default="none")


KEYS = {
    "created_at": lambda client: client["created_at"],
    "updated_at": lambda client: client["updated_at"],
    # bytes.lower() is for ASCII letters
    "name": lambda client: [client[name].encode().lower() for name in ("last_name", "first_name")],
    "due": due,
}


def answer(asked, clients):
    """The ids of a list; ``clients`` are the newest first."""
    equal = asked.keys() & {"client_type", "status", "email", "user_id"}
    found = [client for client in clients if all(client[name] == asked[name] for name in equal)]
    if asked.keys() & {"price", "location", "property_type", *NUMBERS}:
        found = [client for client in found if suits(asked, client)]
    if "q" in asked:
        begins = [f" {part}" for part in asked["q"].split()]
        found = [client for client in found if all(begin in client["words"] for begin in begins)]
    if "tag" in asked:
        tag = asked["tag"].encode().lower()
        found = [client for client in found if tag in (one.encode().lower() for one in client["tags"])]
    if "due" in asked:
        found = [client for client in found if due(client) <= asked["due"] and due(client) != "none"]
    sort = asked.get("sort", "due" if "due" in asked else "created_at")
    is_descending = asked.get("order", "desc" if sort.endswith("_at") else "asc") == "desc"
    found.sort(key=KEYS[sort], reverse=is_descending)  # equal ones stay newest first
    return [client["id"] for client in found]


# --- the test


def fill(app, owners):
    """Store random clients. Returns all, newest first, each with its words in one text."""
    rng = Random(SEED)
    random_clients = [
        {
            **rng.client(number),
            "id": str(ids.new()),
            "user_id": rng.choice(owners),
            "updated_at": f"2100-01-{rng.randrange(10, 30)}T00:00:00.000Z",
        }
        for number in range(CLIENTS)
    ]
    app.database.write(lambda connection: [insert(connection, client) for client in random_clients])
    clients = [json.loads(text) for text, _ in app.lists.all(OPERATOR, CLIENTS)]
    for client in clients:
        client["words"] = " ".join(["", *words_of(client)])
    return clients


def test_a_list_has_exactly_the_clients_of_the_model(app):
    broker, agent = Api(app, full_key(app)), Api(app, full_key(app, "ana@example.com", "agent"))
    clients = fill(app, [broker.user_id(), agent.user_id()])
    visible = {broker: clients, agent: [client for client in clients if client["user_id"] == agent.user_id()]}
    for number, caller in itertools.product(range(QUESTIONS), visible):
        rng = Random(f"{SEED} {number}")
        asked, page, limit = rng.question(clients), rng.randrange(1, 4), rng.choice(["", 1, 5, 100, 101])
        expected = answer(asked, visible[caller])
        sent = {"client_type": "", **asked, "page": page, "limit": limit}  # a blank value is none
        if "email" in asked:
            sent["email"] = asked["email"].upper()
        query = urlencode(sent)
        data = caller.list(f"?{query}")
        found = [client["id"] for client in data["clients"]]
        limit = min(limit or 25, 100)
        paged = expected[(page - 1) * limit : page * limit]
        pages = {"totalPages": -(-len(expected) // limit), "hasMore": page * limit < len(expected)}
        meta = {"page": page, "limit": limit, "total": len(expected), **pages}
        assert (asked, data["meta"], found) == (asked, meta, paged)
        if number % 20 == 0:
            file = caller.get(f"/v1/clients.csv?{query}").body.decode("utf-8-sig")
            assert (asked, [row["id"] for row in csv.DictReader(file.splitlines())]) == (asked, expected)
