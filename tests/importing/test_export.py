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

from acare.clients import ImportRow
from acare.errors import UserError
from acare.fields import FIELDS, validate_create
from acare.importing import cells
from acare.importing.imports import Import

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


@pytest.mark.parametrize(
    ("edit", "problems", "first_name"),
    [
        ({"first_name": "Dana"}, ["version"], "Jordan"),
        ({}, [], "Jordan"),
        ({"source": "web"}, [], "Jordan"),
        ({"first_name": "Dana", "version": 2}, [], "Dana"),
        ({"first_name": "Dana", "version": None}, [], "Dana"),
    ],
)
@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_a_change_since_the_export_is_not_overwritten(agency, tmp_path, name, edit, problems, first_name):
    old = agency.create(**JORDAN)
    (exported,) = agency.clients()
    change(agency, old["id"], {"source": "web"})
    content = as_file({**exported, **edit}, name)
    report = agency.report(content, "--on-duplicate", "update", name=name)
    assert [problem["field"] for problem in report["problems"]] == problems
    refused = tmp_path / "refused"
    agency.report(content, "--on-duplicate", "update", "--rejects", refused, name=name)
    assert refused.exists() == bool(problems)
    assert problems == [] or "version must not be older than that of the client" in refused.read_text()
    (client,) = agency.clients()
    written = 2 + (first_name == "Dana")
    assert (client["first_name"], client["version"]) == (first_name, written)


def change(agency, client_id, changes):
    """A change over the API."""
    with agency.app() as app:
        app.clients.update(agency.caller, client_id, changes)


def as_file(record, name):
    if name == "in.jsonl":
        return json.dumps(record)
    file = io.StringIO()
    cells = (
        "" if value is None else value if type(value) is str else json.dumps(value)
        for value in record.values()
    )
    csv.writer(file).writerows([record, cells])
    return file.getvalue()


def test_a_change_during_the_import_is_not_overwritten(agency):
    old = agency.create(**JORDAN)
    values = validate_create({**JORDAN, "first_name": "Dana"})
    row = ImportRow(2, values, {"id": old["id"], "version": 1, "owner": USER}, {})
    with agency.app() as app:
        importing = Import(app.database, bytes(32), "update")
        progress = importing.progress(bytes(32))
        assert [found.conflict for found in importing.duplicates([row], progress)] == [None]
        change(agency, old["id"], {"source": "web"})
        with pytest.raises(UserError, match=r"line 2 .* its version must not be older"):
            next(importing.write([row], progress))
    assert agency.clients()[0]["first_name"] == "Jordan"


@pytest.mark.parametrize("policy", ["update", "skip"])
def test_a_copied_row_does_not_overwrite_its_client(agency, policy):
    rows = [agency.create(**JORDAN), {**JORDAN, "first_name": "Dana"}]
    rows[1]["id"] = rows[0]["id"]
    report = agency.report("\n".join(map(json.dumps, rows)), "--on-duplicate", policy)
    assert [problem["line"] for problem in report["problems"]] == ([2] if policy == "update" else [])
    assert [client["first_name"] for client in agency.clients()] == ["Jordan"]


def test_an_id_without_a_version_is_the_id_of_the_client(agency):
    (first, _) = (agency.create(**JORDAN) for _ in "12")
    content = f"id,{HEADER}\n{first['id']},Dana,Lee,buyer\n,Pat,Kim,buyer\n"
    report = agency.report(content, "--on-duplicate", "update")
    assert (report["updated"], report["created"]) == (1, 1)
    assert [client["first_name"] for client in agency.clients()] == ["Dana", "Jordan", "Pat"]


def test_a_version_counts_only_with_an_id(agency):
    agency.load(json.dumps({**JORDAN, "version": 5}))
    assert [client["version"] for client in agency.clients()] == [1]


def test_an_id_of_another_program_is_an_unknown_column(agency):
    report = agency.report(f"ID,Version,{HEADER}\n17,3,A,B,buyer\n,,C,D,buyer\n")
    assert (report["unknown_columns"], report["created"]) == (["ID", "Version"], 2)
    report = agency.report(f"ID,{HEADER}\n17,E,F,buyer\n", "--map", "ID=id")
    assert [problem["field"] for problem in report["problems"]] == ["id"]


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


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["-"], "{"),
        (["-", "--format", "csv"], "\ufeffid,"),
        (["x.xml", "--format", "csv"], ""),
        (["x.CSV"], ""),
    ],
)
def test_the_format_is_that_of_the_name_or_told(agency, tmp_path, monkeypatch, arguments, start):
    monkeypatch.chdir(tmp_path)
    agency.create(**JORDAN)
    ended = agency.run("export", *arguments)
    assert (ended.code, ended.out[: len(start)], bool(ended.out)) == (0, start, bool(start))
    path = tmp_path / arguments[0]
    assert path.exists() != bool(start)
    assert not path.exists() or path.read_text().startswith("\ufeffid,")


@pytest.mark.parametrize("name", ["x.xml", "clients", "x.csv.gz"])
def test_a_name_that_tells_no_format_is_refused(agency, tmp_path, name):
    ended = agency.run("export", tmp_path / name)
    assert (ended.code, "--format" in ended.err, (tmp_path / name).exists()) == (2, True, False)


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
        ({"created_at": "7/5/2024"}, "created_at"),
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
    content = json.dumps({**RECORD, "client_type": "renter"}) + '\n{"cut off": '
    agency.load(content, "--rejects", refused, name="in.jsonl")
    corrected, cut_off = refused.read_text().replace('"renter"', '"both"').splitlines()
    assert json.loads(cut_off)["text"] == '{"cut off":'
    assert agency.report(corrected, name="in.jsonl")["unknown_columns"] == []
    assert agency.clients()[0]["version"] == 3


def test_a_known_id_is_a_duplicate(agency):
    agency.load(json.dumps(RECORD), name="in.jsonl")
    changed = json.dumps({**RECORD, "first_name": "Dana"})
    report = agency.report(changed, name="in.jsonl")
    assert (report["same_id"], report["duplicates"], report["created"]) == (1, [], None)
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
    assert "a client that was deleted" in ended.out


def test_csv_of_an_empty_database_keeps_the_ids(agency, other):
    agency.create(**ALL_FIELDS)
    other.load(agency.run("export", "--format", "csv").out)
    assert [client["id"] for client in other.clients()] == [client["id"] for client in agency.clients()]
