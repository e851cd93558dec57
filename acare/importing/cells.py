"""The text of a cell, and the JSON value that it stands for.

A reader returns a text that it cannot read unchanged, so that the validation of the field reports it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from acare.field_types import from_json, to_json

# What a spreadsheet would run as a formula. (OWASP, "CSV Injection")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_DEFUSED = re.compile(rf"'+(?:{_FORMULA.pattern})")

_WHOLE = r"[1-9]\d{0,2}(?:(?:\.\d{3}){1,5}|(?:,\d{3}){1,5})|\d{1,18}"
_MONEY = re.compile(rf"([^\d\s.,]{{0,4}})\s*({_WHOLE})(?:([.,])(\d+))?(\D*)")
_SPACE_BETWEEN_THOUSANDS = re.compile(r"(?<=\d)['’\s](?=\d{3})")
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}

# ISO 4217, and what people write in its place. Other words are refused: "TEUR" and "Mio" are scales.
_CURRENCIES = frozenset(
    """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd cad
    cdf chf clp cny cop crc cup cve czk djf dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gnf gtq
    gyd hkd hnl hrk htg huf idr ils inr iqd irr isk jmd jod jpy kes kgs khr kmf kpw krw kwd kyd kzt lak lbp
    lkr lrd lsl lyd mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab
    pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sdg sek sgd shp sle sll sos srd ssp stn svc syp
    szl thb tjs tmt tnd top try ttd twd tzs uah ugx usd uyu uzs ved ves vnd vuv wst xaf xcd xof xpf yer zar
    zmw zwg zwl
    dollar dollars euro euros fr ft kč kr lei rm rp rs sfr zł
    $ a$ au$ c$ ca$ hk$ mx$ nt$ nz$ r$ s$ us$ ＄ £ ￡ ¥ ￥ ￦ ¤ ฿ ৳ ﷼ ₡ ₦ ₨ ₩ ₪ ₫ € ₭ ₮ ₱ ₲ ₴ ₵ ₸ ₹ ₺ ₼ ₽ ₾
    """.split()
)

_FLAGS = {
    **dict.fromkeys(("true", "yes", "y", "t", "x", "1", "on", "wahr", "ja", "si", "sí", "oui"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "off", "falsch", "nein", "non"), False),
}

_DATE = re.compile(
    r"(\d\d?)([-/.])(\d\d?)\2(\d{4}|\d\d)(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?\s*(?:([AP])\.?M\.?)?)?", re.I
)

_PARTICLES = frozenset("van von de der den da dos das di du del della la le bin ibn al el ter ten zu".split())
_SUFFIXES = frozenset("jr sr ii iii iv".split())


def defuse(text: str) -> str:
    """The text with ' before what a spreadsheet would run as a formula; ``undefuse`` reverses it."""
    return f"'{text}" if _FORMULA.match(text) or _DEFUSED.match(text) else text


def undefuse(text: str) -> str:
    return text[1:] if _DEFUSED.match(text) else text


def money(text: str) -> Any:
    """``$350,000``, ``350.000,00 EUR``, ``350k``; a separator before three digits separates thousands."""
    match = _MONEY.fullmatch(_SPACE_BETWEEN_THOUSANDS.sub("", text.strip()))
    if match is None or (match[3] or "-") in match[2]:  # one mark cannot separate thousands and cents
        return text
    before, whole, _, fraction, after = match.groups()
    scale = _scale(after.strip().casefold())
    if scale is None or (before and before.casefold() not in _CURRENCIES):
        return text
    number = Decimal(f"{re.sub('[.,]', '', whole)}.{fraction or 0}") * scale
    return int(number) if number == int(number) else float(number)


def _scale(suffix: str) -> int | None:
    """The factor of ``k``, ``m``, a currency, or ``k`` or ``m`` before a currency; None for other text."""
    if suffix in _CURRENCIES:
        return 1
    currency = suffix[1:].lstrip()
    return _SCALES.get(suffix[:1]) if not currency or currency in _CURRENCIES else None


def amount(value: float | None) -> str:
    """A number as ``money`` reads it."""
    text = "" if value is None else f"{Decimal(repr(value)):f}"
    has_three_decimals = re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text)  # money would read thousands
    return f"{text}0" if has_three_decimals else text


def flag(text: str) -> Any:
    """``yes``, ``TRUE``, ``x``, ``0``, ..."""
    return _FLAGS.get(text.strip().casefold(), text)


def word(text: str) -> Any:
    """A client_type or status in any case; ``Buyer/Seller`` and the like is both."""
    words = {word.removesuffix("s") for word in re.findall("[a-z]+", text.casefold())}
    if {"buyer", "seller"} <= words:
        return "both"
    return words.pop() if len(words) == 1 else text


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
    """The JSON value in the text."""
    try:
        return from_json(text)
    except ValueError:
        return text


def date_order(text: str) -> str | None:
    """``dmy`` or ``mdy`` if the date, as 25/4/2024, can be read in this order alone, ``either`` if in both.

    None if the order does not matter, as in 4/4/2024, or the text is something else.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None or match[2] == "." or int(match[1]) == int(match[3]):
        return None
    orders = [order for order, month in (("mdy", match[1]), ("dmy", match[3])) if 1 <= int(month) <= 12]
    return "either" if len(orders) == 2 else next(iter(orders), None)


def instant(text: str, *, day_first: bool | None = None) -> str | None:
    """A date, perhaps with a time (UTC unless it has an offset), as a timestamp; None if it cannot be read.

    Without ``day_first``, ``7/15/2026`` cannot.
    """
    match = _DATE.fullmatch(text.strip())
    try:
        if match is None or (day_first is None and match[2] != "."):
            moment = datetime.fromisoformat(text.strip().replace("/", "-"))
        else:
            first, second, year, hour, minute, seconds = (
                int(match[group] or 0) for group in (1, 3, 4, 5, 6, 7)
            )
            month, day = (second, first) if day_first or match[2] == "." else (first, second)
            year += 0 if year > 99 else 1900 if year >= 70 else 2000
            if match[8]:
                hour = hour % 12 + (12 if match[8] in "Pp" else 0)
            moment = datetime(year, month, day, hour, minute, seconds)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def full_name(text: str) -> tuple[str, str]:
    """First and last name in one text: ``Lee, Jordan`` or ``Ludwig van Beethoven``; "" if it has none."""
    text = undefuse(text)
    last, comma, first = text.partition(",")
    if comma and first.strip(" .").casefold() not in _SUFFIXES:
        return first.strip(), last.strip()
    words = text.replace(",", " ").split()
    cut = len(words) - 1
    while cut > 1 and words[cut].strip(".").casefold() in _SUFFIXES:
        cut -= 1
    cut = next((at for at in range(1, cut) if words[at] in _PARTICLES), cut)
    cut = max(cut, 1)
    return " ".join(words[:cut]), " ".join(words[cut:])
