"""``acare import`` of CSV as agencies have it: encodings, headers, values, problems."""

import codecs
import json
import time
from contextlib import suppress
from functools import partial

import pytest
from support.importing import HEADER

from acare.importing import cells, csv_rows

PLAIN = "Name;Type;Notes\nZoë Müller;buyer;“quoted”\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PLAIN.encode("utf-8-sig"), id="UTF-8 with a byte order mark"),
        pytest.param(PLAIN.encode("cp1252"), id="Windows-1252"),
        pytest.param(PLAIN.encode("cp1252")[:31] + "r;“quoted”\n".encode(), id="mixed"),
        pytest.param(PLAIN.encode("utf-16"), id="UTF-16 with a byte order mark"),
        pytest.param(codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), id="UTF-16, big-endian"),
        pytest.param(PLAIN.replace(";", "\t").encode(), id="tab"),
        pytest.param(b"\n;;\n" + PLAIN.replace("\n", "\n;;\n\n").encode(), id="empty lines"),
    ],
)
def test_a_file_is_read_however_it_is_written(agency, content):
    assert agency.load(content).code == 0
    (client,) = agency.clients()
    assert (client["first_name"], client["last_name"], client["notes"]) == ("Zoë", "Müller", "“quoted”")


CELLS = {
    cells.money: [
        ("1.2M", 1200000), ("1 234 567", 1234567), ("CHF 1'200'000", 1200000),
        ("475000.5", 475000.5), ("475.125", 475125), ("475.1250", 475.125), ("1,234,567.89", 1234567.89),
        ("€ 99", 99), ("99\u00a0EUR", 99), ("350 k€", 350000), ("US$ 350", 350), ("-5", "-5"),
        ("1,234,5", "1,234,5"), ("350 m²", "350 m²"), ("1.250 Mio", "1.250 Mio"), ("biscuit 5", "biscuit 5"),
        ("1.500.000,- €", 1500000), ("CHF 1'500.--", 1500), ("1.500-", "1.500-"), ("350 T€", 350000),
        ("400 TEUR", 400000), ("ca. 300.000 €", 300000), ("bis 450.000", 450000), ("1,2 Mio", 1200000),
        ("1.2m", 1200000), ("450k", 450000), ("bis zu 1,25 Mio. €", 1250000), ("~ 5 Tsd. €", 5000),
    ],
    cells.timestamp: [
        ("2026-07-15", "2026-07-15T00:00:00.000Z"), ("2026-07-15 14:32+02:00", "2026-07-15T12:32:00.000Z"),
        ("5.7.26", "2026-07-05T00:00:00.000Z"),
    ],
    partial(cells.timestamp, dates="mdy"): [("7/5/2026 2:05 PM", "2026-07-05T14:05:00.000Z")],
    partial(cells.timestamp, dates="dmy"): [("7/5/2026", "2026-05-07T00:00:00.000Z")],
    cells.full_name: [
        ("Mary Ann Lee", ("Mary Ann", "Lee")), ("Lee, Jordan", ("Jordan", "Lee")), ("Cher", ("Cher", "")),
    ],
    cells.phone: [
        ("6615550142.0", "6615550142"), ("+1661.0", "+1661"), ("661.555.0", "661.555.0"),
        ("4.9661E+11", 4.9661e11), ("4,9661E+11", 4.9661e11), ("6E+9 ", 6e9),
    ],
    cells.tags: [
        ("vip, buyer", ["vip", "buyer"]), ("vip, buyer;", ["vip, buyer"]), ("* myContacts ::: VIP", ["VIP"]),
        ('["vip; buyer"]', ["vip; buyer"]), ('["vip" buyer', ['["vip" buyer']),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("read", "text", "value"), [(read, *row) for read, rows in CELLS.items() for row in rows]
)
def test_a_cell_is_converted_to_a_value(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [
        ("1", " ", "%%"), ("EUR", " ", "%"), ("1.", "1", "%"), ("", "1 234", "%"), ("1/1/2026", " ", "%"),
        ("", "'", "x"), ("", "; ", ""),
        ("'", " ", "x"), ("", ";'", "x"), ("", "[", ""), ("1", "\u3000", "€€"),
        ("\u0344" * 9999, "\u0f73", ""),
    ],
)  # fmt: skip
def test_a_hostile_cell_is_read_quickly(start, repeated, end):
    text = start + repeated * (130_000 // len(repeated)) + end
    began = time.process_time()
    for read in (cells.money, cells.timestamp, cells.boolean, cells.word, cells.texts, cells.full_name):
        with suppress(ValueError):
            read(text)
    csv_rows.undefuse(csv_rows.defuse(text))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (",Lee,buyer,,,", [("first_name", "line 2")]),
        ("Jordan,Lee,buyer,jordan@,,", [("email", 'line 2: "jordan@"')]),
        (
            "Jordan,Lee,buyer,,abc,2999-01-01",
            [("created_at", 'line 2: "2999-01-01"'), ("budget_max", 'line 2: "abc"')],
        ),
        ("Jord\0an,Lee,buyer,,,", [("first_name", 'line 2: "Jord\\x00an"')]),
        ("Jordan,Lee,buyer,,,,more", [("row", "line 2")]),
        ("Jordan,Lee,buyer,a@b,,\nDana,Ray,buyer,A@b,,", [("duplicate", 'line 3: "Jordan Lee"')]),
        (
            'Jordan,"L\ne",x,,,\nD,Ray,x,,,\nE,Ray,y,,,\nF,Ray,x,,,',
            [("last_name", 'line 2: "L\\ne"'), ("client_type", 'line 2: "x", line 5: "y", ...')],
        ),
        (f"Jordan,Lee,buyer,{'a' * 90},,", [("email", f'line 2: "{"a" * 60}..."')]),
    ],
)
def test_each_kind_of_problem_is_one_line(agency, row, problems):
    assert agency.problems(f"{HEADER},email,budget_max,created_at\n{row}") == problems
    assert agency.load(f"{HEADER},email,budget_max,created_at\n{row}").code == 1
    assert agency.clients() == []


FAILURES = {
    "empty": (b"", "the file is empty"),
    "no names": (b"Type,Email\nbuyer,b\n", "no column has names: Type, Email"),
    "no rows": (f"{HEADER}\n\n".encode(), "no rows"),
    "open quote": (b'Name,Type\nA B,buyer\n"C D,buyer\n', "line 3 must have closed quotes"),
    "Excel": (b"PK\3\4\x14\0\6\0...", "can save it as CSV (UTF-8)"),
    "binary": (b"SQLite format 3\0\x10", "not CSV in UTF-8"),
    "UTF-16": ("Name;Type\nA B;buyer\n".encode("utf-16-le"), "can save it as CSV (UTF-8)"),
    "missing column": (f"{HEADER}\n".encode(), "there is no column 'Tel'", "--map", "Tel=phone"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_file_without_clients_is_refused(agency, failure):
    content, text, *arguments = failure
    ended = agency.load(content, *arguments)
    assert (ended.code, ended.out, text in ended.err) == (1, "", True)


def test_an_invalid_default_is_a_problem_of_rows_without_a_value(agency):
    ended = agency.load("Name,Type\nA B,\nC D,buyer\n", "--default", "client_type=byer")
    assert "client_type must be one of buyer, seller, both: 1 row (line 2)" in ended.out
    assert ended.code == 1


def test_unknown_columns_are_not_imported(agency):
    out = agency.load(f"{HEADER},Dog\nJordan,Lee,buyer,Rex\n").out
    assert "Unknown columns: Dog (not imported; --map COLUMN=notes imports one)\n" in out


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_rejects_can_be_corrected_and_imported(agency, tmp_path, delimiter):
    rows = ("Jordan,Lee,buyer,=1", "Dana,Ray,renter,'=2", "Pat,Kim,renter,=3")
    content = "\n".join((f"{HEADER},phone", *rows)).replace(",", delimiter)
    rejects = tmp_path / "rejects.csv"
    assert agency.load(content, "--rejects", rejects).code == 0
    assert rejects.stat().st_mode & 0o777 == 0o600
    corrected = rejects.read_text("utf-8-sig").replace("renter", "both")
    assert corrected.startswith(f"acare_reason,{HEADER},phone".replace(",", delimiter))
    assert ("must be one of buyer, seller, both" in corrected, "'=3" in corrected) == (True, True)
    assert "Unknown" not in agency.load(corrected).out
    assert [client["phone"] for client in agency.clients()] == ["=1", "=2", "=3"]


def test_an_import_that_refuses_every_row_fails(agency, tmp_path):
    assert agency.load(f"{HEADER}\nDana,Ray,renter\n", "--rejects", tmp_path / "rejects.csv").code == 1
    assert (tmp_path / "rejects.csv").exists()


def test_a_blocked_import_leaves_no_rejects(agency, tmp_path):
    rejects = tmp_path / "rejects.csv"
    content = f"{HEADER},phone\nDana,Ray,renter,1\nA,B,buyer,2\nA,B,buyer,2\n"
    assert agency.load(content, "--rejects", rejects).code == 1
    assert (rejects.exists(), agency.clients()) == (False, [])


def test_text_of_a_file_is_escaped_for_the_terminal(agency):
    content = f"{HEADER},evil\x1b]0;x\x07\nA\x1b[2J,B,buyer,\nC,D,\x9bm\u202e,\n"
    ended = agency.load(content, "--dry-run")
    assert [mark for mark in ended.out if not mark.isprintable() and mark != "\n"] == []
    assert r"evil\x1b]0;x\x07" in ended.out


@pytest.mark.parametrize("option", ["--key-file", "--download", "--proof", "--allow-missing"])
def test_an_option_for_urls_is_refused_with_a_file(agency, option):
    ended = agency.load(f"{HEADER}\nJordan,Lee,buyer\n", option, "notes")
    assert (ended.code, option in ended.err, "need a URL" in ended.err) == (2, True, True)
    assert agency.clients() == []


def test_a_dry_run_writes_nothing(agency, tmp_path):
    rejects = tmp_path / "rejects.csv"
    ended = agency.load(f"{HEADER}\nJordan,Lee,buyer\nx,,\n", "--dry-run", "--rejects", rejects)
    assert ended.out.startswith("    first_name -> first_name\n")
    assert "1 created, 1 refused; nothing was written." in ended.out
    assert (ended.code, agency.clients(), rejects.exists()) == (0, [], False)


def test_the_order_is_by_creation_then_by_insertion(agency):
    agency.create(first_name="New", last_name="x", client_type="buyer")
    agency.load(f"{HEADER},created\nno time,x,buyer,\nd,x,buyer,2024-02-01\nb,x,buyer,2024-01-01\n")
    rows = "c,x,buyer,2024-01-01\n0,x,buyer,1970-01-01\n-1,x,buyer,1969-12-31\nfirst,x,buyer,1700-01-01\n"
    agency.load(f"{HEADER},created\n{rows}")
    order = [client["first_name"] for client in agency.clients()]
    assert order == ["first", "-1", "0", "b", "c", "d", "New", "no time"]


def test_the_history_has_the_time_of_the_import_itself(agency):
    agency.load("Name,Type,Created\nAna Vega,buyer,2020-05-17\n")
    (client,) = agency.clients()
    ((version,),) = [found["history"] for found in json.loads(agency.run("history", client["id"]).out)]
    assert version["action"] == "imported"
    assert client["created_at"] < "2026" < version["at"]
