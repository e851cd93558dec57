"""``acare import`` of CSV as agencies have it: encodings, headers, values, problems."""

import codecs
from functools import partial

import pytest
from support.importing import HEADER

from acare.importing import cells

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
        ("CHF 1'200'000", 1200000), ("475000.5", 475000.5), ("475.125", 475125), ("1,234,567.89", 1234567.89),
        ("99\u00a0EUR", 99), ("1.500.000,- €", 1500000), ("-5", "-5"), ("350 m²", "350 m²"),
        ("350 T€", 350000), ("400 TEUR", 400000), ("ca. 300.000 €", 300000), ("bis 450.000", 450000),
        ("1,2 Mio", 1200000), ("1.2m", 1200000), ("450k", 450000),
        ("180 mil", 180000), ("2 mil", "2 mil"), ("1 millón", 1000000), ("100,5 mil", "100,5 mil"),
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
    ("row", "problems"),
    [
        (
            "Jordan,Lee,buyer,,abc,2999-01-01",
            [("created_at", 'line 2: "2999-01-01"'), ("budget_max", 'line 2: "abc"')],
        ),
        ("Jordan,Lee,buyer,,,,more", [("row", "line 2")]),
        ("Jordan,Lee,buyer,a@b,,\nDana,Ray,buyer,A@b,,", [("duplicate", 'line 3: "Jordan Lee"')]),
        (
            'Jordan,"L\ne",x,,,\nD,Ray,x,,,\nE,Ray,y,,,\nF,Ray,x,,,',
            [("last_name", 'line 2: "L\\ne"'), ("client_type", 'line 2: "x", line 5: "y", ...')],
        ),
    ],
)
def test_each_kind_of_problem_is_one_line(agency, row, problems):
    assert agency.problems(f"{HEADER},email,budget_max,created_at\n{row}") == problems
    assert agency.load(f"{HEADER},email,budget_max,created_at\n{row}").code == 1
    assert agency.clients() == []


FAILURES = {
    "empty": (b"", "the file is empty"),
    "no names": (b"Type,Email\nbuyer,b\n", "no column has names: Type, Email"),
    "open quote": (b'Name,Type\nA B,buyer\n"C D,buyer\n', "line 3 must have closed quotes"),
    "Excel": (b"PK\3\4\x14\0\6\0...", "can save it as CSV (UTF-8)"),
    "UTF-16": ("Name;Type\nA B;buyer\n".encode("utf-16-le"), "can save it as CSV (UTF-8)"),
    "missing column": (f"{HEADER}\n".encode(), "there is no column 'Tel'", "--map", "Tel=phone"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_file_without_clients_is_refused(agency, failure):
    content, text, *arguments = failure
    ended = agency.load(content, *arguments)
    assert (ended.code, ended.out, text in ended.err) == (1, "", True)


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


def test_text_of_a_file_is_escaped_for_the_terminal(agency):
    content = f"{HEADER},evil\x1b]0;x\x07\nA\x1b[2J,B,buyer,\nC,D,\x9bm\u202e,\n"
    ended = agency.load(content, "--dry-run")
    assert [mark for mark in ended.out if not mark.isprintable() and mark != "\n"] == []
    assert r"evil\x1b]0;x\x07" in ended.out


def test_a_dry_run_writes_nothing(agency, tmp_path):
    rejects = tmp_path / "rejects.csv"
    ended = agency.load(f"{HEADER}\nJordan,Lee,buyer\nx,,\n", "--dry-run", "--rejects", rejects)
    assert ended.out.startswith("    first_name -> first_name\n")
    assert "1 created, 1 refused; nothing was written." in ended.out
    assert (ended.code, agency.clients(), rejects.exists()) == (0, [], False)
