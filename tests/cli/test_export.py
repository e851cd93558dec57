"""``acare export``, and that an import of it makes the same clients."""

import csv
import io
import json
import subprocess
import sys

import pytest
from support import warm
from support.data import ALL_FIELDS, JORDAN, OTHER
from support.importing import HEADER, USER

from acare.exchange import cells
from acare.fields import FIELDS

FORMULAS = ["=1+1", "+1", "-1", "@x", "'=1", "''-1", "'plain", "\uff1d1", "\t=1", "\r=1", " =1", "\n=1"]

AWKWARD = [
    ALL_FIELDS,
    OTHER,
    JORDAN,
    {**JORDAN, "phone": "+1 661 555", "notes": "=HYPERLINK(1)", "source": "'=x", "tags": ["=1", "'=2", "-3"]},
    {**JORDAN, "email": "=cmd@b", "notes": '  "two"\r\nlines;,\t\n ', "tags": ["a;b", "", "[c"]},
    {
        **JORDAN,
        "notes": "\t=1",
        "preferred_locations": ["[1]"],
        "property_preferences": {"a": [1.5, None, {}]},
    },
    {**JORDAN, "budget_min": 475.125, "budget_max": 1e11, "pre_approval_amount": 1e-07},
    {**JORDAN, "first_name": "李小龙 🏡", "last_name": "O'Brien, Jr.", "notes": " "},
]


@pytest.mark.parametrize("text", [*FORMULAS, "plain", "", "a=1"])
def test_formulas_are_defused_and_come_back(text):
    defused = cells.defuse(text)
    assert cells.undefuse(defused) == text
    assert not defused.lstrip(" ").startswith(("=", "+", "-", "@", "\uff1d", "\t", "\r", "\n"))


def test_json_lines_come_back_byte_for_byte(agency, other):
    for body in AWKWARD:
        agency.create(**body)
    agency.load(f"{HEADER},owner\nA,B,buyer,new@example.com\n", "--create-users")
    exported = agency.run("export").out
    # Another address of the same agency's user: its id comes along.
    fresh = other.load(exported, "--create-users", name="in.jsonl")
    assert fresh.code == 0, fresh.out
    again = other.run("export").out.replace(other.user_id, agency.user_id)
    assert again == exported


def test_users_that_are_created_keep_their_ids(agency, other):
    agency.load(f"{HEADER},owner\nA,B,buyer,new@example.com\n", "--create-users")
    other.load(agency.run("export").out, "--create-users", name="in.jsonl")
    assert other.run("export").out == agency.run("export").out


def test_csv_comes_back_equal_in_all_writable_fields(agency, other, tmp_path):
    for body in AWKWARD:
        agency.create(**body)
    path = tmp_path / "out.csv"
    assert agency.run("export", path).code == 0
    ended = other.run("import", path, "--user", USER, "--on-duplicate", "create")
    assert ended.code == 0, ended.out
    assert [writable(client) for client in other.clients()] == [
        writable(client) for client in agency.clients()
    ]


def writable(client):
    return {field.name: client[field.name] for field in FIELDS}


def test_an_edited_export_updates_by_id(agency, tmp_path):
    agency.create(**JORDAN)
    agency.create(**JORDAN)
    edited = agency.run("export", "--format", "csv").out.replace("Jordan", "Dana", 1)
    report = agency.report(edited.removeprefix("\ufeff"), "--on-duplicate", "update")
    assert (report["updated"], report["skipped"], report["unknown_columns"]) == (1, 1, [])
    assert [client["first_name"] for client in agency.clients()] == ["Dana", "Jordan"]


def test_no_cell_is_run_as_a_formula(agency):
    agency.create(**{**JORDAN, "first_name": "=1", "phone": "+1", "notes": "@x", "tags": ["-1"]})
    _, row = csv.reader(io.StringIO(agency.run("export", "--format", "csv").out.removeprefix("\ufeff")))
    assert [cell for cell in row if cell.startswith(("=", "+", "-", "@"))] == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["A", "B", "C"]),
        (["--status", "active"], ["A", "C"]),
        (["--status", "active", "--status", "closed"], ["A", "B", "C"]),
        (["--user", "New@example.com"], ["C"]),
        (["--user", "new@example.com", "--status", "closed"], []),
    ],
)
def test_an_export_can_be_of_some(agency, arguments, names):
    content = (
        f"{HEADER},status,owner\nA,x,buyer,active,\nB,x,buyer,closed,\nC,x,buyer,active,new@example.com\n"
    )
    agency.load(content, "--create-users")
    exported = agency.run("export", *arguments).out.splitlines()
    assert [json.loads(line)["first_name"] for line in exported] == names


def test_an_unknown_user_is_a_failure(agency):
    assert agency.run("export", "--user", "unknown@example.com").code == 1


def test_a_failed_export_leaves_the_old_file(agency, tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    agency.database.write_bytes(b"no database")
    assert agency.run("export", path).code == 1
    assert path.read_text() == "old"


def test_a_reader_may_stop_reading(agency):
    agency.load(f"{HEADER}\n" + "A,B,buyer\n" * 3000, "--on-duplicate", "create")
    line = [sys.executable, "-m", "acare", "export", "--database", str(agency.database)]
    with warm.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(20), process.stderr.read()) == (1, b"")


# --- JSON lines

RECORD = {**JORDAN, "id": "0190b6a0-0000-7000-8000-000000000001", "version": 3,
          "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2024-02-01T00:00:00.000Z"}  # fmt: skip


def test_the_default_owner_does_not_get_the_id_of_another_user(agency):
    record = json.dumps({**RECORD, "user_id": RECORD["id"]})
    arguments = ("--user", "new@example.com", "--create-users")
    agency.run("import", agency.write(record, "in.jsonl"), *arguments)
    assert [client["user_id"] == RECORD["id"] for client in agency.clients()] == [False]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": "5"}, "id"),
        ({"version": 0}, "version"),
        ({"version": True}, "version"),
        ({"created_at": "2999-01-01T00:00:00.000Z"}, "created_at"),
        ({"created_at": 5}, "created_at"),
        ({"updated_at": "2023-01-01T00:00:00.000Z"}, "updated_at"),
        ({"owner": 5}, "owner"),
        ({"first_name": None}, "first_name"),
    ],
)
def test_a_record_is_validated(agency, changes, field):
    problems = agency.problems(json.dumps({**RECORD, **changes}), name="in.jsonl")
    assert [problem[2] for problem in problems] == [field]


@pytest.mark.parametrize("line", ['{"a": ', '{"a": NaN}', '{"a": "\udcff"}', "[1]", '{"a": ' + "[" * 100_000])
def test_a_line_that_is_no_object_is_a_problem(agency, line):
    content = f"{json.dumps(RECORD)}\n{line}\n".encode(errors="surrogateescape")
    assert agency.problems(content, name="in.jsonl") == [(2, None, "row")]


def test_refused_records_can_be_corrected_and_imported(agency, tmp_path):
    refused = tmp_path / "refused.jsonl"
    agency.load(json.dumps({**RECORD, "client_type": "renter"}), "--skip-bad", refused, name="in.jsonl")
    corrected = refused.read_text().replace('"renter"', '"both"')
    assert agency.report(corrected, name="in.jsonl")["unknown_columns"] == []
    assert agency.clients()[0]["version"] == 3


def test_a_known_id_is_a_duplicate(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    changed = json.dumps({**RECORD, "first_name": "Dana"})
    report = agency.report(changed, name="in.jsonl")
    assert [(found["by"], found["client"]) for found in report["duplicates"]] == [("id", RECORD["id"])]
    agency.report(changed, "--on-duplicate", "update", name="in.jsonl")
    client = agency.clients()[0]
    assert (client["first_name"], client["version"]) == ("Dana", 4)


def test_a_repeated_id_is_a_duplicate(agency):
    report = agency.report(f"{json.dumps(RECORD)}\n{json.dumps(RECORD)}\n", name="in.jsonl")
    assert [(found["line"], found["first_line"]) for found in report["duplicates"]] == [(2, 1)]


def test_create_gives_a_known_client_a_new_id(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    agency.load(json.dumps({**RECORD, "first_name": "Dana"}), "--on-duplicate", "create", name="in.jsonl")
    first, second = agency.clients()
    assert (first["id"], second["id"] == first["id"]) == (RECORD["id"], False)


def test_a_deleted_client_does_not_come_back(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    with agency.app() as app:
        app.clients.delete(agency.caller, RECORD["id"])
    changed = json.dumps({**RECORD, "source": "x"})
    assert agency.report(changed, name="in.jsonl")["duplicates"][0]["deleted"] is True
    assert agency.report(changed, "--on-duplicate", "update", name="in.jsonl")["skipped"] == 1
    assert agency.clients() == []


def test_an_erased_client_does_not_come_back(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    assert agency.run("erase", RECORD["id"]).code == 0
    ended = agency.load(json.dumps({**RECORD, "source": "x"}), name="in.jsonl")
    assert (ended.code, agency.clients()) == (1, [])
    assert "which was deleted" in ended.out


def test_csv_of_an_empty_database_keeps_the_ids(agency, other):
    agency.create(**ALL_FIELDS)
    other.load(agency.run("export", "--format", "csv").out)
    assert [client["id"] for client in other.clients()] == [client["id"] for client in agency.clients()]
