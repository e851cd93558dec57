"""Converts the text of a cell to a JSON value, by the field of its column.

Text that cannot be converted is returned as text, so that the validation of the field reports it.
"""

import configparser
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from acare import timestamps
from acare.field_types import EXCESS, Amount, Boolean, Enum, Preferences, StringList
from acare.fields import FIELDS
from acare.json_text import from_json

_CURRENCY = r"(?:US\$|[$€£¥₹]|EUR|USD|GBP|CHF|CAD|AUD|NZD|MXN|SEK|NOK|DKK|PLN|euros?|dollars?|kr)?"
_ABOUT = r"(?:(?:ca|circa|etwa|rund|about|approx|env|environ|aprox|bis|bis zu|up to|max|hasta)\b\.?|~)?"
_SCALE = r"(k|t|tsd|tausend|thousand|mil|m|mio|mill|millions?|millionen|mill[oó]n|millones)?"
_WHOLE = r"[1-9]\d{0,2}(?:(?:\.\d{3}){1,5}|(?:,\d{3}){1,5})|\d{1,18}"
_MONEY = re.compile(
    rf"{_ABOUT}\s?{_CURRENCY}\s?({_WHOLE})(?:([.,])(\d+)|[.,]--?)?\s?{_SCALE}\.?\s?{_CURRENCY}", re.I
)
_SPACE_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)['’\s](?=\d{3})")

_SHORTENED = re.compile(r"\d+([.,]\d+)?E\+\d\d?", re.IGNORECASE)

_DATE = re.compile(
    r"(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?\s*(?:([AP])\.?M\.?)?)?", re.I
)


def money(text: str) -> Any:
    """``$350,000``, ``350.000,- EUR``, ``ca. 350 T€``, ``1,2 Mio``.

    A separator before three digits separates thousands; ``1.250 Mio`` could be either, and is not converted.
    Nor is ``2 mil``, which is a million in English; ``180 mil`` is Spanish.
    """
    match = _MONEY.fullmatch(_SPACE_BETWEEN_THOUSANDS.sub("", text.strip()))
    if match is None or (match[2] or "-") in match[1]:  # one mark cannot separate thousands and cents
        return text
    whole, _, fraction, scale = match.groups()
    if scale is not None and not whole.isdecimal():
        return text
    is_mil = scale is not None and scale.lower() == "mil"
    if is_mil and (fraction or len(whole) < 3):
        return text
    power = 1_000 ** (0 if scale is None else 2 if scale[0] in "mM" and not is_mil else 1)
    number = Decimal(f"{re.sub('[.,]', '', whole)}.{fraction or 0}") * power
    return int(number) if number == int(number) else float(number)


def boolean(text: str) -> Any:
    """``yes``, ``TRUE``, ``x``, ``0``, ..."""
    return {"true": True, "false": False}.get(word(text), text)


def plain(text: str) -> str:
    """A text in lower case, without accents, spaces, punctuation, and a number in parentheses."""
    decomposed = unicodedata.normalize("NFKD", EXCESS.sub("", text))
    return re.sub(r"\(\d+\)|[\W_]", "", decomposed.casefold())


@cache
def known(file: str) -> dict[str, str]:
    """The fields in columns.ini, or the values in words.ini, by the plain texts that stand for them."""
    table = configparser.ConfigParser(delimiters="=", interpolation=None)
    table.read_string(Path(__file__).with_name(file).read_text("utf-8"))
    return {
        plain(text): name
        for section in table.sections()
        for name, texts in table[section].items()
        for text in re.split(r",\s*", texts)
    }


def word(text: str) -> Any:
    """A client_type or status, in any case, or its word in another language."""
    return known("words.ini").get(plain(text), text.strip().casefold())


def texts(text: str, separator: str = ";") -> Any:
    """A list, separated by ``;``, or as JSON if the text begins with ``["``."""
    listed = json_value(text) if text.startswith('["') else None
    if isinstance(listed, list):
        return listed
    return [item.strip() for item in text.split(separator) if item.strip()]


def tags(text: str) -> Any:
    """A list, separated by ``;``, by ``:::`` as in Google Contacts, or otherwise by commas.

    Google puts each contact in the group ``* myContacts``.
    """
    listed = texts(text, ";" if ";" in text else ":::" if ":::" in text else ",")
    return [tag for tag in listed if tag != "* myContacts"]


def phone(text: str) -> Any:
    """A phone number, without the ``.0`` that a spreadsheet appends to numbers.

    A number that a spreadsheet has shortened, such as ``4.9661E+11``, becomes a float, which the validation
    refuses: many phone numbers are shortened to the same text.
    """
    if _SHORTENED.fullmatch(text.strip()):
        return float(text.replace(",", "."))
    return re.sub(r"\A(\+?\d+)\.0\Z", r"\1", text)


def json_value(text: str) -> Any:
    """The JSON value in the text."""
    try:
        return from_json(text)
    except ValueError:
        return text


def full_name(text: str) -> tuple[str, str]:
    """First and last name in one text, ``Lee, Jordan`` or ``Jordan Lee``; "" for a missing one."""
    last, comma, first = text.partition(",")
    if comma:
        return first.strip(), last.strip()
    *others, last = text.split()
    return (" ".join(others), last) if others else (last, "")


def timestamp(text: str, dates: str | None = None) -> str:
    """A date, optionally with a time (UTC unless it has an offset), as a timestamp. ValueError for others.

    ``dates`` is the order of day and month, dmy or mdy, in dates such as 25/4/2024; without it, such
    dates cannot be read. Dates with points always begin with the day.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        moment = datetime.fromisoformat(text.strip().replace("/", "-"))
    else:
        moment = _moment(match, "dmy" if match[2] == "." else dates)
    return timestamps.parse(str(moment.replace(tzinfo=moment.tzinfo or UTC)))


def _moment(match: re.Match[str], order: str | None) -> datetime:
    if order is None:
        raise ValueError("ambiguous")
    first, second, year, hour, minute, seconds = (int(match[group] or 0) for group in (1, 3, 4, 5, 6, 7))
    month, day = (second, first) if order == "dmy" else (first, second)
    year += 0 if year > 99 else 1900 if year >= 70 else 2000
    if match[8]:
        hour = hour % 12 + (12 if match[8] in "Pp" else 0)
    return datetime(year, month, day, hour, minute, seconds)


# The function that reads the cells of a field, by the field's type; by default, str.
_READERS: dict[type, Callable[[str], Any]] = {
    Amount: money,
    Boolean: boolean,
    Enum: word,
    StringList: texts,
    Preferences: json_value,
}

#: The possible targets of a column, and the function that reads the cells of each.
TARGETS: dict[str, Callable[[str], Any]] = {
    **{field.name: _READERS.get(type(field.kind), str) for field in FIELDS},
    "phone": phone,
    "tags": tags,
    "full_name": full_name,
    **dict.fromkeys(("owner", "created_at"), str),
}
