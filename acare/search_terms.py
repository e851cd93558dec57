"""The words by which a client is found, and the full-text query for the words of a search.

Words and query follow the same rules, so that FTS5 only compares. Its tokenizer ignores case and the accents
of Latin letters; the rules here are for other spellings, apostrophes and phone numbers.
"""

import itertools
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter

from acare import phone_numbers
from acare.phone_numbers import MIN_COMMON

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
    "ı": ("i",),
    "'": ("'", ""),
}
_SPELLED = re.compile("([aou]\u0308|a\u030a|[øæßłđı]|(?<=[\\w\u0300-\u036f])'(?=\\w))")

# A word with more spellings has two: the first for each of its letters, and the last for each of them.
_MAX_SPELLINGS = 8

# Characters for private use begin the words of phone numbers, so that no other word is equal to them. The end
# of a number is found as the beginning of the number in reverse. The first character separates texts: a word
# such as "ana-lee" is not found in a first and a last name.
_NEXT_TEXT, _NUMBER, _NATIONAL, _REVERSED = _PRIVATE = "\ue000\ue001\ue002\ue003"
_BETWEEN_TEXTS = " \0 "
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʻ´", "'"))

# The maximum number of different words of notes, locations and tags in the index that have the same first 4,
# 2 or 0 letters: a search for the beginning of a word reads all words that begin with it. A short text has
# fewer, apart from their spellings.
_LONG = 1_000
_MAX_IN_LONG = {4: 64, 2: 250, 0: 1_000}
_MAX_IN_SHORT = {4: 170, 2: 250}

# As FTS5 divides words. The last characters are letters only in newer versions of Unicode than SQLite has.
_TERM = re.compile("[^\\W_\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]+")

_DIGITS = re.compile("[-()./+\N{EN DASH}]*\\d[-()./+\N{EN DASH}\\d]*")

# The number of digits that find the numbers that end with them.
_ENDING = range(4, 7)

#: Python sorts accents in a row in quadratic time: 10,000 take seconds. After 30, the rest is ignored.
EXCESS = re.compile(r"(?<=\W{30})\W+")
_ACCENT = re.compile("[\u0300-\u036f]")


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
    texts = first_name, last_name, email, phone
    long = _texts(preferred_locations), _texts(tags), notes
    words = _join(*texts, *long)
    if len(words) > _LONG or not _is_plain(words):
        words = _join(*map(_spell, filter(None, texts)), _bounded(_join(*long)))
    words = words.replace("\0", _NEXT_TEXT)
    return f"{words} {_number_words(phone)}" if phone else words


def _texts(listed: str) -> str:
    """The texts of a JSON list, which is decoded only if it has an escape or an empty text: that is slow."""
    if "\\" in listed or '""' in listed:
        return _join(*json.loads(listed))
    return listed[2:-2].replace('","', _BETWEEN_TEXTS)


def _join(*texts: str | None) -> str:
    return _BETWEEN_TEXTS.join(filter(None, texts))


def _is_plain(text: str) -> bool:
    """Whether no word of the text has a second spelling."""
    return text.isascii() and "'" not in text


def _spell(text: str) -> str:
    """A text with all spellings of its words."""
    if _is_plain(text):
        return text
    words: list[str] = []
    for word in _split(text):  # most words are plain: to change all of the text would take twice the time
        if _is_plain(word):
            words.append(word)
        else:
            words += _spellings(word)
    return " ".join(words)


def _bounded(text: str) -> str:
    """Like ``_spell``, without words that would be too many with the same beginning, or in all."""
    limits = _MAX_IN_LONG if len(text) > _LONG else _MAX_IN_SHORT
    spelled = _spell(text)
    if spelled is text and limits is _MAX_IN_SHORT:
        return text
    terms = set(_terms(spelled))
    if all(max(_beginnings(terms, n).values(), default=0) <= limit for n, limit in limits.items()):
        return spelled
    return _limit(_spell(_limit(text, _plain_terms, limits)), _terms, limits)


def _limit(text: str, terms_of: Callable[[str], list[str]], limits: Mapping[int, int]) -> str:
    kept: list[str] = []
    seen: set[str] = set()
    alike: dict[int, Counter[str]] = {letters: Counter() for letters in limits}
    for word in text.split():
        new = set(terms_of(word)) - seen
        added = {letters: _beginnings(new, letters) for letters in limits}
        totals = ((alike[n][part] + count, limits[n]) for n in limits for part, count in added[n].items())
        if all(total <= limit for total, limit in totals):
            kept.append(word)
            seen |= new
            for letters in limits:
                alike[letters].update(added[letters])
    return " ".join(kept)


def _plain_terms(text: str) -> list[str]:
    return _TERM.findall(text.casefold())


def _terms(text: str) -> list[str]:
    """The words that FTS5 finds in a text that ``_spell`` returned, or words that have more in common."""
    text = text.casefold()
    return _TERM.findall(text if text.isascii() else _ACCENT.sub("", unicodedata.normalize("NFD", text)))


def _beginnings(terms: Iterable[str], letters: int) -> Counter[str]:
    return Counter(map(itemgetter(slice(letters)), terms))


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


def _all(queries: Iterable[str]) -> str:
    return " AND ".join(queries) or _quote("")


def _any(queries: Iterable[str]) -> str:
    return f"({' OR '.join(queries)})"


def _begins(word: str) -> str:
    return f"{_quote(word)}*"


def _quote(text: str) -> str:
    """Text that FTS5 does not interpret."""
    return '"' + text.replace('"', '""') + '"'
