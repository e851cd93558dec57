"""Reading a query string."""

from __future__ import annotations

import re

import falcon

from acare.errors import InvalidInput, Problem


class Query:
    """Reads a query string and gathers what is wrong with it. A blank value is no value. (our choice)"""

    def __init__(self, req: falcon.Request) -> None:
        self._params = req.params
        self._problems: list[Problem] = []

    def count(self, name: str, default: int) -> int:
        """A whole number of at least 1."""
        text = self._text(name)
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,100}", text, re.ASCII) and int(text) >= 1:
            return int(text)
        self._problems.append(Problem(name, "must be a whole number of at least 1"))
        return default

    def one_of(self, name: str, words: tuple[str, ...]) -> str | None:
        text = self._text(name)
        if text is None or text in words:
            return text
        self._problems.append(Problem(name, f"must be one of {', '.join(words)}"))
        return None

    def check(self) -> None:
        if self._problems:
            raise InvalidInput(*self._problems)

    def _text(self, name: str) -> str | None:
        value = self._params.get(name)
        if isinstance(value, list):
            self._problems.append(Problem(name, "must be given once"))
            return None
        return value or None
