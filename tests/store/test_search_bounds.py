"""What a client can cost the searches of others: words with one beginning, and places full of accents."""

import json
import random
import time

import pytest
from support.clients import new

from acare import places, search_terms

# Words of notes about clients, and how words of the language begin and end.
WORDS = {
    "German": (
        """Wohnung Haus Balkon Garten Küche Bad Keller Makler Notar Verkäufer Käufer Straße Viertel
        Schlüssel Miete Grundriss Energieausweis Finanzierung Übergabe Eigentümer Aufzug Heizung
        Dachgeschoss Nachbarschaft groß schön ruhig hell teuer günstig modern alt neu möchte sucht
        fragt besichtigt ruft schreibt verkauft mietet unter über zwischen Bahnhof Schule Kinder
        Hund Katze Auto Fahrrad Termin Angebot Vertrag Zimmer Quadrat""",
        "en er es ung lich keit s e n bar isch",
        "ver unter über be ent vor zu aus Haus Eigentums Wohn Miet",
    ),
    "English": (
        """house garden kitchen bath seller buyer lender agent school street quiet bright large modern
        price offer contract closing inspection repair basement garage station market mortgage
        income budget family children dog wants asks calls visits likes rents sells under over
        between near before after showing appointment""",
        "s ed ing er ly ment ness able",
        "re un over under pre inter out sub trans",
    ),
    "Arabic": (
        """منزل شقة حديقة مطبخ حمام بائع مشتري بنك مدرسة شارع هادئ كبير حديث سعر عرض عقد تفتيش إصلاح
        قبو سوق قرض دخل ميزانية عائلة أطفال كلب يفضل يريد يسأل يتصل يزور يحب يستأجر يبيع تحت فوق بين
        قرب قبل بعد موعد مصعد مفتاح محطة مسبح مساحة مكتب مالك مستأجر موقع موقف مدينة مبنى مهندس مقدم
        ملحق""",
        "ة ات ين ون ه ها هم نا",
        "ال ال ال و وال بال لل ب",
    ),
}


def natural(language):
    """6,000 characters: a tenth of the words has a beginning, a third an end."""
    rng = random.Random(language)
    stems, ends, begins = (part.split() for part in WORDS[language])

    def word():
        begin = rng.choice(begins) if rng.random() < 0.1 else ""
        end = rng.choice(ends) if rng.random() < 0.3 else ""
        return begin + rng.choice(stems) + end

    return " ".join(word() for _ in range(2000))[:6000].rpartition(" ")[0]


@pytest.mark.parametrize("language", WORDS)
def test_a_natural_note_loses_no_word(language):
    note = natural(language)
    assert search_terms.of_client("", "", None, None, "[]", "[]", note) == search_terms._spell(note)


HOSTILE = {
    "spellings": " ".join(f"smithäöü{n}" for n in range(800)),
    "plain": " ".join(f"smith{n}" for n in range(1200)),
    "in one word": ".".join(f"smith{n}" for n in range(1200)),
    "short": " ".join(f"smithäöü{n:02}" for n in range(90)),
}
COUNT = "SELECT count(*) FROM temp.terms WHERE term >= :begin AND term < :end"


@pytest.mark.parametrize("notes", HOSTILE.values(), ids=HOSTILE)
def test_the_words_of_a_client_with_one_beginning_are_bounded(app, notes):
    app.users.add("ana@example.com", "agent")
    app.clients.create(app.caller("ana@example.com"), new(last_name="Smith", notes=notes[:10_000]))
    with app.database.transaction() as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, clients_search, row)")
        (total,) = connection.execute(COUNT, {"begin": "smit", "end": "smiu"}).fetchone()
    assert 0 < total <= (172 if len(notes) <= 1000 else 66)


ACCENTS = {"words": "é " * 100, "two on a letter": "ậ" * 200, "in a row": "\u0344\u0f73" * 100}


@pytest.mark.parametrize("place", ACCENTS.values(), ids=ACCENTS)
def test_comparing_places_full_of_accents_is_cheap(place):
    """A quarter of a millisecond; it was up to 2 ms a client, and a list reads thousands."""
    listed = json.dumps([place] * 50, ensure_ascii=False)
    began = time.process_time()
    for _ in range(200):
        assert not places.has_place(listed, " fox ")
    assert time.process_time() - began < 200 * 0.0015


def test_all_of_some_places_and_the_beginning_of_many_are_compared():
    long = "Frankfurt am Main, Sachsenhausen-Süd, " * 5
    for n in (1, 7):
        assert places.has_place(json.dumps([f"{long}Zürich"] * n), " zurich ")
    assert not places.has_place(json.dumps([*["é" * 200] * 5, "Taft"]), " taft ")
    assert places.has_place(json.dumps(["Taft"] * 40 + [f"{long}Zürich"]), " zurich ")
    many = [f"{n} Rua São João, Vila Nova de Gaia, Porto" for n in range(50)]
    assert places.has_place(json.dumps(many), " 49 rua sao joao ")
    assert not places.has_place(json.dumps(many), " porto ")
