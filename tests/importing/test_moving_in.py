"""``acare import`` of the exports of other programs: their columns, words and names, and the report."""

import configparser
import re
from pathlib import Path

import pytest
from support.importing import HEADER, USER

from acare.importing import csv_reader

BUYERS = ("--default", "client_type=buyer")


# --- what a row becomes

TYPES = """Name,Mobile,Budget,Pre-Approved,Tags,Preferences
A B,(661) 555-0142,"$350,000",Yes,vip; first-time;,"{""a"":1}"
"""
TYPED = {"phone": "(661) 555-0142", "budget_max": 350000, "pre_approved": True, "tags": ["vip", "first-time"],
         "property_preferences": {"a": 1}}  # fmt: skip
NOTES = ["--map=Street=notes", "--map=City=notes"]
MEANINGS = [f"--value=Stage:{each}" for each in ("new=inactive", "Bad: timing=?=closed", "*=active")]
STREETS = "Name,Street,Phone,Phone,City,Notizen\nA B,Main St 1,1,2,Taft,Dogs"
GERMAN = "Name,Art,Kundenstatus,Tel. mobil\nA B,Eigentümerin,geschlossen,5"
NUMBERS = "Name,Phone,Notes\nA B,661 ::: 662 ::: 663,VIP"
NO_TEXT = '{"first_name":"A","last_name":"B","client_type":"","source":""}'
OLD_BUYER = {"client_type": "buyer", "source": "old"}
BOTH_CLOSED = {"client_type": "both", "status": "closed"}
ROWS = {  # the file, arguments, and fields of the client
    "a name with accents and marks": ("prenom,NOM,E_Mail\nAna,Vega,a@b", [], {"email": "a@b"}),
    "each type of field": (TYPES, [], TYPED),
    "a name beside a first name": ("Vorname,Name\nAna,de la Cruz", [], {"last_name": "de la Cruz"}),
    "a name beside a last name": ("Nachname,Name\nVega,Ana", [], {"first_name": "Ana"}),
    "an owner": ("First Name,surname,Agent\nA,B,Ana@Example.com", [], {"owner": USER}),
    "the first of two columns": ("Name,Cell Phone 2,Phone\nA B,1,2", [], {"phone": "1"}),
    "the mapped one of two columns": ("Name,Cell,Phone\nA B,1,2", ["--map=Phone=phone"], {"phone": "2"}),
    "a mapped column": ("Name,Nr\nA B,555", ["--map", "Nr=phone"], {"phone": "555"}),
    "an ignored column": ("Name,email\nA B,a@b", ["--map", "email="], {"email": None}),
    "a default and a value": ("Name,Source\nA B,web", ["--default=source=old"], {"source": "web"}),
    "a default and JSON without a text": (NO_TEXT, ["--default=source=old"], OLD_BUYER),
    "columns in the notes": (STREETS, NOTES, {"notes": "Dogs\nStreet: Main St 1\nCity: Taft\nPhone (4): 2"}),
    "numbers of Google": (NUMBERS, [], {"phone": "661", "notes": "VIP\nPhone: 662\nPhone: 663"}),
    "German columns": (GERMAN, [], {"client_type": "seller", "status": "closed", "phone": "5"}),
    "French words": ("Name,Type,Status\nA B,Les deux,CLOTURÉ", [], BOTH_CLOSED),
    "Spanish words": ("Name,Type,Status\nA B,ambos,Cerrada", [], BOTH_CLOSED),
    "a meaning": ("Name,Stage\nA B,New", MEANINGS, {"status": "inactive"}),
    "a meaning of text with : and =": ("Name,Stage\nA B,Bad: timing=?", MEANINGS, {"status": "closed"}),
    "a meaning of all other texts": ("Name,Stage\nA B,x", MEANINGS, {"status": "active"}),
    "a star and a blank cell": ("Name,Source\nA B,", ["--value=Source:*=web"], {"source": None}),
    "a text without meaning": ("Name,Phone,Mobile\nA B,n/a,5", ["--value=Phone:n/a="], {"phone": "5"}),
}


@pytest.mark.parametrize(("content", "arguments", "fields"), ROWS.values(), ids=ROWS)
def test_a_row_becomes_a_client(agency, content, arguments, fields):
    agency.load(content, *BUYERS, *arguments)
    (client,) = agency.clients()
    assert {name: client[name] for name in fields} == fields


# --- columns, words and names


def test_a_name_has_the_same_field_in_all_programs():
    table = configparser.ConfigParser(delimiters="=", interpolation=None)
    table.read(Path(csv_reader.__file__).with_name("columns.ini"), "utf-8")
    for field, names in (pair for section in table.values() for pair in section.items()):
        for name in re.split(r",\s*", names):
            found = csv_reader.find_columns(["Name", name], {}, ())[1]
            assert (name, found.target) == (name, field)


def test_an_unknown_user_is_named_before_a_download(agency):
    ended = agency.run("import", "http://127.0.0.1:1", "--user", "anna@example.com")
    assert (ended.is_refusal(), "there is no user anna@example.com" in ended.err) == (True, True)


def test_only_a_row_without_an_owner_needs_a_user(agency):
    agency.write(f"{HEADER},owner\nA,B,buyer,{USER}\nC,D,buyer,\n")
    ended = agency.run("import", agency.folder / "in.csv")
    assert "owner must be the e-mail address of an enabled user: 1 row (line 3); --value maps" in ended.out
    assert agency.run("import", agency.folder / "in.csv", "--rejects", agency.folder / "rest.csv").code == 0


def test_a_disabled_user_gets_no_client(agency):
    agency.run("user", "add", "ben@example.com")
    agency.run("user", "disable", "ben@example.com")
    rows = f"{HEADER},owner\nA,B,buyer,ben@example.com\n"
    ended = agency.load(rows)
    assert 'of an enabled user: 1 row (line 2: "ben@example.com")' in ended.out
    assert (ended.code, agency.clients()) == (1, [])


# --- the report

WITH_ID = (
    '{"id":"00000000-0000-4000-8000-000000000001","first_name":"A","last_name":"B","client_type":"buyer"}'
)


@pytest.mark.parametrize(
    ("header", "row", "hint"),
    [
        ("Name", "A B", "client_type is required: 1 row (line 2); --default client_type=buyer is for rows"),
        ("Name,Client Type", "A B,Mieter", "(line 2: \"Mieter\"); --value 'Client Type:Mieter=buyer', for"),
        ("", WITH_ID.replace("buyer", "renter"), '(line 2: "renter"); --rejects FILE imports the other'),
        ("", WITH_ID.replace("}", ',"created_at":"x"}'), '(line 2: "x"); --rejects FILE imports the other'),
        ("Name,Type,Owner", "A B,buyer,Ana (ana@example.com)", '(line 2: "Ana (ana@example.com)"); --value'),
        (
            "Vorname,Name,Type",
            "Ana,,buyer",
            "for rows without one, and --map COLUMN=full_name for full names\n",
        ),
        ("Name,Type,Created", "A B,buyer,5/7/2024", "--dates dmy or --dates mdy for dates such as"),
        ("Name,Type,Phone", "A B,buyer,5\nA B,buyer,5", "--on-duplicate skip or create"),
        ("", f"{WITH_ID}\n{WITH_ID}", "--on-duplicate update or skip\n"),
        ("Name,Type", "A B,buyer,more", "--rejects FILE imports the other rows\n"),
    ],
)
def test_a_kind_of_problem_comes_with_a_hint(agency, header, row, hint):
    assert hint in agency.load(f"{header}\n{row}\n").out


def test_a_number_that_a_spreadsheet_has_rounded_says_so(agency):
    printed = agency.load("Name,Phone,Mobile\nA B,4.91512E+11,\n", *BUYERS).out
    assert "phone was rounded by a spreadsheet: format the column as text there" in printed
