"""Reads a query string."""

from __future__ import annotations

import re
from dataclasses import dataclass

import falcon

from acare import ids
from acare.errors import FieldError, InvalidInput
from acare.field_types import String

#: With this many rows before a page, finding it takes over 5 ms: SQLite walks the index up to the page.
DEEP = 10_000


@dataclass(frozen=True)
class Search(String):
    """The text of a search."""

    max_words: int = 8

    def check(self, text: str) -> None:
        if len(text.split()) > self.max_words:
            raise ValueError(f"must have at most {self.max_words} words")


#: What the parameter ``q`` may be.
SEARCH = Search(max_length=200)

_SEARCH = re.compile(r"(?:^|&)(?:q|email)=")
_NUMBERS = re.compile(r"(?:^|&)(page|limit)=([0-9]{1,100})(?=&|$)", re.ASCII)


def is_slow(query_string: str) -> bool:
    """Whether a list may take long: a search, which counts all matches, or a page after ``DEEP`` rows.

    An encoded query string counts as slow, which is cheaper than decoding it twice.
    """
    if "%" in query_string or "+" in query_string or _SEARCH.search(query_string):
        return True
    numbers = dict(_NUMBERS.findall(query_string))
    return int(numbers.get("page", 1)) * int(numbers.get("limit", 25)) >= DEEP


class Query:
    """Reads parameters and collects their problems. A blank value counts as not given."""

    def __init__(self, req: falcon.Request) -> None:
        self._params = req.params
        self._problems: list[FieldError] = []

    def count(self, name: str, default: int) -> int:
        """An integer of at least 1."""
        text = self._text(name)
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,100}", text, re.ASCII) and int(text) >= 1:
            return int(text)
        self._problems.append(FieldError(name, "must be a whole number of at least 1"))
        return default

    def one_of(self, name: str, words: tuple[str, ...]) -> str | None:
        """One of ``words``; None if the parameter is not given."""
        text = self._text(name)
        if text is None or text in words:
            return text
        self._problems.append(FieldError(name, f"must be one of {', '.join(words)}"))
        return None

    def uuid(self, name: str) -> str | None:
        """An id in canonical form; None if the parameter is not given."""
        text = self._text(name)
        found = None if text is None else ids.canonical(text)
        if text is not None and found is None:
            self._problems.append(FieldError(name, "must be a UUID"))
        return found

    def text(self, name: str, kind: String) -> str | None:
        """A text of this kind; None if the parameter is not given or blank."""
        text = self._text(name)
        try:
            valid = None if text is None else kind.validate(text)
        except ValueError as error:
            self._problems.append(FieldError(name, str(error)))
            return None
        return None if valid is None else str(valid)

    def check(self) -> None:
        """Raise InvalidInput with all problems that were found, if any."""
        if self._problems:
            raise InvalidInput(*self._problems)

    def _text(self, name: str) -> str | None:
        value = self._params.get(name)
        if isinstance(value, list):
            self._problems.append(FieldError(name, "must not be given more than once"))
            return None
        return value or None
