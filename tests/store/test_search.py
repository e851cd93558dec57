"""The index of words: it follows every change, no query reads too much, erasing leaves no word."""

import random

import pytest
from support.clients import new
from support.files import edit
from support.threads import in_threads

import acare
from acare.fields import validate_update
from acare.store.erasures import ErasureStore
from acare.store.history import HistoryStore

INTEGRITY = "INSERT INTO clients_search (clients_search, rank) VALUES ('integrity-check', 1)"


@pytest.fixture
def ana(app):
    app.users.add("ana@example.com", "agent")
    return app.caller("ana@example.com")


def check_index(app):
    """SQLite compares the index with all clients."""
    app.database.write(lambda connection: connection.execute(INTEGRITY).fetchall())


NAMES = ("Zoë", "O'Brien", "王小明", "-", "Ana Maria", '"', "x" * 100, "ﬁ İ ß", "Sørensen", "Mu\u0308ller")
PHONES = (None, "(661) 555-0142", "+1 661–555–0142", "٣", "5", "1" * 40)


def test_the_index_follows_every_change(app, ana):
    rng, ids = random.Random(1), []
    for n in range(300):
        fields = {
            "first_name": rng.choice(NAMES),
            "email": rng.choice((None, "a@b.c", f"x{n}@example.com")),
            "phone": rng.choice(PHONES),
        }
        kind = rng.random()
        if not ids or kind < 0.4:
            ids.append(app.clients.create(ana, new(**fields)).id)
        elif kind < 0.6:
            app.clients.update(ana, rng.choice(ids), validate_update(fields)[0])
        elif kind < 0.7:
            other = {"notes": rng.choice(NAMES), "tags": [rng.choice(NAMES)[:50]]}
            app.clients.update(ana, rng.choice(ids), validate_update(other)[0])
        elif kind < 0.9:
            app.clients.delete(ana, ids.pop(rng.randrange(len(ids))))
        else:
            app.database.write(
                lambda connection: connection.execute("UPDATE clients SET seq = seq + 0").rowcount
            )
    check_index(app)


def test_a_search_follows_each_write(app, ana):
    client_id = app.clients.create(ana, new(last_name="Ray")).id
    assert (found(app, ana, "ray"), found(app, ana, "fox")) == (1, 0)
    app.clients.update(ana, client_id, validate_update({"last_name": "Fox"})[0])
    assert (found(app, ana, "ray"), found(app, ana, "fox")) == (0, 1)
    app.clients.delete(ana, client_id)
    assert found(app, ana, "fox") == 0
    app.history.restore(ana, client_id)
    assert found(app, ana, "fox") == 1


def test_no_search_beside_writers_is_behind(app, ana):
    """The words of each client on a page, and its total, are of one snapshot."""
    ids = [app.clients.create(ana, new(last_name="Ray")).id for _ in range(8)]

    def rename(n):
        for name in ("Fox", "Ray") * 20:
            app.clients.update(ana, ids[n], validate_update({"last_name": name})[0])

    def search(_):
        for name in ("Fox", "Ray") * 40:
            page = app.clients.page(ana, page=1, limit=100, q=name)
            assert all(f'"last_name":"{name}"' in row for row in page.rows)
            assert page.total == len(page.rows)

    in_threads(10, lambda n: rename(n) if n < 8 else search(n))


def found(app, ana, query):
    """How many clients a search finds: the total, which must agree with the rows."""
    page = app.clients.page(ana, page=1, limit=100, q=query)
    assert page.total == len(page.rows)
    return page.total


# --- phone numbers

NUMBER = "+1 661 555-0142"


@pytest.mark.parametrize(
    ("phone", "query"),
    [
        (NUMBER, "(661) 555-0142"),
        ("(661) 555-0142", NUMBER),
        ("+49 661 100000", "0049661100000"),
        ("0661/100000", "+49 661 100000"),
        ("+49 661\N{EN DASH}100\xa0000", "0661.100000"),
        (NUMBER, "jordan 661 555 0142"),
        (NUMBER, "0142"),
        ("661-0142", "661-0142 lee"),
    ],
)
def test_a_phone_number_is_found_in_another_notation(app, ana, phone, query):
    app.clients.create(ana, new(phone=phone))
    assert found(app, ana, query) == 1


@pytest.mark.parametrize(
    ("phone", "query"),
    [
        (NUMBER, "212 555 0142"),
        ("555 0142", "55 0142 00"),
        ("0000 555 014", "9 555 014"),
        (NUMBER, "ana 661 555 0142"),
        (None, NUMBER),
    ],
)
def test_another_phone_number_is_not_found(app, ana, phone, query):
    app.clients.create(ana, new(phone=phone))
    assert found(app, ana, query) == 0


# --- words and spellings


def test_words_of_all_fields_are_found_together(app, ana):
    lists = {"tags": ["VIP", 'say "hi"'], "preferred_locations": ["Bakersfield", "Oak Grove"]}
    app.clients.create(ana, new(notes="Wants a garden.\nCalls late.", email="j.lee@example.com", **lists))
    for query in ("vip", "hi", "oak bak", "gard lat", "jordan vip garden j.lee@exam"):
        assert found(app, ana, query) == 1
    assert found(app, ana, "jordan pool") == 0


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        ("Müller", "muller mueller müller MÜLLER mu\u0308ller"),
        ("Mu\u0308ller A\u030as", "muller mueller müller as aas ås"),
        ("SØRENSEN", "sorensen soerensen sørensen"),
        ("Groß ẞ", "gross groß ss"),
        ("Größe", "grosse groesse größe"),
        ("Ægir Łukasz Đorđe Åse", "aegir ægir lukasz łukasz dorde đorđe ase aase åse"),
        ("Muller", "muller müller"),
    ],
)
@pytest.mark.parametrize("field", ["last_name", "notes"])
def test_letters_are_found_in_each_spelling(app, ana, field, name, queries):
    client_id = app.clients.create(ana, new(**{field: name})).id
    assert {query: found(app, ana, query) for query in queries.split()} == dict.fromkeys(queries.split(), 1)
    app.clients.update(ana, client_id, validate_update({field: "Other"})[0])
    assert not any(found(app, ana, query) for query in queries.split())


# --- erasing


def files_with(app, word):
    folder = app.database.path.parent
    return [entry.name for entry in folder.iterdir() if word.encode() in entry.read_bytes()]


@pytest.mark.parametrize("how", ["erase", "purge"])
def test_erasing_leaves_no_word_in_the_index(app, ana, how):
    for n in range(300):  # fewer than a page of an index has
        app.clients.create(ana, new(last_name=f"Lee{n}"))
    client_id = app.clients.create(
        ana, new(last_name="Qylophonez", email="w@vexqozymix.com", notes="Øqwyzlep")
    ).id
    app.clients.update(ana, client_id, validate_update({"last_name": "Zyqqophon"})[0])
    for n in range(20):
        app.clients.create(ana, new(last_name=f"Ray{n}"))
    app.clients.delete(ana, client_id)
    assert files_with(app, "qophon")
    if how == "erase":
        ErasureStore(app.database).erase(client_id)
    else:
        HistoryStore(app.database).purge(0)
    assert app.database.empty_log()
    for word in ("ylophonez", "yqqophon", "exqozymix", "qophon", "qwyzlep"):
        assert files_with(app, word) == []
    check_index(app)
    assert app.clients.page(ana, page=1, limit=1, q="lee").total == 300


# --- SQLite without FTS5


def test_the_internal_tables_of_fts5_are_not_compared(tmp_path, new_database):
    """Other versions of SQLite may define them otherwise."""
    path = tmp_path / "acare.db"
    path.write_bytes(new_database)
    edit(
        path,
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '(k ', '(K ') "
        "WHERE name = 'clients_search_config'; "
        "UPDATE sqlite_schema SET sql = replace(sql, 'block BLOB', 'block') "
        "WHERE name = 'clients_search_data'",
    )
    acare.create_app(database=path).close()
