"""Ids: how they are made, and how they may be spelt."""

from uuid import RFC_4122, UUID

import pytest

from acare import ids

NOW = 1_784_125_930_123  # milliseconds since 1970


def test_a_new_id_is_a_uuid_of_version_7_in_its_canonical_spelling():
    made = ids.new()
    assert (UUID(made).version, UUID(made).variant) == (7, RFC_4122)
    assert ids.canonical(made) == made


def test_a_new_id_begins_with_the_milliseconds_of_its_making():
    made = UUID(ids.new(clock=lambda: NOW * 1_000_000 + 999_999))
    assert made.int >> 80 == NOW


def test_ids_of_the_same_millisecond_differ_in_every_other_bit():
    made = [UUID(ids.new(clock=lambda: NOW * 1_000_000)).int for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [bit for bit in range(80) if len({number >> bit & 1 for number in made}) == 1] == [
        *(62, 63),  # the variant
        *(76, 77, 78, 79),  # the version
    ]


def test_an_id_of_a_later_millisecond_comes_later():
    made = [ids.new(clock=lambda n=n: (NOW + n) * 1_000_000) for n in range(20)]
    assert made == sorted(made)


@pytest.mark.parametrize(
    "text",
    ["a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684", "A3F8C1D2-6B4E-4A9F-8D27-95C0E3B1F684",
     "a3f8c1d26b4e4a9f8d2795c0e3b1f684"],
)  # fmt: skip
def test_an_id_may_be_in_capitals_or_without_hyphens(text):
    assert ids.canonical(text) == "a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684"


@pytest.mark.parametrize(
    "text",
    ["", "a3f8c1d2", "{a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684}", "a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f68g",
     "a3f8c1d2-6b4e-4a9f-8d27-95c0e3b1f684\n", "a3f8-c1d26b4e4a9f8d2795c0e3b1f684"],
)  # fmt: skip
def test_what_is_no_id_is_none(text):
    assert ids.canonical(text) is None
