"""Compares places and types of property: by whole words, without case, accents and punctuation."""

import json
import re
import unicodedata

_ACCENT = re.compile("[\u0300-\u036f]")
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """The words of a text between single spaces, for comparison."""
    text = text.casefold()
    if not text.isascii():
        text = _ACCENT.sub("", unicodedata.normalize("NFD", text))
    return _BETWEEN_WORDS.sub(" ", f" {text} ")


def has_place(places: str, place: str) -> bool:
    """Whether a JSON list has ``place``, which is folded, or a place with some or more of its words."""
    folded = map(fold, json.loads(places))
    return any(place in other or (other in place and other != " ") for other in folded)


def has_type(types: str, property_type: str) -> bool:
    """Whether a JSON list has a type of property, which is folded."""
    return property_type in map(fold, json.loads(types))
