"""``acare import`` of rows that describe clients that exist, in the database or earlier in the file."""

import json

import pytest
from support.data import JORDAN
from support.importing import HEADER, RECORD

SAME = [
    pytest.param({"email": "J@b", "phone": "1"}, "Pat,Kim,buyer,j@B,2", "email", id="address"),
    pytest.param({"email": "ÄSS@STRAẞE.de"}, "Pat,Kim,buyer,Äss@straẞe.DE,", "email", id="not ASCII"),
    pytest.param({"phone": "+49 661 100000"}, "JORDAN,Kim,buyer,,0661/100000", "phone", id="country"),
    pytest.param({"phone": "040 998877"}, "Jordan,Kim,buyer,,0171 2345678 / +4940998877", "phone", id="two"),
    pytest.param({"email": "other@b"}, "JORDAN,Lee,buyer,,", "name", id="name"),
    pytest.param({"last_name": 'Lee" OR "x'}, '"JORDAN","Lee"" OR ""x",buyer,,', "name", id="quotes"),
    pytest.param({"first_name": "Zoë"}, "ZOË,Lee,buyer,,", "name", id="accents"),
]


@pytest.mark.parametrize(("body", "row", "by"), SAME)
def test_a_duplicate_is_reported_and_nothing_is_written(agency, body, row, by):
    old = agency.create(**{**JORDAN, "last_name": "Lee", **body})
    ended = agency.load(f"{HEADER},email,phone\n{row}\nNew,One,buyer,new@b,\n")
    name = f"{old['first_name']} {old['last_name']}"
    assert f'duplicate of this client by {by}: 1 row (line 2: "{name}"); --on-duplicate' in ended.out
    assert (ended.code, len(agency.clients())) == (1, 1)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("Jordan,Lee,buyer,other@b,661 555 0142", id="address"),
        pytest.param("Jordan,Lee,buyer,,662 555 0142", id="phone of another area"),
        pytest.param("Zoe,Lee,buyer,,", id="name without its accent"),
    ],
)
def test_another_person_is_not_a_duplicate(agency, row):
    for first in ("Jordan", "Zoë"):
        agency.create(**{**JORDAN, "first_name": first, "last_name": "Lee", "phone": "+1 661 555-0142"})
    assert agency.load(f"{HEADER},email,phone\n{row}\n").code == 0


@pytest.mark.parametrize("arguments", [(), ("--on-duplicate", "skip")])
def test_another_person_with_the_phone_number_is_listed_and_imported(agency, arguments):
    agency.create(**JORDAN, phone="+1 661 555-0142")
    ended = agency.load(f"{HEADER},phone\nDana,Lee,buyer,661 555 0142\n", *arguments)
    line = 'possible duplicate of this client by phone alone: 1 row (line 2: "Jordan Lee"); imported'
    assert (ended.code, line in ended.out, len(agency.clients())) == (0, True, 2)


def test_a_person_is_a_duplicate_among_others_with_the_phone_number(agency):
    for first_name in ("Dana", "Jordan"):
        agency.create(**{**JORDAN, "first_name": first_name}, phone="5550142")
    ended = agency.load(f"{HEADER},phone\nJordan,Lee,buyer,5550142\n")
    assert (ended.code, "\nduplicate of this client by phone: 1 row" in f"\n{ended.out}") == (1, True)


@pytest.mark.parametrize(("policy", "counted"), [("fail", "1 duplicate"), ("skip", "1 skipped")])
def test_a_duplicate_is_rejected_and_the_others_are_imported(agency, tmp_path, policy, counted):
    agency.create(**JORDAN, email="j@b")
    rows = f"{HEADER},email\nJo,Lee,buyer,j@b\nNew,One,buyer,n@b\n"
    ended = agency.load(rows, "--rejects", tmp_path / "rejects.csv", "--on-duplicate", policy)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, f"1 created, {counted}; 1 client written.")
    assert "duplicate of this client by email: Jordan Lee" in (tmp_path / "rejects.csv").read_text()


@pytest.mark.parametrize(
    ("policy", "counts", "names"),
    [
        ("skip", "1 created, 2 skipped;", ["Jordan", "New"]),
        ("create", "3 created;", ["Jordan", "Jo", "Joe", "New"]),
    ],
)
def test_duplicates_are_skipped_or_created(agency, policy, counts, names):
    old = agency.create(**JORDAN, email="j@b")
    content = f"{HEADER},email\nJo,Lee,buyer,j@b\nJoe,Lee,buyer,j@b\nNew,One,buyer,n@b\n"
    assert counts in agency.load(content, "--on-duplicate", policy).out
    assert [client["first_name"] for client in agency.clients()] == names
    assert {name: agency.clients()[0][name] for name in old} == old


# --- rows with ids

OTHER_ID = "0190b6a0-0000-7000-8000-000000000002"


def lines(*records):
    return "\n".join(map(json.dumps, records))


def test_a_known_id_is_a_duplicate(agency):
    agency.load(lines(RECORD))
    ended = agency.load(lines({**RECORD, "first_name": "Dana"}))
    assert 'duplicate of this client by id: 1 row (line 1: "Jordan Lee");' in ended.out
    assert ended.code == 1


@pytest.mark.parametrize("erased", [False, True])
def test_a_deleted_client_does_not_come_back(agency, erased):
    agency.load(lines(RECORD))
    if erased:
        agency.run("erase", "--yes", RECORD["id"])
    else:
        with agency.app() as app:
            app.clients.delete(agency.caller, RECORD["id"])
    ended = agency.load(lines(RECORD))
    assert (ended.code, "a client that was deleted" in ended.out) == (1, True)
    assert "1 skipped; there was nothing to write" in agency.load(lines(RECORD), "--on-duplicate", "skip").out
    assert agency.clients() == []


@pytest.mark.parametrize("first", [RECORD, {**RECORD, "id": None}])
def test_a_row_with_an_id_matches_no_other_client(agency, first):
    assert "2 created" in agency.load(lines(first, {**RECORD, "id": OTHER_ID})).out


def test_a_client_that_is_created_again_gets_a_new_id(agency):
    agency.load(lines(RECORD))
    agency.load(lines(RECORD), "--on-duplicate", "create")
    assert len({client["id"] for client in agency.clients()}) == 2
