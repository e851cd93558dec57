"""``acare import`` of the exports of other programs: their columns, words and names, and the report."""

import pytest
from support.importing import HEADER, USER

from acare.importing import cells, columns

BUYERS = ("--default", "client_type=buyer")


# --- columns


def test_a_name_has_the_same_field_in_all_programs():
    for name, field in columns.known_names():
        found = columns.find_columns(["Name", name], {}, ())[1]
        assert (name, found.field) == (name, field)


def test_case_accents_and_punctuation_of_a_name_do_not_count(agency):
    agency.load("prenom,NOM,E_Mail,Telefono móvil\nAna,Vega,a@b,661\n", *BUYERS)
    client = agency.clients()[0]
    found = [client[name] for name in ("first_name", "last_name", "email", "phone")]
    assert found == ["Ana", "Vega", "a@b", "661"]


@pytest.mark.parametrize(("mapping", "phones"), [((), ["1", "3"]), (("--map=Phone=phone",), ["2", "3"])])
def test_of_two_columns_the_mapped_or_the_first_that_is_filled_counts(agency, mapping, phones):
    agency.load("Name,Cell Phone 2,Phone\nA B,1,2\nC D,,3\n", *BUYERS, *mapping)
    assert [client["phone"] for client in agency.clients()] == phones


def test_the_further_values_of_a_field_are_added_to_the_notes(agency):
    agency.load("Name,Phone,Mobile,Tel,Notes,Background\nA B,1,2,1,x,y\n", *BUYERS)
    assert agency.clients()[0]["notes"] == "x\nMobile: 2\nBackground: y"


def test_the_second_of_two_equal_names_is_known_in_a_file_of_rejects_too(agency, tmp_path):
    agency.load("Name,Mobile,Mobile,Type\nA B,,2,x\n", "--rejects", tmp_path / "rejects.csv")
    agency.load((tmp_path / "rejects.csv").read_text("utf-8-sig"), "--value", "Type:x=buyer")
    assert agency.clients()[0]["phone"] == "2"


# --- words and names


@pytest.mark.parametrize(
    ("cell", "status"),
    [("New", "inactive"), ("NEW ", "inactive"), ("Bad: timing=?", "closed"), ("x", "active")],
)
def test_value_gives_a_text_its_meaning(agency, cell, status):
    words = ("Lead Status:new=inactive", "Lead Status:Bad: timing=?=closed", "Lead Status:*=active")
    agency.load(f"Name,Lead Status\nA B,{cell}\n", *BUYERS, *(f"--value={word}" for word in words))
    assert agency.clients()[0]["status"] == status


def test_the_star_does_not_match_an_empty_cell(agency):
    agency.load("Name,Source\nA B,\n", *BUYERS, "--value", "Source:*=web")
    assert agency.clients()[0]["source"] is None


def test_a_text_without_meaning_leaves_the_field_to_the_next_column(agency):
    agency.load("Name,Phone,Mobile\nA B,n/a,5\n", *BUYERS, "--value", "Phone:n/a=")
    assert agency.clients()[0]["phone"] == "5"


@pytest.mark.parametrize(
    ("value", "text"),
    [("Stage:New=active", "there is no column 'Stage'"), ("Dog:Rex=x", "'Dog' has no field")],
)
def test_a_value_needs_a_column_with_a_field(agency, value, text):
    ended = agency.load("Name,Dog\nA B,Rex\n", "--value", value)
    assert (ended.code, text in ended.err) == (1, True)


def test_only_a_row_without_an_owner_needs_a_user(agency):
    agency.write(f"{HEADER},owner\nA,B,buyer,{USER}\nC,D,buyer,\n")
    ended = agency.run("import", agency.folder / "in.csv")
    assert "owner must be the e-mail address of a user: 1 row (line 3); --user EMAIL" in ended.out
    assert agency.run("import", agency.folder / "in.csv", "--rejects", agency.folder / "rest.csv").code == 0


@pytest.mark.parametrize("names", ["Cher,,", ",Cher,", ",,Cher"])
def test_lenient_completes_a_name_of_one_word(agency, names):
    content = f"First name,Last name,Name\n{names}\n"
    assert agency.load(content, *BUYERS).code == 1
    agency.load(content, *BUYERS, "--lenient")
    client = agency.clients()[0]
    assert (client["first_name"], client["last_name"]) == ("-", "Cher")


@pytest.mark.parametrize(
    ("text", "value"), [("6615550142.0", "6615550142"), ("+1661.0", "+1661"), ("661.555.0", "661.555.0")]
)
def test_the_fraction_of_a_phone_number_is_removed(text, value):
    assert cells.phone(text) == value


def test_of_several_values_in_a_cell_the_first_is_used(agency):
    agency.load("Name,Email,Phone\nA B,a@example.com ::: b@example.com,661 ::: 662\n", *BUYERS)
    (client,) = agency.clients()
    assert (client["email"], client["phone"]) == ("a@example.com", "661")


@pytest.mark.parametrize("phone", ["4.9661E+11", '"4,9661E+11"', "6E+9 "])
def test_a_phone_number_that_a_spreadsheet_has_shortened_is_refused(agency, phone):
    content = f"Name,Phone\nA B,{phone}\n"
    assert "phone must be" in agency.load(content, *BUYERS).out
    agency.load(content, *BUYERS, "--lenient")
    client = agency.clients()[0]
    assert (client["phone"], "E+" in client["notes"]) == (None, True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("vip, buyer", ["vip", "buyer"]),
        ("vip, buyer;", ["vip, buyer"]),
        ("* myContacts ::: VIP", ["* myContacts", "VIP"]),
    ],
)
def test_tags(text, value):
    assert cells.tags(text) == value


# --- the report


@pytest.mark.parametrize(
    ("header", "row", "fix"),
    [
        ("Name", "A B", "--default client_type=buyer"),
        ("Name,Type", "A B,Kauf", "--value Type:Kauf=TYPE, for all others --value 'Type:*=TYPE'"),
        ("Name,Type,Owner", "A B,buyer,Bo Kim", "--value 'Owner:Bo Kim=EMAIL', for"),
        ("Name,Type", "Cher,buyer", "--lenient for names of one word"),
        ("Name,Type,Created", "A B,buyer,5/7/2024", "--dates dmy or --dates mdy for dates such as"),
        ("Name,Type,Phone", "A B,buyer,5\nA B,buyer,5", "--on-duplicate skip or create"),
        ("Name,Type,Phone", "A B,buyer,4.9661E+11", "--lenient, or --rejects FILE; format a column with E+"),
    ],
)
def test_a_kind_of_problem_comes_with_its_fix(agency, header, row, fix):
    assert f"); {fix}" in agency.load(f"{header}\n{row}\n").out


def test_the_fix_of_a_text_is_to_use_another_column_for_the_field(agency):
    """The other column does not win by itself: the first one is not empty."""
    printed = agency.load("Name,Phone,Mobile\nA B,n/a,5\n", *BUYERS).out
    assert '(line 2: "n/a"); --lenient' in printed
    assert "; --value Phone:n/a= or --map Mobile=phone to use another column\n" in printed


def test_the_fix_names_the_column_although_the_first_row_has_no_text(agency):
    ended = agency.run("import", agency.write("Name,Type,Owner\nA B,buyer,\nC D,buyer,Ana\n"))
    assert "; --value Owner:Ana=EMAIL, for all others --value 'Owner:*=EMAIL'; --user EMAIL" in ended.out
