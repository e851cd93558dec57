"""The words by which a client is found, and the full-text query for the words of a search.

Words and query follow the same rules, so that FTS5 only compares. Its tokenizer ignores case and the accents
of Latin letters; the rules here are for other spellings, apostrophes and phone numbers.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

from acare import phone_numbers
from acare.field_types import EXCESS
from acare.json_text import strings
from acare.phone_numbers import MIN_COMMON

# The second spelling of some letters, decomposed (NFD); the first is without the accent. An apostrophe inside
# a word may be left out.
_SECOND = {"a\u0308": "ae", "o\u0308": "oe", "u\u0308": "ue", "a\u030a": "aa", "ø": "oe", "'": ""}
_INNER_APOSTROPHE = "(?<=[\\w\u0300-\u036f])'(?=\\w)"
_SPELT_OUT = "[aou]\u0308|a\u030a|ø"
_ALIKE = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss", "ł": "l", "đ": "d", "ı": "i"})

#: Of notes, this number of characters is searched: to index more would delay other writes.
MAX_NOTES = 4_000

# Characters for private use begin the words of phone numbers, so that no other word is equal to them. The end
# of a number is found as the beginning of the number in reverse. The first character separates texts: a word
# such as "ana-lee" is not found in a first and a last name.
_NEXT_TEXT, _NUMBER, _NATIONAL, _REVERSED = _PRIVATE = "\ue000\ue001\ue002\ue003"
_BETWEEN_TEXTS = " \0 "
_CLEANED = str.maketrans(dict.fromkeys("’‘ʼʻ´", "'") | dict.fromkeys(_PRIVATE, " "))

_DIGITS = re.compile("[-()./+\N{EN DASH}]*\\d[-()./+\N{EN DASH}\\d]*")

# The number of digits that find the numbers that end with them.
_ENDING = range(3, 7)


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
    lists = *strings(preferred_locations), *strings(tags)
    texts = first_name, last_name, email, phone, *lists, notes and notes[:MAX_NOTES]
    words = _spell(_BETWEEN_TEXTS.join(filter(None, texts))).replace("\0", _NEXT_TEXT)
    return f"{words} {_number_words(phone)}" if phone else words


def _spell(text: str) -> str:
    """A text and, after it, the second spellings of its words: without apostrophes, then spelt out."""
    if text.isascii() and "'" not in text:
        return text
    text = _decompose(text)
    for second in (_INNER_APOSTROPHE, _SPELT_OUT):
        if re.search(second, text):
            words = _BETWEEN_TEXTS.join(word for word in text.split() if re.search(second, word))
            text += _BETWEEN_TEXTS + _respell(second, words)
    return _compose(text)


def _respell(second: str, text: str) -> str:
    return re.sub(second, lambda letter: _SECOND[letter[0]], text)


def _decompose(text: str) -> str:
    return unicodedata.normalize("NFD", EXCESS.sub("", text.translate(_CLEANED)).lower())


def _compose(text: str) -> str:
    """Text composed (NFC), so that the tokenizer ignores only the accents of Latin letters."""
    return unicodedata.normalize("NFC", text.translate(_ALIKE))


def _number_words(phone: str) -> str:
    """Each phone number of a field: without leading zeros, then without country code, then in reverse."""
    words: list[str] = []
    for dialled in phone_numbers.numbers(phone):
        number = dialled.lstrip("+0")
        words += _NUMBER + number, _NATIONAL + phone_numbers.national(dialled), _REVERSED + number[::-1]
    return " ".join(words)


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
    digits = phone_numbers.digits(phone_numbers.dialled(text)) if _is_number(text) else ""
    if number := digits.lstrip("0"):
        # A leading zero can stand for a country code.
        yield _begins((_NATIONAL if re.match("0[^0]", digits) else _NUMBER) + number)
        yield _same_digits(digits)
    if len(digits) in _ENDING:
        yield _begins(_REVERSED + digits[::-1])


def same_number(phone: str) -> str:
    """The full-text query for the phone numbers of a field in any notation: one of them is enough."""
    return _any(map(_same_digits, phone_numbers.numbers(phone)))


def _same_digits(digits: str) -> str:
    """The query for a number: without leading zeros, it is equal, or the longer one ends with the other."""
    reverse = digits.lstrip("+0")[::-1]
    if len(reverse) < MIN_COMMON:
        return _quote(_REVERSED + reverse)
    shorter = range(MIN_COMMON, len(reverse))
    return _any([_begins(_REVERSED + reverse), *(_quote(_REVERSED + reverse[:n]) for n in shorter)])


def same_name(name: str) -> str:
    """The full-text query for clients with all words of a name."""
    return _all(_any(map(_quote, _spellings(word))) for word in _searched(name))


def _searched(text: str) -> list[str]:
    """The words of a text that have a letter or digit."""
    return [word for word in text.translate(_CLEANED).split() if any(map(str.isalnum, word))]


def _spellings(word: str) -> list[str]:
    """The spellings of a searched word, as ``_spell`` makes them: one of them is in the index."""
    spellings = [_decompose(word)]
    for second in (_INNER_APOSTROPHE, _SPELT_OUT):
        spellings += [_respell(second, spelling) for spelling in spellings]
    return [_compose(spelling) for spelling in dict.fromkeys(spellings)]


def _all(queries: Iterable[str]) -> str:
    return " AND ".join(queries) or _quote("")


def _any(queries: Iterable[str]) -> str:
    return f"({' OR '.join(queries)})"


def _begins(word: str) -> str:
    return f"{_quote(word)}*"


def _quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'
