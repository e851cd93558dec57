"""The fields of a client, and the validation of bodies."""

import re

import pytest
from support.data import JORDAN
from support.field_values import SIZES, VALUES

from acare.errors import InvalidInput
from acare.field_types import USER_EMAIL
from acare.fields import FIELDS, validate_create, validate_update
from acare.filters import FILTERS

KINDS = {field.name: field.kind for field in FIELDS}


def problems(validate, body):
    """The fields that are wrong, in the order in which the error lists them."""
    with pytest.raises(InvalidInput) as caught:
        validate(body)
    return [problem.field for problem in caught.value.problems]


def accepts(kind, value):
    try:
        kind(value)
    except ValueError:
        return False
    return True


def valid_changes(body):
    return validate_update(body)[0]


# --- values


@pytest.mark.parametrize("name", VALUES)
def test_a_field_accepts_what_the_contract_allows(name):
    assert [value for value in VALUES[name][0] if not accepts(KINDS[name], value)] == []


@pytest.mark.parametrize("name", VALUES)
def test_a_field_rejects_what_the_contract_forbids(name):
    assert [value for value in VALUES[name][1] if accepts(KINDS[name], value)] == []


PATTERNS = [
    (USER_EMAIL, ["a@b", " a@b ", "jörg+test@exämple.com"], ["jordan", "a@b@c", "@b.com", "a@", "a b@c"]),
    (
        FILTERS["due"].kind,
        ["2026-12-15", "any"],
        ["soon", "20261215", "2026-W51-2", "2026-12-15T00:00", "any "],
    ),
]


@pytest.mark.parametrize(("kind", "valid", "invalid"), PATTERNS)
def test_the_pattern_in_a_schema_is_what_the_app_takes(kind, valid, invalid):
    fits = [text for text in [*valid, *invalid] if re.search(kind.schema["pattern"], text)]
    assert fits == valid == [text for text in [*valid, *invalid] if accepts(kind, text)]


@pytest.mark.parametrize(("value", "accepted"), SIZES, ids=lambda value: str(value)[:20])
def test_preferences_have_a_maximum_size_and_depth(value, accepted):
    assert accepts(KINDS["property_preferences"], value) is accepted


# --- a new client


@pytest.mark.parametrize("name", JORDAN)
def test_a_required_field_may_not_be_absent_or_null(name):
    absent = {other: value for other, value in JORDAN.items() if other != name}
    assert problems(validate_create, absent) == [name]
    assert problems(validate_create, {**JORDAN, name: None}) == [name]
    assert problems(valid_changes, {name: None}) == [name]


# --- changes


def test_a_problem_names_the_part_of_the_field():
    with pytest.raises(InvalidInput) as caught:
        validate_update({"tags": ["vip", "x" * 51]})
    assert caught.value.problems[0].message.startswith("is invalid: [1] ")


# --- version


@pytest.mark.parametrize(("sent", "version"), [(1, 1), (2**63, 2**63), (10**100, 10**100), (3.0, 3)], ids=str)
def test_a_version_is_an_integer_of_at_least_1(sent, version):
    _, lock = validate_update({"notes": "x", "version": sent})
    assert (lock.version, type(lock.version)) == (version, int)
