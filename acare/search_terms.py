"""The words by which a client is found, the full-text query for the words of a search, and the comparison of
places and types of property.

Words and query follow the same rules, so that FTS5 only compares. Its tokenizer ignores case and the accents
of Latin letters; the rules here are for other spellings, apostrophes and phone numbers.
"""

import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator

# Letters with other spellings, decomposed (NFD). An apostrophe inside a word may be left out.
_SPELLINGS = {
    "a\u0308": ("a", "ae"),
    "o\u0308": ("o", "oe"),
    "u\u0308": ("u", "ue"),
    "a\u030a": ("a", "aa"),
    "ø": ("o", "oe"),
    "æ": ("ae",),
    "ß": ("ss",),
    "ł": ("l",),
    "đ": ("d",),
    "'": ("'", ""),
}
_SPELLED = re.compile("([aou]\u0308|a\u030a|[øæßłđ]|(?<=[\\w\u0300-\u036f])'(?=\\w))")

# A word with more spellings has two: the first for each of its letters, and the last for each of them.
_MAX_SPELLINGS = 8

# Characters for private use begin the words of phone numbers, so that no other word is equal to them. The end
# of a number is found as the beginning of the number in reverse. The first character separates texts: a word
# such as "ana-lee" is not found in a first and a last name.
_NEXT_TEXT, _NUMBER, _NATIONAL, _REVERSED = _PRIVATE = "\ue000\ue001\ue002\ue003"
_BETWEEN_TEXTS = " \0 "
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʻ´", "'"))

_DIGITS = re.compile("[-()./+\N{EN DASH}]*\\d[-()./+\N{EN DASH}\\d]*")

_COUNTRY_CODE = re.compile("1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")

# Digits that find the numbers which end with them; digits that two notations of a number have in common.
_ENDING = range(4, 7)
_MIN_COMMON = 7

#: Python sorts accents in a row in quadratic time: 10,000 take seconds. After 30, the rest is ignored.
EXCESS = re.compile(r"(?<=\W{30})\W+")
_ACCENT = re.compile("[\u0300-\u036f]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def of_client(
    first_name: str,
    last_name: str,
    email: str | None,
    phone: str | None,
    preferred_locations: str,
    tags: str,
    notes: str | None,
) -> str:
    """The words of a client as one text. The lists are JSON. (The SQL function ``search_words``)"""
    texts = (first_name, last_name, email, phone, _texts(preferred_locations), _texts(tags), notes)
    words = _spell(_BETWEEN_TEXTS.join(filter(None, texts))).replace("\0", _NEXT_TEXT)
    return f"{words} {_number_words(phone)}" if phone else words


def _texts(listed: str) -> str:
    """The texts of a JSON list, which is decoded only if it has an escape or an empty text: that is slow."""
    if "\\" in listed or '""' in listed:
        return _BETWEEN_TEXTS.join(filter(None, json.loads(listed)))
    return listed[2:-2].replace('","', _BETWEEN_TEXTS)


def _spell(text: str) -> str:
    """A text with all spellings of its words."""
    if text.isascii() and "'" not in text:
        return text
    words: list[str] = []
    for word in _split(text):  # most words are plain: to change all of the text would take twice the time
        if word.isascii() and "'" not in word:
            words.append(word)
        else:
            words += _spellings(word)
    return " ".join(words)


def _number_words(phone: str) -> str:
    """A phone number without separators and leading zeros: all of it, without country code, in reverse."""
    digits = _digits(phone)
    number = national = digits.lstrip("0")
    if "+" in phone or digits.startswith("00"):
        national = _COUNTRY_CODE.sub("", number, count=1).lstrip("0")
    return f"{_NUMBER}{number} {_NATIONAL}{national} {_REVERSED}{number[::-1]}"


def query(text: str) -> str:
    """The full-text query for the clients that a search finds.

    Each word begins a word of the client. Words of digits can instead be a phone number, or the beginning or
    end of one, alone or together with those next to them. A word without letters and digits matches nothing
    alone and is ignored next to other words.
    """
    runs = itertools.groupby(_searched(text), key=_is_number)
    return _all(_words(list(words)) for _, words in runs)


def _is_number(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None


def _words(words: list[str]) -> str:
    """The query for words of digits, which together can be one number, or for other words."""
    apart = _all(_any([*map(_begins, _spellings(word)), *_numbers(word)]) for word in words)
    return _any([apart, *(_numbers("".join(words)) if len(words) > 1 else ())])


def _numbers(text: str) -> Iterator[str]:
    """Queries for phone numbers that begin or end with digits, or are the same number."""
    digits = _digits(text) if _is_number(text) else ""
    if number := digits.lstrip("0"):
        # A leading zero can stand for a country code.
        yield _begins((_NATIONAL if re.match("0[^0]", digits) else _NUMBER) + number)
        yield same_number(text)
    if len(digits) in _ENDING:
        yield _begins(_REVERSED + digits[::-1])


def same_number(phone: str) -> str:
    """The full-text query for a phone number in any notation.

    Without separators and leading zeros, the numbers are equal, or the longer one ends with the other.
    """
    reverse = _digits(phone).lstrip("0")[::-1]
    if len(reverse) < _MIN_COMMON:
        return _quote(_REVERSED + reverse)
    shorter = range(_MIN_COMMON, len(reverse))
    return _any([_begins(_REVERSED + reverse), *(_quote(_REVERSED + reverse[:n]) for n in shorter)])


def same_name(name: str) -> str:
    """The full-text query for clients with all words of a name."""
    return _all(_any(map(_quote, _spellings(word))) for word in _searched(name))


def _split(text: str) -> list[str]:
    """The words of a text, without characters for private use."""
    for character in _PRIVATE:
        text = text.replace(character, " ")
    return text.split()


def _searched(text: str) -> list[str]:
    """The words of a text that have a letter or digit."""
    return [word for word in _split(text.translate(_APOSTROPHES)) if any(map(str.isalnum, word))]


def _spellings(word: str) -> list[str]:
    """All spellings of a word, so that each finds the others; composed (NFC), as text usually is, so that the
    tokenizer ignores only the accents of Latin letters.
    """
    decomposed = unicodedata.normalize("NFD", EXCESS.sub("", word.translate(_APOSTROPHES)).lower())
    choices = [_SPELLINGS.get(part, (part,)) for part in _SPELLED.split(decomposed)]
    spellings: Iterable[Iterable[str]] = itertools.product(*choices)
    if math.prod(map(len, choices)) > _MAX_SPELLINGS:
        spellings = ([choice[n] for choice in choices] for n in (0, -1))
    return [unicodedata.normalize("NFC", "".join(spelling)) for spelling in spellings]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _all(queries: Iterable[str]) -> str:
    return " AND ".join(queries) or _quote("")


def _any(queries: Iterable[str]) -> str:
    return f"({' OR '.join(queries)})"


def _begins(word: str) -> str:
    return f"{_quote(word)}*"


def _quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'


def fold(text: str) -> str:
    """The words of a text between single spaces, without case, accents and punctuation, for comparison."""
    text = text.casefold()
    if not text.isascii():
        text = _ACCENT.sub("", unicodedata.normalize("NFD", EXCESS.sub("", text)))
    return _BETWEEN_WORDS.sub(" ", f" {text} ")


def has_place(places: str, place: str) -> bool:
    """Whether a JSON list has ``place``, which is folded, or a place with some or more of its words."""
    folded = map(fold, json.loads(places))
    return any(place in other or (other in place and other != " ") for other in folded)


def has_type(types: str, property_type: str) -> bool:
    """Whether a JSON list has a type of property, which is folded."""
    return property_type in map(fold, json.loads(types))
