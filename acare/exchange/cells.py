"""The text of a cell, and the JSON value that it stands for.

A reader returns a text that it cannot read unchanged, so that the validation of the field reports it.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from acare.field_types import to_json

# What a spreadsheet would run as a formula. (OWASP, "CSV Injection")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_DEFUSED = re.compile(rf"'+(?:{_FORMULA.pattern})")

_MONEY = re.compile(
    r"(?:[^\d\s.,'+()%/-]{1,4}\s*)?"  # a currency
    r"(\d[\d.,'’ \u00a0\u202f]*?)\s*([km]\b)?"
    r"(?:\s*[^\d\s.,'+()%/-]{1,4})?",
    re.IGNORECASE | re.ASCII,
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.ASCII)
_THOUSANDS = r"[1-9]\d{0,2}(?:(?:\.\d{2,3})*\.\d{3}|(?:,\d{2,3})*,\d{3})"
_GROUPED = re.compile(_THOUSANDS, re.ASCII)
_DIGITS = re.compile(rf"({_THOUSANDS}|\d+)(?:([.,])(\d+))?", re.ASCII)
_SCALES = {"k": 1_000, "m": 1_000_000}

_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "t", "x", "1", "on", "wahr", "ja", "si", "sí", "oui"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "off", "falsch", "nein", "non"), False),
}

INSTANT_RULE = "must be a date that is not in the future, as 2026-07-15, 7/15/2026 or 15.7.2026"
_INSTANT = re.compile(
    r"(\d{1,4})([-/.])(\d{1,2})\2(\d{2,4})"
    r"(?:(?:T|,?\s+)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6})\d*)?)?(?:\s*([AP])\.?M\.?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?)?",
    re.IGNORECASE | re.ASCII,
)

_PARTICLES = frozenset("van von de der den da dos das di du del della la le bin ibn al el ter ten zu".split())
_SUFFIXES = frozenset("jr sr ii iii iv".split())


def defuse(text: str) -> str:
    """The text with ' before what a spreadsheet would run as a formula; ``undefuse`` reverses it."""
    return f"'{text}" if _FORMULA.match(text) or _DEFUSED.match(text) else text


def defuse_source(text: str) -> str:
    """The same for a cell of an imported file, which may be defused already."""
    return f"'{text}" if _FORMULA.match(text) else text


def undefuse(text: str) -> str:
    return text[1:] if _DEFUSED.match(text) else text


def money(text: str) -> Any:
    """``$350,000``, ``350.000,00 EUR``, ``350k``; a separator before three digits separates thousands."""
    text = text.strip()
    if _PLAIN.fullmatch(text) and not _GROUPED.fullmatch(text):
        return _number(text)
    match = _MONEY.fullmatch(text)
    parts = _DIGITS.fullmatch(re.sub(r"['’\s]", "", match[1])) if match else None
    if match is None or parts is None or (parts[2] or "-") in parts[1]:
        return text
    number = _number(f"{re.sub('[.,]', '', parts[1])}.{parts[3] or 0}")
    return _number(repr(round(number * _SCALES[match[2].lower()], 6))) if match[2] else number


def _number(text: str) -> int | float:
    """An integer if the fraction is zero. A huge number becomes infinite, which no field accepts."""
    number = float(text)
    return int(number) if number < 2**53 and number.is_integer() else number


def amount(value: float | None) -> str:
    """A number as ``money`` reads it."""
    if value is None or type(value) is int:
        return "" if value is None else str(value)
    text = repr(value)
    return f"{text}0" if _GROUPED.fullmatch(text) else text  # four digits are no thousands


def flag(text: str) -> Any:
    """``yes``, ``TRUE``, ``x``, ``0``, ..."""
    return _WORDS.get(text.strip().casefold(), text)


def word(text: str) -> Any:
    """A client_type or status in any case; ``Buyer/Seller`` and the like is both."""
    found = set(re.findall("[a-z]+", text.casefold().replace("buyers", "buyer").replace("sellers", "seller")))
    if {"buyer", "seller"} <= found:
        return "both"
    return found.pop() if len(found) == 1 else text


def texts(text: str) -> Any:
    """A list, separated by ``;`` or as JSON."""
    found = json_value(text) if text.lstrip().startswith("[") else None
    if isinstance(found, list):
        return found
    return [undefuse(item.strip()) for item in text.split(";") if item.strip()]


def join(items: list[str]) -> str:
    """A list as ``texts`` reads it."""
    if any(not item or ";" in item or item != item.strip() or item.startswith("[") for item in items):
        return to_json(items)
    return "; ".join(map(defuse, items))


def json_value(text: str) -> Any:
    """The JSON value in the text, or the text."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def instant(text: str, *, day_first: bool = False) -> str | None:
    """A date, perhaps with a time (UTC unless it has an offset), as a timestamp of acare; None if it is none.

    ``7/15/2026`` has the month first unless ``day_first``.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        return None
    first, mark, second, third = match[1], match[2], int(match[3]), match[4]
    if len(first) == 4:
        year, month, day = int(first), second, int(third)
    elif mark == "." or day_first:
        year, month, day = _year(third), second, int(first)
    else:
        year, month, day = _year(third), int(first), second
    hour = int(match[5] or 0)
    if match[9]:
        hour = hour % 12 + (12 if match[9] in "pP" else 0)
    microsecond = int((match[8] or "").ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, int(match[6] or 0), int(match[7] or 0), microsecond, UTC)
        return f"{(moment - _offset(match[10])).isoformat(timespec='milliseconds')[:-6]}Z"
    except (ValueError, OverflowError):
        return None


def _year(text: str) -> int:
    return int(text) if len(text) > 2 else int(text) + (1900 if int(text) >= 70 else 2000)


def _offset(text: str | None) -> timedelta:
    if text is None or text.upper() in ("Z", "UTC"):
        return timedelta()
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -offset if text[0] == "-" else offset


def full_name(text: str) -> tuple[str, str]:
    """First and last name out of one text: ``Lee, Jordan`` or ``Ludwig van Beethoven``. One may be empty."""
    last, comma, first = text.partition(",")
    if comma and first.strip(" .").casefold() not in _SUFFIXES:
        return first.strip(), last.strip()
    words = text.replace(",", " ").split()
    cut = len(words) - 1
    while cut > 1 and words[cut].strip(".").casefold() in _SUFFIXES:
        cut -= 1
    cut = next((at for at in range(1, cut) if words[at] in _PARTICLES), cut)
    return " ".join(words[:cut]), " ".join(words[cut:])


def printable(text: str) -> str:
    """The text without characters that notes must not have."""
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\ufffd" for mark in text)
