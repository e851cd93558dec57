"""The comparison of places and types of property with a property on offer."""

import re
import unicodedata
from collections.abc import Sequence

from acare.field_types import strings

_ACCENT = re.compile("[\u0300-\u036f]")
_BETWEEN_WORDS = re.compile(r"(?:[^\w\n]|_)+")

# A list compares the places or types of thousands of clients. So for each client, at most this number of
# texts is compared, and this number of characters: if they have more, divided equally among them.
_MAX_TEXTS = 50
_MAX_COMPARED = 1_500
# The text up to the 800th character that is not a letter or digit; more than eight of these in a row, such as
# accents.
_COMPARED = re.compile(r"(?:\w*+\W){800}")
_IN_A_ROW = re.compile(r"([^\w\s]{8})[^\w\s]+")


def fold(text: str) -> str:
    """The words of a text between single spaces, without case, accents and punctuation, for comparison."""
    (folded,) = _fold([text])
    return folded


def _fold(texts: Sequence[str]) -> list[str]:
    texts = texts[:_MAX_TEXTS]
    length = _MAX_COMPARED // len(texts) if sum(map(len, texts)) > _MAX_COMPARED else None
    text = " \n ".join([text[:length].replace("\n", " ") for text in texts]).casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFD", _IN_A_ROW.sub(r"\1", text))
        compared = _COMPARED.match(text)
        text = _ACCENT.sub("", text if compared is None else compared[0])
    return _BETWEEN_WORDS.sub(" ", f" {text} ").split("\n")


def has_place(places: str, place: str) -> bool:
    """Whether a JSON list has a place that contains ``place``, which is folded, or is contained in it."""
    folded = _fold(strings(places))
    return any(place in other or (other in place and other != " ") for other in folded)


def has_type(types: str, property_type: str) -> bool:
    """Whether a JSON list has a type of property, which is folded."""
    return property_type in _fold(strings(types))
