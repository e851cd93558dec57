"""The type of the field ``property_preferences``: an object with a few known keys and any others."""

from __future__ import annotations

from dataclasses import dataclass

from acare.field_types import FieldType, Stored, check_characters, is_number, to_json


@dataclass(frozen=True)
class Preferences(FieldType):
    """An object. The keys in ``numbers`` and ``string_lists`` are validated; others are kept."""

    max_bytes: int
    max_depth: int
    numbers: tuple[str, ...]
    string_lists: tuple[str, ...]

    def validate(self, value: object) -> Stored:
        if not isinstance(value, dict):
            raise ValueError("must be an object")
        self._walk(value)
        self._check_known(value)
        try:
            stored = to_json(value)
        except ValueError:
            raise ValueError("must have only numbers in the range of a double") from None
        if len(stored.encode()) > self.max_bytes:
            raise ValueError(f"must have at most {self.max_bytes} bytes as JSON")
        return stored

    def _walk(self, value: object, depth: int = 0) -> None:
        """ValueError if a value is nested too deeply, or a key or string in it has invalid characters."""
        if isinstance(value, str):
            check_characters(value, lines=True)
        elif isinstance(value, (dict, list)):
            if depth == self.max_depth:
                raise ValueError(f"must not be nested deeper than {self.max_depth} levels")
            for part in value if isinstance(value, list) else (*value.keys(), *value.values()):
                self._walk(part, depth + 1)

    def _check_known(self, value: dict[str, object]) -> None:
        for key in self.numbers:
            number = value.get(key)
            if number is not None and not (is_number(number) and number >= 0):
                raise ValueError(f"is invalid: {key} must be a number of at least 0")
        for key in self.string_lists:
            listed = value.get(key)
            if listed is not None and not (
                isinstance(listed, list) and all(isinstance(item, str) for item in listed)
            ):
                raise ValueError(f"is invalid: {key} must be a list of strings")
