"""Search: it follows every change (test_changes_model verifies the index), and erasing leaves no word."""

import json
import time
from pathlib import Path

import pytest
from support.clients import new
from support.files import files_with

from acare import phone_numbers, search_terms
from acare.auth import OPERATOR
from acare.fields import validate_update
from acare.maintenance.verification import verify_file
from acare.store import lists
from acare.store.deleted import DeletedClients
from acare.store.list_statements import query_of
from acare.store.purging import purge


@pytest.fixture
def agent(app):
    app.users.add("ana@example.com", "agent")
    return app.caller("ana@example.com")


def found(app, agent, query):
    """How many clients a search finds: the total, which must agree with the rows."""
    page = app.lists.page(agent, page=1, limit=100, q=query)
    assert page.total == len(page.rows)
    return page.total


# A text; searches that find it, and searches that do not.
WORDS = {
    "Anna-Maria Zoë": ("maria anna-ma ZOE zoë", "nn anna-lee annamaria jordan-anna -"),
    "Άννα": ("άννα", "αννα"),
    "Mu\u0308ller A\u030as": ("muller mueller müller MÜLLER as aas ås", "ueller"),
    "Mueller": ("mueller müller mue", "muller"),
    "Muller": ("muller müller", "mueller"),
    "Groß ẞ Größe": ("gross groß ss grosse groesse", "größer"),
    "Ægir Łukasz Đorđe ÅSE": ("aegir ægir lukasz łukasz dorde đorđe ase aase", ""),
    "Yıldız": ("yıldız yildiz YILDIZ YİLDİZ", ""),
    "Yildiz": ("yıldız", ""),
    "Lukasz Aegir Dorde Grosse": ("łukasz ægir đorđe große", ""),
    "Løwenmüller": ("loewenmueller lowenmuller löwenmüller", ""),
    "Öländer-Übelhör-Möller": ("oelaender-uebelhoer-moeller olander-ubelhor", ""),
    "O’Brien Kaʻiulani D'Ångelo": ("obrien o'brien oʼbri kaiulani ka'iu dangelo d'aangelo", "rien obrian"),
    "OBrien": ("o'brien obri", "brien"),
    "O'Brien": ("obrien", "rien"),
    "Zoë's": ("zoes zoe's", ""),
    "ö" * 12: (f"{'o' * 12} {'oe' * 12} ö", "ooe"),  # all spellings of a word would be thousands
}

#: Fields with phone numbers, for the tests of the page too: how they are dialled, and what finds them.
PHONES = json.loads((Path(__file__).parents[1] / "support" / "phones.json").read_text("utf-8"))


@pytest.mark.parametrize("field", ["last_name", "notes"])
def test_a_search_finds_a_text_by_its_words(app, agent, field):
    for text, queries in WORDS.items():
        client_id = app.clients.create(agent, new(**{field: text})).id
        totals = [{query: found(app, agent, query) for query in some.split()} for some in queries]
        assert (text, *map(sum, map(dict.values, totals))) == (text, len(totals[0]), 0), totals
        app.clients.delete(agent, client_id)
        assert not any(found(app, agent, query) for query in totals[0])


@pytest.mark.parametrize("phone", PHONES, ids=lambda phone: phone["field"])
def test_a_search_finds_each_number_of_a_field(app, agent, phone):
    app.clients.create(agent, new(phone=phone["field"]))
    totals = {text: found(app, agent, text) for text in phone["found"] + phone["not_found"]}
    assert totals == {**dict.fromkeys(phone["found"], 1), **dict.fromkeys(phone["not_found"], 0)}
    assert phone_numbers.numbers(phone["field"]) == phone["numbers"]


def test_numbers_and_words_are_found_together(app, agent):
    app.clients.create(agent, new(phone="+49 151 23454980", tags=['say "hi"']))
    queries = ("lee 0151 234549 80", "jordan 4980", '- "hi', "lee 0151 235", "jordan pool")
    assert [found(app, agent, query) for query in queries] == [1, 1, 1, 0, 0]


def test_thousands_of_accents_on_a_letter_do_not_delay_others(app, agent):
    """Python sorts them in quadratic time, and answers no other request meanwhile."""
    few, many = ("Zoe" + "\u0344" * n + "\u0f73" * n for n in (98, 4990))
    began = time.process_time()
    for _ in range(10):
        app.clients.create(agent, new(notes=many, preferred_locations=[few] * 50))
    assert found(app, agent, "zoe") == 10
    assert not any(app.lists.page(agent, page=1, limit=1, location="fox").total for _ in range(30))
    assert time.process_time() - began < 2


def test_a_search_alone_does_not_read_the_clients_of_other_pages(app, agent):
    """SQLite takes more steps for each match if it also reads the client."""
    for _ in range(300):
        app.clients.create(agent, new())

    def steps(**filters):
        counted = []
        with app.database.read() as connection:
            connection.set_progress_handler(lambda: counted.append(1), 10)
            total = lists._page(connection, query_of(None, {"q": "jordan", **filters}), 0, 1).total
            connection.set_progress_handler(None, 0)
        return len(counted) if total == 300 else 0

    assert 0 < steps() * 1.5 < steps(status="active")


def test_a_page_far_past_the_end_of_a_search_is_empty(app, agent):
    app.clients.create(agent, new())
    assert app.lists.page(OPERATOR, page=10**30, limit=25, q="jordan") == (1, [])


@pytest.mark.parametrize("how", ["erase", "purge"])
def test_erasing_leaves_no_word_in_the_index(app, agent, how):
    for n in range(300):  # fewer than a page of an index has
        app.clients.create(agent, new(last_name=f"Lee{n}"))
    client_id = app.clients.create(
        agent, new(last_name="Qylophonez", email="w@vexqozymix.com", notes="Øqwyzlep")
    ).id
    app.clients.update(agent, client_id, validate_update({"last_name": "Zyqqophon"})[0])
    for n in range(20):
        app.clients.create(agent, new(last_name=f"Ray{n}"))
    app.clients.delete(agent, client_id)
    assert files_with(app.database.path.parent, "qophon")
    if how == "erase":
        DeletedClients(app.database).erase(client_id)
    else:
        purge(app.database, 0)
    assert app.database.empty_wal()
    for word in ("ylophonez", "yqqophon", "exqozymix", "qophon", "qwyzlep"):
        assert files_with(app.database.path.parent, word) == []
    assert verify_file(app.database.path) == 320
    assert app.lists.page(agent, page=1, limit=1, q="lee").total == 300


# --- what a client can cost the searches of others

EVERY_LETTER = "äöüåø" * 4 + "'ü" * 4
TEXTS = {"plain": "smith", "umlauts": "ä" * 40, "letters": EVERY_LETTER, "words": "Müller Åse O’Brien Größe"}


def terms(notes):
    """The words of a client with these notes, as FTS5 divides them."""
    words = search_terms.of_client("", "", None, None, "[]", "[]", notes)
    return [word for word in words.replace("'", " ").split() if word.isalnum()]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_word_has_at_most_two_spellings_in_the_index(text):
    parts = text.replace("'", " ").replace("’", " ").split()
    joined = text.replace("’", "'").count("'") > 0  # the word without its apostrophes is one more
    assert len(terms(text)) <= 2 * (len(parts) + joined)


def test_of_notes_the_first_characters_are_indexed():
    notes = "first " + "x " * ((search_terms.MAX_NOTES - 12) // 2) + "last" + "  later " + "ü" * 3000
    assert {"first", "last", "x"} == set(terms(notes))
