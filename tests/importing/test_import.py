"""``acare import`` of CSV as agencies have it: encodings, headers, values, problems, duplicates."""

import json
import re
import time

import pytest
from support.data import ALL_FIELDS, JORDAN, TIMESTAMP
from support.importing import HEADER, USER

from acare.importing import cells

PLAIN = "Name;Type;Notes\nZoë Müller;buyer;“quoted”\n"
NAME = ("Zoë", "Müller", "“quoted”")


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        pytest.param(PLAIN.encode(), [], id="UTF-8"),
        pytest.param(PLAIN.encode("utf-8-sig"), [], id="UTF-8 with a byte order mark"),
        pytest.param(PLAIN.encode("utf-16"), [], id="UTF-16"),
        pytest.param(PLAIN.encode("utf-16-be"), [], id="UTF-16 without a byte order mark"),
        pytest.param(PLAIN.encode("cp1252"), [], id="Windows-1252"),
        pytest.param(
            "Zoë Müller".join(PLAIN.split("Zoë Müller")).encode("cp1252")[:31] + "r;“quoted”\n".encode(),
            [],
            id="mixed",
        ),
        pytest.param(PLAIN.replace(";", ",").encode(), [], id="comma"),
        pytest.param(PLAIN.replace(";", "\t").encode(), [], id="tab"),
        pytest.param(b"sep=;\n" + PLAIN.encode(), [], id="sep= line"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), [], id="CR alone"),
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), [], id="CR LF"),
        pytest.param(b"\n;;\n" + PLAIN.replace("\n", "\n;;\n\n").encode(), [], id="empty lines"),
        pytest.param(PLAIN.encode().rstrip(b"\n"), [], id="no line break at the end"),
    ],
)
def test_a_file_is_read_however_it_is_written(agency, content, arguments):
    assert agency.load(content, *arguments).code == 0
    assert [(c["first_name"], c["last_name"], c["notes"]) for c in agency.clients()] == [NAME]


@pytest.mark.parametrize(
    ("header", "cell", "field", "value"),
    [
        ("E-mail", "a@b", "email", "a@b"),
        ("EMAIL ADDRESS", " a@b ", "email", "a@b"),
        ("Mobile", "(661) 555-0142", "phone", "(661) 555-0142"),
        ("Budget", '"$350,000"', "budget_max", 350000),
        ("Min. Price", '"350.000,00 EUR"', "budget_min", 350000),
        ("Pre-Approved", "Yes", "pre_approved", True),
        ("Status", "Active", "status", "active"),
        ("Tags", "vip; first-time;", "tags", ["vip", "first-time"]),
        ("Notes", '"two\nlines"', "notes", "two\nlines"),
        ("Created On", "7/15/2024", "created_at", "2024-07-15T00:00:00.000Z"),
        ("Bedrooms", "3", "property_preferences", {"bedrooms_min": 3}),
        ("Property Type", "condo;house", "property_preferences", {"property_types": ["condo", "house"]}),
        ("Agent", "Ana@Example.com", "owner", USER),
    ],
)
def test_headers_and_values_are_recognized(agency, header, cell, field, value):
    ended = agency.load(f"First Name,surname,Type,{header}\nJordan,Lee,Buyer,{cell}\n")
    assert ended.code == 0, ended.out
    assert agency.clients()[0][field] == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("350k", 350000), ("1.2M", 1200000), ("1 234 567", 1234567), ("CHF 1'200'000", 1200000),
        ("475000.5", 475000.5), ("475.125", 475125), ("475.1250", 475.125), ("0.125", 0.125),
        ("1,234,567.89", 1234567.89), ("350,00", 350), ("€ 99", 99), ("99\u00a0EUR", 99), ("5.0", 5),
        ("-5", "-5"), ("1,2,3", "1,2,3"), ("1,234,5", "1,234,5"), ("12 apples", "12 apples"), ("(5)", "(5)"),
        ("350 k€", 350000), ("350 kEUR", 350000), ("1.2 M USD", 1200000), ("350 kr", 350), ("US$ 350", 350),
        ("350 TEUR", "350 TEUR"), ("TEUR 350", "TEUR 350"), ("350 Mio", "350 Mio"), ("350 k x", "350 k x"),
        ("350 m²", "350 m²"), ("350 T€", "350 T€"), ("350 mxn", 350), ("350 ¢", "350 ¢"),
    ],
)  # fmt: skip
def test_money(text, value):
    assert cells.money(text) == value


@pytest.mark.parametrize(
    ("start", "repeated", "end"),
    [
        ("1", " ", "%%"), ("EUR", " ", "%"), ("1", " ", "k%"), ("1.", "1", "%"), ("", "1 234", "%"),
        ("1/1/2026", " ", "%"), ("1/1/2026 1:00", " ", "%"), ("1/1/2026,", " ", "1:0"), ("", "'", "x"),
        ("'", " ", "x"), ("", "a", "1"), ("", "jr ", "jr"), ("", "[", ""), ("", "; ", ""), ("", "1", ""),
        ("1", "\u3000", "€€"), ("", "von ", "x"),
    ],
)  # fmt: skip
def test_a_hostile_cell_is_read_at_once(start, repeated, end):
    text = start + repeated * (130_000 // len(repeated)) + end
    began = time.process_time()
    for read in (cells.money, cells.timestamp, cells.boolean, cells.word, cells.texts, cells.full_name):
        read(text)
    cells.undefuse(cells.defuse(text))
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("text", "day_first", "value"),
    [
        ("2026-07-15", False, "2026-07-15T00:00:00.000Z"),
        ("2026-07-15T14:32:10.123Z", False, "2026-07-15T14:32:10.123Z"),
        ("2026-07-15 14:32+02:00", False, "2026-07-15T12:32:00.000Z"),
        ("7/5/2026 2:05 PM", False, "2026-07-05T14:05:00.000Z"),
        ("7/5/2026", True, "2026-05-07T00:00:00.000Z"),
        ("15.7.26", False, "2026-07-15T00:00:00.000Z"),
        ("15/7/2026", False, None),
        ("2026-02-30", False, None),
        ("yesterday", False, None),
    ],
)
def test_dates(text, day_first, value):
    assert cells.timestamp(text, day_first=day_first) == value


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Jordan Lee", "Jordan", "Lee"),
        ("Lee, Jordan", "Jordan", "Lee"),
        ("Mary Ann Lee", "Mary Ann", "Lee"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("José de la Cruz Pérez", "José", "de la Cruz Pérez"),
        ("Martin King Jr.", "Martin", "King Jr."),
        ("Martin King, Jr.", "Martin", "King Jr."),
        ("Cher", "Cher", ""),
    ],
)
def test_full_names_are_split(text, first, last):
    assert cells.full_name(text) == (first, last)


@pytest.mark.parametrize(
    ("dates", "arguments", "outcome"),
    [
        (["03/04/2024", "25/04/2024"], [], ["2024-04-03", "2024-04-25"]),
        (["03/04/2024", "04/25/2024"], [], ["2024-03-04", "2024-04-25"]),
        (["03/04/2024", "25/04/2024"], ["--dates", "mdy"], ["line 3"]),
        (["03/04/2024"], ["--dates", "dmy"], ["2024-04-03"]),
        (["25/04/2024", "03/04/2024", "04/25/2024"], [], ["line 4"]),
        (["04/04/2024", "5.4.2024"], [], ["2024-04-04", "2024-04-05"]),
        (["03/04/2024", "5.4.2024", "6/5/2024"], [], ["--dates dmy or --dates mdy"]),
    ],
)
def test_a_column_has_one_order_of_day_and_month(agency, dates, arguments, outcome):
    content = f"{HEADER},Created\n" + "".join(f"J,L,buyer,{date}\n" for date in dates)
    ended = agency.load(content, "--on-duplicate", "create", *arguments)
    found = re.findall("^line [0-9]|--dates dmy or --dates mdy", ended.out + ended.err, re.MULTILINE)
    assert found + [client["created_at"][:10] for client in agency.clients()] == outcome


TYPE = ("client_type", "client_type")


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (",Lee,buyer,,,", [(2, None, "first_name")]),
        ("Jordan,Lee,renter,,,", [(2, "client_type", "client_type")]),
        ("Jordan,Lee,buyer,jordan@,,", [(2, "email", "email")]),
        ("Jordan,Lee,buyer,,abc,", [(2, "budget_max", "budget_max")]),
        ("Jordan,Lee,buyer,,,2999-01-01", [(2, "created_at", "created_at")]),
        ("Jord\0an,Lee,buyer,,,", [(2, "first_name", "first_name")]),
        ("Jordan,Lee,buyer,,,,more", [(2, None, "row")]),
        ("Jordan,Lee,buy", [(2, "client_type", "client_type"), (2, None, "row")]),
        ('"Jordan" x,Lee,buyer,,,\n', [(2, None, "row")]),
        ('Jordan,"Lee,buyer,,,\n', [(2, None, "row")]),
        ('Jordan,"L\ne",x,a@b,,\nDana,Ray,x,,,', [(2, *["last_name"] * 2), (2, *TYPE), (4, *TYPE)]),
    ],
)  # fmt: skip
def test_each_problem_is_reported_with_its_place(agency, row, problems):
    header = f"{HEADER},email,budget_max,created_at\n"
    assert sorted(agency.problems(header + row), key=str) == sorted(problems, key=str)


@pytest.mark.parametrize(("version", "valid"), [(0, False), (1, True), (2**53, True), (2**53 + 1, False)])
def test_a_version_has_limits_that_are_told(agency, version, valid):
    report = agency.report(json.dumps({**JORDAN, "version": version}), "--dry-run")
    messages = [] if valid else ["must be an integer from 1 to 9007199254740992"]
    assert [problem["message"] for problem in report["problems"]] == messages


def test_a_byte_of_no_encoding_is_a_problem(agency):
    assert agency.problems(f"{HEADER}\nJord".encode() + b"\x81,Lee,buyer\n") == [
        (2, "first_name", "first_name")
    ]


def test_nothing_is_written_if_a_row_is_invalid(agency):
    ended = agency.load(f"{HEADER}\nJordan,Lee,buyer\nDana,Ray,renter\nPat,Kim,renter\n")
    assert (ended.code, agency.clients()) == (1, [])
    assert 'line 3, client_type: "renter" (client_type) must be one of buyer, seller, both' in ended.out
    assert "2 x client_type must be one of buyer, seller, both" in ended.out


PLAIN_FAILURES = {
    "no names": ("Type,Email\nbuyer,b\n", "no column is a name"),
    "no known column": ("Street|City\na|b\n", "no column is recognized: Street|City"),
    "no rows": (f"{HEADER}\n\n", "no rows"),
    "no end of a quote": ('"Type,Name\nbuyer,b\n', "line 1, the header must have closed quotes"),
    "Excel": (b"PK\3\4...", "save it as CSV"),
    "old Excel": (b"\xd0\xcf\x11\xe0", "save it as CSV"),
}


@pytest.mark.parametrize(("content", "said"), PLAIN_FAILURES.values(), ids=PLAIN_FAILURES)
def test_a_file_without_clients_is_refused_at_once(agency, content, said):
    ended = agency.load(content)
    assert (ended.code, ended.out, said in ended.err, "in.csv" in ended.err) == (1, "", True, True)


@pytest.mark.parametrize("content", ["", "\n\n", ";;\n"])
def test_an_empty_file_is_refused(agency, content):
    ended = agency.load(content)
    assert (ended.code, ended.err) == (1, f"acare: {agency.folder}/in.csv: the file is empty\n")


@pytest.mark.parametrize("content", [b"\0", "Name;Type\nA B;buyer\n".encode("utf-16")[:-1]])
def test_a_file_with_half_a_letter_is_refused(agency, content):
    ended = agency.load(content)
    assert (ended.code, ended.err.count("\n")) == (1, 1)


def test_a_mapped_column_that_is_missing_is_named(agency):
    ended = agency.load(f"{HEADER}\n", "--map", "Tel=phone")
    assert (ended.code, "'Tel'" in ended.err) == (1, True)


def test_map_names_a_column_and_can_ignore_one(agency):
    agency.load(f"{HEADER},Tel,email\nJordan,Lee,buyer,555,a@b\n", "--map", "Tel=phone", "--map", "email=")
    client = agency.clients()[0]
    assert (client["phone"], client["email"]) == ("555", None)


@pytest.mark.parametrize("default", ["client_type=byer", "budget_max=lots", "owner=x", "source"])
def test_a_default_that_cannot_be_is_refused_at_once(agency, capsys, default):
    with pytest.raises(SystemExit) as ended:
        agency.load(f"{HEADER}\n", "--default", default)
    assert ended.value.code == 2


def test_default_fills_what_a_row_does_not_have(agency):
    agency.load("Name,Source\nJordan Lee,Zillow\nDana Ray,\n", "--default", "client_type=buyer", "--default",
                "source=old list")  # fmt: skip
    assert [(c["client_type"], c["source"]) for c in agency.clients()] == [
        ("buyer", "Zillow"),
        ("buyer", "old list"),
    ]


@pytest.mark.parametrize(
    "content", ["Name,email,Type,Status\nJ L,j@b,,\n", '{"first_name":"J","last_name":"L","email":"j@b"}']
)
def test_defaults_are_for_clients_that_are_created(agency, content):
    old = agency.create(
        first_name="J", last_name="L", client_type="seller", status="closed", email="j@b", notes="x"
    )
    defaults = ("--default", "client_type=buyer", "--default", "status=active", "--default", "notes=new")
    report = agency.report(content, *defaults, "--on-duplicate", "update")
    (client,) = agency.clients()
    assert (report["skipped"], {name: client[name] for name in old}) == (1, old)


def test_what_lenient_moves_to_the_notes_replaces_their_default(agency):
    arguments = ("--lenient", "--default", "notes=old list", "--on-duplicate", "update")
    agency.create(**JORDAN, email="j@b")
    agency.load(f"{HEADER},email,Budget\nJordan,Lee,buyer,j@b,abc\nDana,Ray,buyer,,abc\n", *arguments)
    assert [client["notes"] for client in agency.clients()] == ["Budget: abc"] * 2


def test_a_row_of_defaults_alone_changes_nothing(agency):
    old = agency.create(**JORDAN)
    defaults = [
        f"{name}={value}"
        for name, value in (("first_name", "A"), ("last_name", "B"), ("client_type", "buyer"))
    ]
    arguments = [argument for default in defaults for argument in ("--default", default)]
    report = agency.report(json.dumps({"id": old["id"]}), *arguments, "--on-duplicate", "update")
    assert (report["skipped"], agency.clients()[0]["first_name"]) == (1, old["first_name"])


def test_unknown_columns_are_named_and_kept_if_asked(agency):
    content = f"{HEADER},Dog,Phone,Phone\nJordan,Lee,buyer,Rex,1,2\n"
    assert agency.report(content, "--dry-run")["unknown_columns"] == ["Dog", "Phone (6)"]
    agency.load(content, "--extra-columns")
    assert agency.clients()[0]["property_preferences"] == {"Dog": "Rex", "Phone (6)": "2"}


def test_two_columns_of_one_field_fill_each_other(agency):
    agency.load(f"{HEADER},Phone,Home\nJordan,Lee,buyer,,2\n", "--map", "Home=phone", "--map", "Phone=phone")
    assert agency.clients()[0]["phone"] == "2"


def test_two_hundred_columns_are_read(agency):
    more = ",".join(f"c{number}" for number in range(200))
    assert agency.load(f"{HEADER},{more}\nJordan,Lee,buyer,{more}\n").code == 0


def test_the_order_is_that_of_creation_then_of_insertion(agency):
    agency.create(first_name="New", last_name="x", client_type="buyer")
    for times in (
        {"no time": "", "d": "2024-02-01", "b": "2024-01-01"},
        {
            "c": "2024-01-01",
            "then": "2024-01-01T00:00:00.001Z",
            "0": "1970-01-01",
            "-1": "1969-12-31T23:59:59.999Z",
            "first": "0001-01-01",
        },
    ):
        rows = "".join(f"{name},x,buyer,{time}\n" for name, time in times.items())
        assert agency.load(f"{HEADER},created\n{rows}").code == 0
    order = [client["first_name"] for client in agency.clients()]
    assert order == ["first", "-1", "0", "b", "c", "then", "d", "New", "no time"]
    assert agency.report(f"{HEADER},notes\n0,x,buyer,new\n", "--on-duplicate", "update")["updated"] == 1


def test_clients_of_one_time_are_in_the_order_of_insertion(agency):
    row, late = "{},x,buyer,2024-01-01\n", "late,x,buyer,2024-01-01T00:00:00.001Z\n"
    agency.load(f"{HEADER},created\n{late}{''.join(map(row.format, 'ABC'))}")
    with agency.app() as app:
        app.clients.delete(agency.caller, agency.clients()[1]["id"])
    agency.load(f"{HEADER},created\n{row.format('D') * 100}", "--on-duplicate", "create")
    assert [client["first_name"] for client in agency.clients()] == [*"AC", *"D" * 100, "late"]


def test_lenient_moves_invalid_optional_values_to_the_notes(agency):
    row = "Jordan,Lee,buyer,no address,abc,never,Likes dogs\n"
    ended = agency.load(f"{HEADER},E-Mail,budget_max,Created,notes\n{row}", "--lenient")
    assert ended.code == 0, ended.out
    client = agency.clients()[0]
    assert (client["email"], client["budget_max"]) == (None, None)
    assert sorted(client["notes"].split("\n")) == [
        "Created: never",
        "E-Mail: no address",
        "Likes dogs",
        "budget_max: abc",
    ]


def test_a_full_name_of_one_word_lacks_the_last_name(agency):
    content = "Name,Type\nMadonna,buyer\n"
    assert 'Name: "Madonna" (last_name) is missing from this full name' in agency.load(content).out
    assert agency.load(content, "--default", "last_name=-").code == 0
    assert [(c["first_name"], c["last_name"]) for c in agency.clients()] == [("Madonna", "-")]


def test_lenient_still_refuses_required_fields(agency):
    assert agency.problems(f"{HEADER},email\nJordan,Lee,renter,x\n", "--lenient") == [
        (2, "client_type", "client_type")
    ]


@pytest.mark.parametrize(("first", "delimiter"), [("", ","), ("", ";"), ("sep=|\n", "|")])
def test_refused_rows_can_be_corrected_and_imported(agency, tmp_path, first, delimiter):
    rows = ("Jordan,Lee,buyer,=1,25/7/2024", "Dana,Ray,renter,'=2,5/8/2024", "Pat,Kim,renter,=3,6/8/2024")
    content = first + "\n".join((f"{HEADER},phone,created", *rows)).replace(",", delimiter)
    refused = tmp_path / "refused.csv"
    assert agency.load(content, "--rejects", refused).code == 0
    corrected = refused.read_text("utf-8-sig").replace("renter", "both")
    header = f"{HEADER},phone,created,acare_reason".replace(",", delimiter)
    assert corrected.startswith(f"{first}{header}\n")
    assert "must be one of buyer, seller, both" in corrected
    assert f"{delimiter}=" not in corrected
    assert agency.report(corrected)["unknown_columns"] == []
    assert [(c["first_name"], c["phone"], c["created_at"][:10]) for c in agency.clients()] == [
        ("Jordan", "=1", "2024-07-25"),
        ("Dana", "=2", "2024-08-05"),
        ("Pat", "=3", "2024-08-06"),
    ]


@pytest.mark.parametrize("lone", [b"\\ud800", b"\\udc80", "\ud800".encode(errors="surrogatepass")])
def test_refused_lone_surrogates_are_written_as_json_has_them(agency, tmp_path, lone):
    content = b'{"first_name":"A%s","last_name":"B","client_type":"buyer","k%s":"\\\\%s"}\n' % (
        lone,
        lone,
        lone,
    )
    ended = agency.load(content, "--rejects", tmp_path / "refused.jsonl")
    assert (ended.code, "1 refused" in ended.out) == (0, True)
    (refused,) = (tmp_path / "refused.jsonl").read_text("utf-8").splitlines()
    known = json.loads(content)
    assert {name: value for name, value in json.loads(refused).items() if name in known} == known


def test_another_file_of_refused_rows_is_not_replaced(agency, tmp_path):
    (tmp_path / "refused.csv").write_text("precious")
    ended = agency.load(f"{HEADER}\nDana,Ray,renter\n", "--rejects", tmp_path / "refused.csv")
    assert (ended.code, (tmp_path / "refused.csv").read_text()) == (1, "precious")


def test_a_dry_run_writes_nothing(agency, tmp_path):
    ended = agency.load(
        f"{HEADER}\nJordan,Lee,buyer\nx,,\n", "--dry-run", "--rejects", tmp_path / "refused.csv"
    )
    assert "1 valid, 1 refused" in ended.out
    assert ended.out.startswith('CSV, UTF-8, delimiter ","\n    first_name -> first_name\n')
    assert agency.clients() == []
    assert not (tmp_path / "refused.csv").exists()


def test_a_problem_without_a_cell_and_the_ways_out(agency):
    content = "first_name,client_type\nJordan,buyer\n"
    printed = [agency.load(content, *lenient).out for lenient in ([], ["--lenient"])]
    assert all("line 2: last_name is required\n" in text for text in printed)
    assert ["--lenient" in text for text in printed] == [True, False]  # as a way out


def test_an_unknown_owner_is_a_problem_or_a_new_user(agency):
    content = f"{HEADER},Owner\nJordan,Lee,buyer,new@example.com\n"
    assert agency.problems(content) == [(2, "Owner", "owner")]
    assert agency.load(content, "--create-users").code == 0
    assert agency.clients()[0]["owner"] == "new@example.com"


def test_an_unknown_user_is_a_failure(agency):
    ended = agency.run("import", agency.write(f"{HEADER}\n"), "--user", "unknown@example.com")
    assert (ended.code, "--create-users" in ended.err, "is it" in ended.err) == (1, True, False)
    ended = agency.run("import", agency.write(f"{HEADER}\n"), "--user", "anna@example.com")
    assert (ended.code, f"is it {USER}?" in ended.err) == (1, True)


def test_an_owner_is_known_in_any_case_of_ascii_letters(agency):
    agency.run("key", "create", "--user", "Änne@example.com")
    content = f"{HEADER},Owner\nJordan,Lee,buyer,%s\n"
    assert agency.problems(content % "änne@example.com") == [(2, "Owner", "owner")]
    path = agency.write(content % "ÄNNE@Example.com")
    assert agency.run("import", path, "--user", "änne@example.com").code == 1
    assert agency.run("import", path, "--user", "ÄNNE@example.com").code == 0
    assert agency.clients()[0]["owner"] == "Änne@example.com"


# --- duplicates

SAME = [
    pytest.param({"email": "J@b", "phone": "1"}, "Pat,Kim,buyer,j@B,2", "email", id="address"),
    pytest.param(
        {"email": "ÄSS@STRAẞE.de"}, "Pat,Kim,buyer,Äss@straẞe.DE,", "email", id="address beyond ASCII"
    ),
    pytest.param({"phone": "(661) 555"}, "Pat,Kim,buyer,,661-555", "phone", id="digits"),
    pytest.param({"phone": "661 555 ext. 5"}, "Pat,Kim,buyer,,661 555 ext. 5", "phone", id="extension"),
    pytest.param({"phone": "+49 661 5550142"}, "Pat,Kim,buyer,,+49 (661) 555-0142", "phone", id="country"),
    pytest.param({"email": "other@b"}, "JORDAN,Lee,buyer,,", "name", id="name"),
    pytest.param({"last_name": "O'Brien-Lee III."}, "Jordan,o'brien-LEE iii.,buyer,,", "name", id="marks"),
    pytest.param({"last_name": "🏡"}, "Jordan,🏡,buyer,,", "name", id="no letters"),
    pytest.param({"last_name": 'Lee" OR "x'}, '"JORDAN","Lee"" OR ""x",buyer,,', "name", id="quotes"),
    pytest.param({"first_name": "Zoë", "last_name": "Groß"}, "ZOË,GROß,buyer,,", "name", id="accents"),
]


@pytest.mark.parametrize(("body", "row", "by"), SAME)
def test_a_duplicate_is_reported_and_nothing_is_written(agency, body, row, by):
    old = agency.create(**{**JORDAN, "last_name": "Lee", **body})
    report = agency.report(f"{HEADER},email,phone\n{row}\nNew,One,buyer,new@b,\n")
    assert [(found["line"], found["by"], found["client"]) for found in report["duplicates"]] == [
        (2, by, old["id"])
    ]
    assert len(agency.clients()) == 1


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("Jordan,Lee,buyer,other@b,1 661 555 0142", id="address"),
        pytest.param("Jordan,Lee,buyer,,661 555 0142", id="phone without its country"),
        pytest.param("Zoe,Lee,buyer,,", id="name without its accent"),
        pytest.param("Zoë,Lee,buyer,ä@b,\nZoë,Lee,buyer,Ä@b,", id="address with another letter"),
        pytest.param("Zoë,Ann Lee,buyer,,", id="longer name"),
    ],
)
def test_another_person_is_no_duplicate(agency, row):
    for first in ("Jordan", "Zoë"):
        agency.create(**{**JORDAN, "first_name": first, "last_name": "Lee", "phone": "+1 661 555-0142"})
    assert agency.load(f"{HEADER},email,phone\n{row}\n").code == 0


def test_names_without_letters_can_be_imported(agency):
    assert agency.load(f"{HEADER}\n🏡,🏡,buyer\n").code == 0


def test_a_file_can_have_duplicates_of_its_own(agency):
    report = agency.report(f"{HEADER},email\nA,B,buyer,a@b\nC,D,buyer,A@b\n")
    assert [(found["line"], found["first_line"]) for found in report["duplicates"]] == [(3, 2)]


@pytest.mark.parametrize(
    ("policy", "counts", "clients"),
    [
        ("skip", (1, 0, 2), [("Jordan", "vip", 1), ("New", None, 1)]),
        ("update", (1, 2, 0), [("Jo", "second", 3), ("New", None, 1)]),
        (
            "create",
            (3, 0, 0),
            [("Jordan", "vip", 1), ("Jo", "first", 1), ("Jo", "second", 1), ("New", None, 1)],
        ),
    ],
)
def test_duplicates_are_skipped_updated_or_created(agency, policy, counts, clients):
    agency.create(first_name="Jordan", last_name="Lee", client_type="buyer", email="j@b", source="vip")
    content = f"{HEADER},email,source\nJo,Lee,buyer,j@b,first\nJo,Lee,buyer,j@b,second\nNew,One,buyer,n@b,\n"
    report = agency.report(content, "--on-duplicate", policy)
    assert (report["created"], report["updated"], report["skipped"]) == counts
    assert [(c["first_name"], c["source"], c["version"]) for c in agency.clients()] == clients


def test_all_problems_are_listed_before_their_summary(agency):
    lines = agency.load(f"{HEADER},Dog\n" + "A,B,renter,x\n" * 301).out.splitlines()
    assert [("(client_type) must be" in line, "Dog" in line) for line in lines[:302]] == [
        (False, True),
        *[(True, False)] * 301,
    ]
    assert lines[302] == "301 x client_type must be one of buyer, seller, both"


def test_an_update_leaves_what_the_file_does_not_have(agency):
    old = agency.create(**ALL_FIELDS)
    report = agency.report(
        f"{HEADER},email,tags,notes\nJordan,Lee,buyer,{old['email']},new,\n", "--on-duplicate", "update"
    )
    assert report["updated"] == 1
    new = agency.clients()[0]
    changed = {name for name in old if new[name] != old[name]}
    assert (new["tags"], changed) == (["new"], {"tags", "version", "updated_at"})


def test_an_update_that_changes_nothing_makes_no_version(agency):
    agency.create(**ALL_FIELDS)
    report = agency.report(
        f"{HEADER},email\nJordan,Lee,buyer,{ALL_FIELDS['email']}\n", "--on-duplicate", "update"
    )
    assert (report["skipped"], agency.clients()[0]["version"]) == (1, 1)


def test_an_update_that_would_cross_the_budgets_is_a_problem(agency):
    agency.create(**ALL_FIELDS)
    content = f"{HEADER},email,budget_min\nJordan,Lee,both,{ALL_FIELDS['email']},500\n"
    ended = agency.load(content, "--on-duplicate", "update")
    assert (ended.code, agency.clients()[0]["version"]) == (1, 1)
    assert "(budget_min) must not be more" in ended.out


def test_a_row_without_an_id_can_be_the_client_of_a_row_with_one(agency):
    rows = [
        {**JORDAN, "email": "j@b", "id": "00000000-0000-7000-8000-000000000001"},
        {**JORDAN, "email": "j@b"},
    ]
    report = agency.report("\n".join(map(json.dumps, rows)))
    assert [(found["line"], found["by"], found["first_line"]) for found in report["duplicates"]] == [
        (2, "email", 1)
    ]
    assert agency.clients() == []
    rows[1]["id"] = "00000000-0000-7000-8000-000000000002"
    assert agency.report("\n".join(map(json.dumps, rows)))["created"] == 2


@pytest.mark.parametrize("exists", [False, True])
def test_budgets_that_two_rows_cross_are_found_before_anything_is_written(agency, exists):
    if exists:
        agency.create(**JORDAN, email="j@b", budget_max=300)
    content = (
        f"{HEADER},email,budget_min,budget_max\nJordan,Lee,buyer,j@b,500,900\nJordan,Lee,buyer,j@b,,400\n"
    )
    report = agency.report(content, "--on-duplicate", "update")
    crossed = [(problem["line"], problem["field"]) for problem in report["problems"]]
    assert (crossed, report["created"], len(agency.clients())) == ([(3, "budget_min")], None, exists)
    assert agency.load(content.replace(",,400", ",,600"), "--on-duplicate", "update").code == 0
    assert [(c["budget_min"], c["budget_max"]) for c in agency.clients()] == [(500, 600)]


def test_rows_of_two_deleted_clients_do_not_cross(agency):
    rows = [{"budget_min": 500}, {"budget_max": 400}]
    lines = []
    for row in rows:
        old = agency.create(**JORDAN)
        assert agency.run("erase", old["id"]).code == 0
        lines.append(json.dumps({**JORDAN, **row, "id": old["id"]}))
    report = agency.report("\n".join(lines), "--on-duplicate", "update")
    assert ([found["deleted"] for found in report["duplicates"]], report["skipped"]) == ([True, True], 2)


def test_budgets_that_cross_only_when_rows_are_written_are_told(agency):
    agency.create(**JORDAN, email="j@b")
    content = (
        f"{HEADER},email,phone,budget_min,budget_max\nJordan,Lee,buyer,j@b,555,500,\nJ,L,buyer,,555,,400\n"
    )
    ended = agency.load(content, "--on-duplicate", "update")
    assert (ended.code, "line 3" in ended.err, "budget_min must not be more" in ended.err) == (1, True, True)
    assert agency.load(content.replace("400", "600"), "--on-duplicate", "update").code == 0
    assert [(c["budget_min"], c["budget_max"]) for c in agency.clients()] == [(500, 600)]


def test_the_report_as_json_is_one_object(agency):
    report = json.loads(agency.load(f"{HEADER}\nJordan,Lee,renter\n", "--json").out)
    assert report["problems"] == [
        {"line": 2, "column": "client_type", "value": "renter", "field": "client_type",
         "message": "must be one of buyer, seller, both"}
    ]  # fmt: skip


def test_the_history_has_the_time_of_the_import_itself(agency):
    agency.load("Name,Type,Created\nAna Vega,buyer,2020-05-17\n")
    (client,) = agency.clients()
    lines = agency.run("history", client["id"]).out.splitlines()
    began = TIMESTAMP.match(lines[1])[0]
    assert lines[1] == f"{began}  version 1  imported by the operator"
    assert client["created_at"] < "2020-05-18" < "2026" < began
