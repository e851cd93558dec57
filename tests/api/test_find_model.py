"""Random clients and questions: a list finds exactly the clients that a model in Python finds.

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
from acare.store.insertion import insert

CLIENTS = 3000
QUESTIONS = int(os.environ.get("ACARE_TEST_FIND") or 400)
SEED = os.environ.get("ACARE_TEST_FIND_SEED") or "20261129"

FIRST = "Zoë|Ana|Jörg|Anna-Maria|Søren|Łukasz|Đorđe|ÆGIR|王小明|Åse|Jose|jurgen|Άννα".split("|")
LAST = "O'Brien|OBrien|O’Neill|Müller|Mueller|Muller|Groß|gross|D'Ångelo|Löwenmüller|Lee|lee".split("|")
PHONES = "+49 151 2345|0151/2345|+4966110|(661) 555-|+1 661 555 |0049 661 10|555-|+44 20 7946 ".split("|")
PLACES = "Bakersfield|Bakersfield, CA|bakersfield 93301|Taft|Ta|Oak Grove|oak-grove west|San José|SAN JOSE"
TYPES = "house|House|condo|town-house|Town house|Château"
NOTES = "Calls late.|Ask O'Brien's wife|likes Köln|123 Oak Street|see ana.lee@example.com|0142 and 4980"
NUMBERS = ("bedrooms", "bathrooms", "square_feet")
LETTERS = dict(zip("äöüåøæßłđ", "a ae|o oe|u ue|a aa|o oe|ae|ss|l|d".split("|"), strict=True))


class Random(random.Random):
    def maybe(self, *values):
        return self.choice((None, *values))

    def some(self, texts, most=3):
        return self.sample(texts, self.randrange(most))

    def client(self, number):
        places, types, notes = (texts.split("|") for texts in (PLACES, TYPES, NOTES))
        least = {f"{name}_min": self.maybe(1, 1.5, 2) for name in NUMBERS}
        return new(
            first_name=self.choice(FIRST),
            last_name=self.choice(LAST),
            email=self.maybe(f"ana.lee{number % 50}@example.com", f"{number % 50}@Müller.de"),
            phone=self.maybe(self.choice(PHONES) + self.choice(["0142", "4980", "0042"])),
            client_type=self.choice(["buyer", "seller", "both"]),
            status=self.choice(["active", "closed"]),
            budget_min=self.maybe(100, 300.5),
            budget_max=self.maybe(400, 500),
            preferred_locations=self.some(places),
            property_preferences=self.choice([{}, {**least, "property_types": self.maybe(self.some(types))}]),
            notes=self.maybe(*notes),
            tags=self.some(["VIP", "first-time", "Øst"]),
        )

    def word(self, client):
        """A word of a client in any spelling, or a part of it."""
        word = self.choice(" ".join(texts(client)).split())
        if self.random() < 0.3:
            word = self.choice(sorted(spellings(word)))
        start = self.choice([0, 0, 0, self.randrange(len(word))])
        return word[start : start + self.choice([2, 3, 5, 40])]

    def question(self, clients):
        client = self.choice(clients)
        q = " ".join(self.word(client) for _ in range(self.randrange(1, 4)))
        digits = digits_of(client["phone"]) or "0142"
        end = digits[-self.randrange(1, 13) :]
        numbers = [end, f"{q} {end}", f"0{digits[-9:-3]}", client["phone"]]
        asked = {
            **{name: client[name] for name in ("client_type", "status", "email", "user_id")},
            **{name: self.choice([1, 1.25, 2]) for name in NUMBERS},
            "q": self.choice([q, q, q, *numbers]),
            "price": self.choice([50, 100, 300, 400.5, 500, 600]),
            "location": self.choice(PLACES.split("|")),
            "property_type": self.choice(TYPES.split("|")),
            "sort": self.choice(["created_at", "updated_at", "name"]),
        }
        names = self.choice([["q"], self.some(sorted(asked), 5)])
        return {name: asked[name] for name in names if asked[name] is not None}


# --- the model


def texts(client):
    names = ("first_name", "last_name", "email", "phone", "notes")
    return filter(None, [*(client[name] for name in names), *client["tags"], *client["preferred_locations"]])


def digits_of(text):
    return re.sub(r"\D", "", text or "")


def plain(text):
    """Without case and the accents of Latin letters."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", re.sub("(?<=[a-z])[\u0300-\u036f]+", "", decomposed))


def parts(text):
    return re.findall(r"[^\W_]+", text)


def spellings(text):
    """All spellings of a text, with and without the apostrophes inside its words."""
    marked = re.sub(r"(?<=\w)['’](?=\w)", "\0", text.lower())
    choices = {**{letter: each.split() for letter, each in LETTERS.items()}, "\0": ("'", "")}
    return {plain("".join(each)) for each in itertools.product(*(choices.get(c, (c,)) for c in marked))}


@functools.cache
def words_of(text):
    return [words for spelling in spellings(text) if (words := parts(spelling))]


def begins(word, found):
    """Whether a word begins one in the texts, which are lists of words; with separators, adjacent ones."""
    return any(
        text[n : n + len(asked) - 1] == asked[:-1] and text[n + len(asked) - 1].startswith(asked[-1])
        for asked in words_of(word)
        for text in found
        for n in range(len(text) - len(asked) + 1)
    )


def is_number(asked, phone):
    """Whether digits begin or end a phone number, or are the same one."""
    digits, written = digits_of(asked), digits_of(phone)
    number, stored = digits.lstrip("0"), written.lstrip("0")
    has_code = "+" in (phone or "") or written.startswith("00")
    begun = re.sub("^(49|44|1)", "", stored) if has_code and re.match("0[^0]", digits) else stored
    same = min(len(number), len(stored)) >= 7 and (stored.endswith(number) or number.endswith(stored))
    ends = 4 <= len(digits) <= 6 and stored.endswith(digits)
    return same or ends or (number != "" and begun.startswith(number))


def matches(q, client):
    words = list(filter(parts, q.split()))
    runs = itertools.groupby(words, key=lambda word: not re.search("[^-0-9()./+]", word))
    for run, phone in [(list(run), client["phone"] if is_digits else None) for is_digits, run in runs]:
        apart = all(begins(word, client["words"]) or is_number(word, phone) for word in run)
        if not apart and not is_number("".join(run), phone):
            return False
    return words != []


def place(text):
    return " ".join(["", *parts(plain(text)), ""])


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


def answer(asked, clients):
    """The ids of a list; ``clients`` are the newest first."""
    equal = asked.keys() & {"client_type", "status", "email", "user_id"}
    found = [client for client in clients if all(client[name] == asked[name] for name in equal)]
    if asked.keys() & {"price", "location", "property_type", *NUMBERS}:
        found = [client for client in found if suits(asked, client)]
    if "q" in asked:
        found = [client for client in found if matches(asked["q"], client)]
    if asked.get("sort") == "updated_at":
        found.sort(key=lambda client: client["updated_at"], reverse=True)
    if asked.get("sort") == "name":  # bytes.lower() is for ASCII letters
        found.sort(key=lambda client: [client[name].encode().lower() for name in ("last_name", "first_name")])
    return [client["id"] for client in found]


# --- the test


def fill(app, owners):
    """Store random clients. Returns all, newest first, each with its words."""
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
    clients = [json.loads(text) for text, _ in app.clients.all(OPERATOR, CLIENTS)]
    for client in clients:
        client["words"] = [words for text in texts(client) for words in words_of(text)]
    return clients


def test_a_list_has_exactly_the_clients_of_the_model(app):
    broker, agent = Api(app, full_key(app)), Api(app, full_key(app, "ana@example.com", "agent"))
    clients = fill(app, [broker.user_id(), agent.user_id()])
    visible = {broker: clients, agent: [client for client in clients if client["user_id"] == agent.user_id()]}
    for number, caller in itertools.product(range(QUESTIONS), visible):
        rng = Random(f"{SEED} {number}")
        asked, page, limit = rng.question(clients), rng.randrange(1, 4), rng.choice([1, 5, 100])
        expected = answer(asked, visible[caller])
        data = caller.list(f"?{urlencode({**asked, 'page': page, 'limit': limit})}")
        found = [client["id"] for client in data["clients"]]
        paged = expected[(page - 1) * limit : page * limit]
        assert (asked, data["meta"]["total"], found) == (asked, len(expected), paged)
        if number % 20 == 0:
            file = caller.get(f"/v1/clients.csv?{urlencode(asked)}").body.decode("utf-8-sig")
            assert (asked, [row["id"] for row in csv.DictReader(file.splitlines())]) == (asked, expected)
