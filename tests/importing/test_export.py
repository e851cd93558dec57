"""``acare export``, and the import of the exported files."""

import json

import pytest
from support.data import ALL_FIELDS, JORDAN, OTHER
from support.importing import RECORD, USER

from acare.fields import FIELDS
from acare.importing import csv_writer

FORMULAS = ["=1+1", "+1", "-1", "@x", "'=1", "''-1", "\uff1d1", "\t=1", "\r=1", " =1", "\n=1",
            "a;=1", "a; '=1", "a\t+1", "a\n@x", "a\r\n-1", ";;=1", "a\n\t=1"]  # fmt: skip

AWKWARD = [
    ALL_FIELDS,
    OTHER,
    JORDAN,
    {**JORDAN, "phone": "+1 661 555", "notes": "=HYPERLINK(1)", "source": "'=x", "tags": ["=1", "'=2", "-3"]},
    {**JORDAN, "email": "=cmd@b", "notes": '  "two"\r\nlines;,\t\n=x ', "tags": ["=b", "[c"]},
    {**JORDAN, "tags": ["a, b"], "preferred_locations": ["Austin, TX"]},
    {**JORDAN, "tags": ["a:::b"], "preferred_locations": ["", "b"]},
    {**JORDAN, "tags": ["a; b", "=1;+2"], "preferred_locations": ['["c"]']},
    {**JORDAN, "notes": "\t=1", "preferred_locations": ["[1]"]},
    {**JORDAN, "property_preferences": {"a": [1.5, None, ";=1"]}},
    {**JORDAN, "budget_min": 475.12, "budget_max": 1e11, "pre_approval_amount": 0.5},
    {**JORDAN, "budget_min": 1e-7, "budget_max": 475.375, "pre_approval_amount": 1234567.8},
    {**JORDAN, "first_name": "李小龙 🏡", "last_name": "O'Brien, Jr."},
]  # fmt: skip


@pytest.mark.parametrize("text", [*FORMULAS, "plain", "'plain", "", "a=1", "a;b"])
def test_formulas_are_defused_and_come_back(text):
    assert csv_writer.undefuse(csv_writer.defuse(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_part_of_a_cell_is_run_as_a_formula(text, delimiter):
    lines = csv_writer.defuse(text).splitlines()
    parts = [part.lstrip(" ") for line in lines for part in line.split(delimiter)]
    assert not any(part.startswith(("=", "+", "-", "@", "\uff1d")) for part in parts)


def test_json_lines_come_back_byte_for_byte(agency, other):
    for body in AWKWARD:
        agency.create(**body)
    exported = agency.run("export").out
    other.load(exported, name="in.jsonl")
    assert other.run("export").out.replace(other.user_id, agency.user_id) == exported


def test_csv_comes_back_equal_in_all_writable_fields(agency, other, tmp_path):
    for body in AWKWARD:
        agency.create(**body)
    agency.run("export", tmp_path / "out.csv")
    other.run("import", tmp_path / "out.csv", "--user", USER, "--on-duplicate", "create")
    names = ["created_at", *(field.name for field in FIELDS)]
    old, new = (
        [{name: client[name] for name in names} for client in each.clients()] for each in (agency, other)
    )
    assert new == old


@pytest.mark.parametrize(("name", "form"), [("x.CSV", ()), ("x.xml", ("--format", "csv"))])
def test_the_format_is_given_or_follows_from_the_name(agency, tmp_path, name, form):
    agency.run("export", tmp_path / name, *form)
    assert (tmp_path / name).read_text().startswith("\ufeffid,")


def test_a_database_is_not_replaced(agency):
    before = agency.database.read_bytes()
    done = agency.run("export", agency.database, "--format", "csv")
    assert (done.code, "an export does not replace a database" in done.err) == (1, True)
    assert agency.database.read_bytes() == before


# --- JSON lines


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "5"}, "id"),
        ({"version": 2**40 + 1}, "version"),
        ({"created_at": "2999-01-01T00:00:00.000Z"}, "created_at"),
    ],
)
def test_a_record_is_validated(agency, changes, field):
    problems = agency.problems(json.dumps({**RECORD, **changes}), name="in.jsonl")
    assert [problem[0] for problem in problems] == [field]


@pytest.mark.parametrize("line", ['{"a": ', '{"a": "\udcff"}', "[1]", '{"a": ' + "[" * 100_000])
def test_a_line_that_is_not_an_object_ends_the_import(agency, line):
    content = f"{json.dumps(RECORD)}\n{line}\n".encode(errors="surrogateescape")
    ended = agency.load(content, name="in.jsonl")
    assert (ended.is_refusal(), "line 2 must be one complete JSON" in ended.err) == (True, True)
    assert agency.clients() == []
