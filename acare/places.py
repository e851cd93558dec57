"""The comparison of places and types of property with a property on offer."""

import re
import unicodedata
from collections.abc import Sequence

from acare.field_types import EXCESS
from acare.json_text import strings

_ACCENT = re.compile("[\u0300-\u036f]")
_BETWEEN_WORDS = re.compile(r"(?:[^\w\n]|_)+")


def fold(text: str) -> str:
    """The words of a text between single spaces, without case, accents and punctuation, for comparison."""
    (folded,) = _fold([text])
    return folded


def _fold(texts: Sequence[str]) -> list[str]:
    text = " \n ".join([text.replace("\n", " ") for text in texts]).casefold()
    if not text.isascii():
        text = _ACCENT.sub("", unicodedata.normalize("NFD", EXCESS.sub("", text)))
    return _BETWEEN_WORDS.sub(" ", f" {text} ").split("\n")


def has_place(places: str, place: str) -> bool:
    """Whether a JSON list has a place that contains ``place``, which is folded, or is contained in it."""
    folded = _fold(strings(places))
    return any(place in other or (other in place and other != " ") for other in folded)


def has_type(types: str, property_type: str) -> bool:
    """Whether a JSON list has a type of property, which is folded."""
    return property_type in _fold(strings(types))
