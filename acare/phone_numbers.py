"""Phone numbers as people write them: with separators, a zero that is not dialled, several in a field."""

import re

_COUNTRY_CODE = re.compile("1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")

# A zero that is not dialled after a country code.
_NOT_DIALLED = "(0)"
# What ends a number that has enough digits.
_AFTER_NUMBER = re.compile(r"[/,;]|[^\W\d_]+")

#: The minimum number of last digits that two notations of a number have in common.
MIN_COMMON = 7

# The minimum number of digits of a second number in a field: an extension has fewer.
_MIN_SECOND = 6


def numbers(phone: str) -> list[str]:
    """The phone numbers in a field, each as it is dialled.

    A number of at least 7 digits ends at a word or at one of ``/ , ;``. The next ones have at least 6: an
    extension is not a number.
    """
    found = [""]
    for part in _AFTER_NUMBER.split(phone):
        if len(digits(found[-1])) >= MIN_COMMON and digits(part):
            found.append("")
        found[-1] += part
    first, *others = map(dialled, found)
    return [first, *(number for number in others if len(digits(number)) >= _MIN_SECOND)]


def dialled(phone: str) -> str:
    """The digits of one number that are dialled, after a ``+`` if there is one."""
    plus = "+" if "+" in phone else ""
    if _NOT_DIALLED in phone and (plus or digits(phone).startswith("00")):
        phone = phone.replace(_NOT_DIALLED, "")
    return plus + digits(phone)


def national(dialled: str) -> str:
    """A number without leading zeros and country code."""
    number = dialled.lstrip("+0")
    return _COUNTRY_CODE.sub("", number, count=1).lstrip("0") if dialled.startswith(("+", "00")) else number


def digits(text: str) -> str:
    """The decimal digits in a text."""
    return "".join(filter(str.isdecimal, text))
