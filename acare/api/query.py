"""Reads a query string."""

from __future__ import annotations

import re

import falcon

from acare.errors import InvalidInput, Problem


class Query:
    """Reads parameters and collects their problems. A blank value counts as not given. (our choice)"""

    def __init__(self, req: falcon.Request) -> None:
        self._params = req.params
        self._problems: list[Problem] = []

    def count(self, name: str, default: int) -> int:
        """An integer of at least 1."""
        text = self._text(name)
        if text is None:
            return default
        if re.fullmatch(r"[0-9]{1,100}", text, re.ASCII) and int(text) >= 1:
            return int(text)
        self._problems.append(Problem(name, "must be a whole number of at least 1"))
        return default

    def one_of(self, name: str, words: tuple[str, ...]) -> str | None:
        """One of ``words``; None if the parameter is not given."""
        text = self._text(name)
        if text is None or text in words:
            return text
        self._problems.append(Problem(name, f"must be one of {', '.join(words)}"))
        return None

    def check(self) -> None:
        """Raise InvalidInput with all problems that were found, if any."""
        if self._problems:
            raise InvalidInput(*self._problems)

    def _text(self, name: str) -> str | None:
        value = self._params.get(name)
        if isinstance(value, list):
            self._problems.append(Problem(name, "must not be given more than once"))
            return None
        return value or None
