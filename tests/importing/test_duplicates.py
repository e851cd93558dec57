"""``acare import`` of rows that describe clients that exist, in the database or earlier in the file."""

import json

import pytest
from support.data import ALL_FIELDS, JORDAN
from support.importing import HEADER

SAME = [
    pytest.param({"email": "J@b", "phone": "1"}, "Pat,Kim,buyer,j@B,2", "email", id="address"),
    pytest.param({"email": "ÄSS@STRAẞE.de"}, "Pat,Kim,buyer,Äss@straẞe.DE,", "email", id="not ASCII"),
    pytest.param({"phone": "(661) 555"}, "Pat,Kim,buyer,,661-555", "phone", id="digits"),
    pytest.param({"phone": "661 555 ext. 5"}, "Pat,Kim,buyer,,661 555 ext. 5", "phone", id="extension"),
    pytest.param({"phone": "+49 661 100000"}, "Pat,Kim,buyer,,0661/100000", "phone", id="country"),
    pytest.param({"phone": "+1 661 555 0142"}, "Pat,Kim,buyer,,(661) 555-0142", "phone", id="no country"),
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
    (found,) = report["duplicates"]
    assert (found["line"], found["field"], old["id"] in found["message"]) == (2, by, True)
    assert len(agency.clients()) == 1


@pytest.mark.parametrize(
    "row",
    [
        pytest.param("Jordan,Lee,buyer,other@b,661 555 0142", id="address"),
        pytest.param("Jordan,Lee,buyer,,662 555 0142", id="phone of another area"),
        pytest.param("Jordan,Lee,buyer,,0142", id="phone that is too short"),
        pytest.param("Zoe,Lee,buyer,,", id="name without its accent"),
        pytest.param("Zoë,Ann Lee,buyer,,", id="longer name"),
        pytest.param("🏡,🏡,buyer,,", id="name without letters"),
    ],
)
def test_another_person_is_no_duplicate(agency, row):
    for first in ("Jordan", "Zoë"):
        agency.create(**{**JORDAN, "first_name": first, "last_name": "Lee", "phone": "+1 661 555-0142"})
    assert agency.load(f"{HEADER},email,phone\n{row}\n").code == 0


def test_an_extension_is_no_duplicate_of_a_whole_number(agency):
    agency.create(**{**JORDAN, "phone": "+1 661 555-1142"})
    assert agency.load(f"{HEADER},phone\nPat,Kim,buyer,1142\n").code == 0


def test_a_file_can_have_duplicates_of_its_own(agency):
    report = agency.report(f"{HEADER},email\nA,B,buyer,a@b\nC,D,buyer,A@b\n")
    (found,) = report["duplicates"]
    assert (found["line"], "an earlier row, A B" in found["message"], agency.clients()) == (3, True, [])


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


def test_an_update_leaves_what_the_file_does_not_have(agency):
    old = agency.create(**ALL_FIELDS)
    row = f"Jordan,Lee,buyer,{old['email']},new,\n"
    agency.load(f"{HEADER},email,tags,notes\n{row}", "--on-duplicate", "update")
    (new,) = agency.clients()
    assert {name for name in old if new[name] != old[name]} == {"tags", "version", "updated_at"}


@pytest.mark.parametrize("rows", ["J,L,buyer,j@b,500,\n", "J,L,buyer,j@b,,90\nJ,L,buyer,j@b,95,\n"])
def test_budgets_that_cross_in_the_client_are_a_problem(agency, rows):
    agency.create(**JORDAN, email="j@b", budget_max=100)
    content = f"{HEADER},email,budget_min,budget_max\nNew,One,buyer,n@b,,\n{rows}"
    report = agency.report(content, "--on-duplicate", "update")
    assert [problem["field"] for problem in report["problems"]] == ["budget_min"]
    assert [client["version"] for client in agency.clients()] == [1]


# --- rows with ids

RECORD = {**JORDAN, "email": "j@b", "id": "0190b6a0-0000-7000-8000-000000000001", "version": 3,
          "created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2024-02-01T00:00:00.000Z"}  # fmt: skip
OTHER_ID = "0190b6a0-0000-7000-8000-000000000002"


def lines(*records):
    return "\n".join(map(json.dumps, records))


def test_a_known_id_is_a_duplicate(agency):
    agency.load(lines(RECORD))
    report = agency.report(lines({**RECORD, "first_name": "Dana"}))
    assert ([found["field"] for found in report["duplicates"]], report["created"]) == (["id"], None)


@pytest.mark.parametrize("erased", [False, True])
def test_a_deleted_client_does_not_come_back(agency, erased):
    agency.load(lines(RECORD))
    if erased:
        agency.run("erase", RECORD["id"])
    else:
        with agency.app() as app:
            app.clients.delete(agency.caller, RECORD["id"])
    ended = agency.load(lines(RECORD))
    assert (ended.code, "a client that was deleted" in ended.out) == (1, True)
    assert agency.report(lines(RECORD), "--on-duplicate", "update")["skipped"] == 1
    assert agency.clients() == []


@pytest.mark.parametrize("first", [RECORD, {**RECORD, "id": None}])
def test_a_row_with_an_id_is_no_other_client(agency, first):
    assert agency.report(lines(first, {**RECORD, "id": OTHER_ID}))["created"] == 2


def test_a_repeated_id_is_a_problem(agency):
    report = agency.report(lines(RECORD, {**RECORD, "first_name": "Dana"}), "--on-duplicate", "update")
    assert [problem["field"] for problem in report["problems"]] == ["id"]


def test_a_client_that_is_created_again_gets_a_new_id(agency):
    agency.load(lines(RECORD))
    assert agency.report(lines(RECORD), "--on-duplicate", "create")["created"] == 1


def test_a_default_does_not_replace_null_in_a_client(agency):
    exported = agency.create(**JORDAN)
    agency.load(lines({**exported, "tags": ["a"]}), "--default", "source=web", "--on-duplicate", "update")
    assert [(client["source"], client["tags"]) for client in agency.clients()] == [(None, ["a"])]


@pytest.mark.parametrize("policy", ["update", "skip"])
def test_a_copied_row_does_not_overwrite_its_client(agency, policy):
    old = agency.create(**JORDAN)
    report = agency.report(lines(old, {**old, "first_name": "Dana"}), "--on-duplicate", policy)
    assert [problem["line"] for problem in report["problems"]] == ([2] if policy == "update" else [])
    assert [client["first_name"] for client in agency.clients()] == ["Jordan"]


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
def test_a_change_since_the_export_is_not_overwritten(agency, edit, problems, first_name):
    exported = agency.create(**JORDAN)
    agency.update(exported["id"], source="web")
    report = agency.report(lines({**exported, **edit}), "--on-duplicate", "update")
    assert [problem["field"] for problem in report["problems"]] == problems
    assert agency.clients()[0]["first_name"] == first_name
