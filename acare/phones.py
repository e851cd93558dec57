"""Phone numbers in different notations: one rule for the search and for the duplicates of an import."""

from __future__ import annotations

#: Characters that do not count.
SEPARATORS = " -()./+\xa0\N{EN DASH}"

#: Digits that two notations of one number, with and without an area code, have in common at the end.
MIN_DIGITS = 7

_NO_SEPARATORS = str.maketrans("", "", SEPARATORS)


def normalize(phone: str) -> str:
    """A phone number without separators and leading zeros."""
    return phone.translate(_NO_SEPARATORS).lstrip("0")


def is_same(phone: str | None, number: str) -> bool:
    """Whether ``phone``, in any notation, is the normalized ``number``."""
    if phone is None:
        return False
    other = normalize(phone)
    long_enough = min(len(number), len(other)) >= MIN_DIGITS
    return number == other or (long_enough and (number.endswith(other) or other.endswith(number)))
