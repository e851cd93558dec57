"""Ids: UUIDs of version 7, and the spellings that are accepted."""

from uuid import RFC_4122, UUID

import pytest

from acare import ids

CANONICAL = "019f6631-3a10-7a9f-8d27-95c0e3b1f684"


def test_a_new_id_is_a_canonical_uuid_of_version_7():
    made = ids.new()
    assert (UUID(made).version, UUID(made).variant, ids.parse(made)) == (7, RFC_4122, made)


def test_ids_differ_in_every_bit_below_the_time():
    made = [UUID(ids.new()).int for _ in range(1000)]
    assert len(set(made)) == 1000
    constant = [bit for bit in range(80) if len({number >> bit & 1 for number in made}) == 1]
    assert constant == [62, 63, 76, 77, 78, 79]  # the variant and the version


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{{{CANONICAL}}}",
        f"{CANONICAL[:-1]}g",
        f"{CANONICAL}\n",
        CANONICAL[:23] + CANONICAL[24:],
        CANONICAL.replace("3", "٣"),
    ],
)
def test_any_other_text_is_not_an_id(text):
    with pytest.raises(ValueError, match="must be a UUID"):
        ids.parse(text)
