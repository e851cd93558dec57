"""The table of fields and its kinds: an untrusted body goes in, a clean dict comes out."""

import json

import pytest
from support.data import JORDAN
from support.openapi_check import fits

from acare.errors import InvalidInput
from acare.field_types import Amount, Email, Flag, OneOf, Phone, Preferences, Text, Texts
from acare.fields import CLIENT_TYPES, FIELDS, STATUSES, clean_new, clean_update

NAMES = [field.name for field in FIELDS]
OPTIONAL = [field for field in FIELDS if not field.required]
REQUIRED = [field for field in FIELDS if field.required]
EVERYTHING_WRONG = {name: [[]] for name in NAMES}  # no field is a list of lists


def problems(clean, body):
    """The fields that are wrong, in the order in which they are told."""
    with pytest.raises(InvalidInput) as caught:
        clean(body)
    return [problem.field for problem in caught.value.problems]


def cleans(kind, value):
    """Whether the kind takes the value."""
    try:
        kind.clean(value)
    except ValueError:
        return False
    return True


def obeys(kind, value):
    """Whether a value fits the schema of a kind, which stands where preferences refer to it."""
    schema = kind.schema()
    return fits({"components": {"schemas": {"PropertyPreferences": schema}}}, schema, value)


def clean_changes(body):
    """The changes in the body of an update."""
    return clean_update(body)[0]


def version_in(value):
    """The version that the body of an update has."""
    return clean_update({"notes": "x", **value})[1]


# --- the table


def test_the_table_has_the_fifteen_writable_fields_in_the_order_of_the_record():
    expected = """first_name last_name email phone client_type status source budget_min budget_max
        preferred_locations property_preferences pre_approved pre_approval_amount notes tags"""
    assert expected.split() == NAMES


def test_three_fields_are_required():
    assert [field.name for field in REQUIRED] == ["first_name", "last_name", "client_type"]


def test_the_words_are_the_vendors():
    assert (CLIENT_TYPES, STATUSES) == (("buyer", "seller", "both"), ("active", "inactive", "closed"))


# --- a new client


def test_a_new_client_has_every_field():
    assert list(clean_new(JORDAN)) == NAMES


@pytest.mark.parametrize("field", OPTIONAL, ids=lambda field: field.name)
def test_what_is_absent_or_null_at_creation_is_unset(field):
    assert clean_new(JORDAN)[field.name] == field.unset
    assert clean_new({**JORDAN, field.name: None})[field.name] == field.unset


@pytest.mark.parametrize("field", REQUIRED, ids=lambda field: field.name)
def test_what_is_required_is_missing_when_it_is_absent_or_null(field):
    absent = {name: value for name, value in JORDAN.items() if name != field.name}
    assert problems(clean_new, absent) == [field.name]
    assert problems(clean_new, {**JORDAN, field.name: None}) == [field.name]


def test_what_is_the_servers_or_unknown_is_passed_over():
    body = {
        **JORDAN,
        "id": 1,
        "user_id": [],
        "version": "x",
        "created_at": 0,
        "updated_at": 0,
        "nickname": {},
    }
    assert clean_new(body) == clean_new(JORDAN)


def test_every_problem_of_a_new_client_is_told_at_once():
    assert sorted(problems(clean_new, EVERYTHING_WRONG)) == sorted(NAMES)


def test_what_is_missing_and_what_is_wrong_are_told_together():
    assert set(problems(clean_new, {"email": "x", "status": "x"})) == {*JORDAN, "email", "status"}


def test_an_error_is_one_sentence_for_people():
    with pytest.raises(InvalidInput, match="first_name is required; last_name is required"):
        clean_new({"client_type": "both"})


# --- changes


@pytest.mark.parametrize("field", OPTIONAL, ids=lambda field: field.name)
def test_null_among_changes_is_the_unset_value(field):
    assert clean_changes({field.name: None}) == {field.name: field.unset}


@pytest.mark.parametrize("field", REQUIRED, ids=lambda field: field.name)
def test_null_among_changes_is_wrong_for_what_is_required(field):
    assert problems(clean_changes, {field.name: None}) == [field.name]


def test_changes_have_what_was_sent_and_nothing_else():
    assert clean_changes({"notes": "x", "version": 3, "id": "y", "nickname": "z"}) == {"notes": "x"}


@pytest.mark.parametrize("body", [{}, {"version": 1}, {"id": "x"}, {"nickname": "x"}], ids=str)
def test_changes_of_nothing_are_refused(body):
    assert problems(clean_changes, body) == ["body"]


def test_every_problem_of_changes_is_told_at_once():
    assert sorted(problems(clean_changes, EVERYTHING_WRONG)) == sorted(NAMES)


def test_an_empty_text_among_changes_is_null():
    assert clean_changes({"email": "", "phone": " ", "source": "", "notes": ""}) == {
        "email": None,
        "phone": None,
        "source": None,
        "notes": None,
    }


@pytest.mark.parametrize("clean", [clean_new, clean_update])
@pytest.mark.parametrize("body", [None, [], "x", 3, True, [JORDAN]], ids=str)
def test_a_body_that_is_no_object_is_refused(clean, body):
    assert problems(clean, body) == ["body"]


# --- budgets


@pytest.mark.parametrize(("low", "high"), [(2, 1), (1, 0), (0.2, 0.1), (10**12, 10**12 - 1), (1.5, 1)])
def test_budgets_the_wrong_way_round_are_put_down_to_both(low, high):
    assert problems(clean_changes, {"budget_min": low, "budget_max": high}) == ["budget_min", "budget_max"]


@pytest.mark.parametrize(("low", "high"), [(1, 1), (0, 0), (1, 1.0), (None, 0), (10**12, None), (None, None)])
def test_budgets_in_order_are_taken(low, high):
    body = {"budget_min": low, "budget_max": high}
    assert clean_changes(body) == body


@pytest.mark.parametrize("clean", [clean_new, clean_update])
def test_crossed_budgets_are_told_with_all_else(clean):
    body = {**JORDAN, "email": "x", "budget_min": 2, "budget_max": 1, "tags": 7}
    assert problems(clean, body) == ["email", "tags", "budget_min", "budget_max"]


def test_a_wrong_version_is_told_with_all_else():
    body = {"version": 0, "first_name": None, "budget_min": 2, "budget_max": 1}
    assert problems(clean_update, body) == ["version", "first_name", "budget_min", "budget_max"]


def test_budgets_are_not_compared_where_one_is_wrong_by_itself():
    assert problems(clean_changes, {"budget_min": 2, "budget_max": -1}) == ["budget_max"]


# --- version


@pytest.mark.parametrize("version", [1, 2, 2**31, 2**63, 10**100])
def test_a_version_is_an_integer_from_1(version):
    assert version_in({"version": version}) == version


def test_a_version_may_be_written_as_a_float():
    version = version_in({"version": 3.0})
    assert (version, type(version)) == (3, int)


def test_a_body_may_name_no_version():
    assert version_in({}) is None


@pytest.mark.parametrize("version", [0, -1, None, True, False, "3", 0.0, -1.0, 1.5, [], {}], ids=repr)
def test_any_other_version_is_refused(version):
    assert problems(version_in, {"version": version}) == ["version"]


# --- what is stored

NUMBERS, TEXTS = {"n": "A number."}, {"t": "Texts."}

STORED = [
    (Text(max_length=5), " ab ", "ab"),
    (Text(max_length=5), "  ", None),
    (Text(max_length=2), "   ab   ", "ab"),
    (Text(max_length=9, lines=True), " a\nb ", " a\nb "),
    (Text(max_length=9, lines=True), " ", " "),
    (Text(max_length=2), "🏡🏡", "🏡🏡"),
    (Email(max_length=9), " a@b ", "a@b"),
    (Phone(max_length=9), " 1 ", "1"),
    (OneOf(("a", "b")), "b", "b"),
    (Flag(), True, 1),
    (Flag(), False, 0),
    (Texts(maximum=2, each=Text(max_length=5)), [" a ", "é"], '["a","é"]'),
    (Texts(maximum=2, each=Text(max_length=5)), [], "[]"),
    (Preferences(99, 9, NUMBERS, TEXTS), {"n": 1.5, "t": ["é"], "x": None}, '{"n":1.5,"t":["é"],"x":null}'),
    (Preferences(99, 9, NUMBERS, TEXTS), {}, "{}"),
]


@pytest.mark.parametrize(("kind", "value", "stored"), STORED, ids=lambda value: str(value)[:40])
def test_a_kind_gives_what_is_stored(kind, value, stored):
    assert kind.clean(value) == stored


@pytest.mark.parametrize("value", [0, 5, 0.0, 5.0, 0.25, 10])
def test_an_integer_stays_an_integer_and_a_fraction_a_fraction(value):
    assert type(Amount(maximum=10).clean(value)) is type(value)


def test_a_known_preference_may_be_null():
    kind = Preferences(99, 9, NUMBERS, TEXTS)
    assert json.loads(kind.clean({"n": None, "t": None})) == {"n": None, "t": None}


@pytest.mark.parametrize(
    ("value", "right"), [([[1]], True), ([[[]]], False), ({"b": {"c": {}}}, False)], ids=str
)
def test_preferences_are_nested_no_deeper_than_they_may(value, right):
    assert cleans(Preferences(99, 3, {}, {}), {"a": value}) is right


@pytest.mark.parametrize(("letters", "right"), [(2, True), (3, False)])
def test_preferences_are_measured_in_bytes_of_utf8(letters, right):
    assert cleans(Preferences(len('{"a":""}') + 4, 9, {}, {}), {"a": "é" * letters}) is right


@pytest.mark.parametrize("digit", "1٦१９")
def test_a_phone_number_may_have_digits_of_any_script(digit):
    assert Phone(max_length=9).clean(digit) == digit


# --- a kind's schema tells what its clean does

AGREEMENTS = {
    "first_name": ["", "x", "x" * 100, "x" * 101, 1, True, [], {}],
    "last_name": ["", "x", "🏡" * 100, "🏡" * 101, 1.5, False, ["x"]],
    "email": ["a@b", "a" * 252 + "@b", "a" * 253 + "@b", 1, True, ["a@b"]],
    "phone": ["1", "1" * 40, "1" * 41, 1, False, {"1": "1"}],
    "client_type": ["buyer", "seller", "both", "Buyer", "tenant", 1, True, ["buyer"]],
    "status": ["active", "inactive", "closed", "ACTIVE", "lost", 0, False, {}],
    "source": ["x", "x" * 100, "x" * 101, 7, ["x"]],
    "budget_min": [0, 0.5, 10**12, 1e12, -1, -0.01, 10**12 + 1, 1e12 + 0.5, True, "1", [1]],
    "budget_max": [0, 10**12, -1, 10**12 + 1, False, "", {}],
    "preferred_locations": [[], ["x"] * 50, ["x"] * 51, ["x" * 200], ["x" * 201], [1], ["x", True], "x", {}],
    "property_preferences": [
        {},
        {"other": [1]},
        *(
            {name: v}
            for name in ("bedrooms_min", "bathrooms_min", "square_feet_min")
            for v in (0, 2.5, -1, "3")
        ),
        *({"bedrooms_min": value} for value in (-0.5, True, [], {}, None)),
        *({"property_types": value} for value in ([], ["house"], [1], [None], "house", {}, 1, None)),
        [],
        "x",
        0,
        True,
    ],
    "pre_approved": [True, False, 0, 1, "true", [], {}],
    "pre_approval_amount": [0, 10**12, -1, 10**12 + 1, True, "1"],
    "notes": ["x", "a\nb", "x" * 10_000, "x" * 10_001, 1, ["x"]],
    "tags": [[], ["x"] * 50, ["x"] * 51, ["x" * 50], ["x" * 51], [1], [["x"]], "x", {}],
}


def test_every_field_is_among_the_agreements():
    assert list(AGREEMENTS) == NAMES


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_schema_agrees_with_what_is_taken(field):
    values = AGREEMENTS[field.name]
    taken = [obeys(field.kind, value) for value in values]
    assert taken == [cleans(field.kind, value) for value in values]
    assert set(taken) == {True, False}


@pytest.mark.parametrize(
    "kind", [Text(3), Text(3, min_length=1), Email(5), Phone(3), Texts(2, Text(3))], ids=repr
)
@pytest.mark.parametrize("inner", ["", " ", "1", "a@b", "111", "1 1", "1111", "1 11", "a@bcd", "a@bcde"])
@pytest.mark.parametrize("around", ["", " ", " \u3000\u2028\xa0 ", " " * 9], ids=ascii)
def test_a_schema_agrees_about_white_space_around_a_line(kind, inner, around):
    text = f"{around}{inner}{around}"
    value = [text] if isinstance(kind, Texts) else text
    assert obeys(kind, value) is cleans(kind, value)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_schema_is_json(field):
    schema = field.kind.schema()
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_what_is_refused_is_told_in_words_that_follow_the_name(field):
    with pytest.raises(ValueError, match=r"^(must|has) "):
        field.kind.clean(object())
