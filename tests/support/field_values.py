"""Values that each field of a client accepts and rejects: the contract's table, and one step beyond it."""

import json
from typing import Any

#: White space by str.strip, and two characters that are white space only in other languages.
SPACES = " \u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff\u200b"

_NOT_TEXT: list[Any] = [7, 1.5, True, False, [], ["x"], {}, {"a": 1}]
_CONTROL = ["a\0b", "a\x01b", "a\x1bb", "a\x7fb", "a\x85b"]
_SURROGATES = ["a\ud800b", "a\udfff"]
_BREAKS = ["a\nb", "a\rb", "a\tb", "1\n"]


def _line(template: str = "{}") -> list[Any]:
    """Values that are invalid for every single-line field."""
    return [*_NOT_TEXT, *(template.format(text) for text in (*_CONTROL, *_SURROGATES, *_BREAKS))]


def _list(size: int) -> list[Any]:
    """Values that are invalid for every list of texts of up to ``size`` characters."""
    items = [1, True, None, ["x"], {}, "x" * (size + 1), *_CONTROL, *_SURROGATES, *_BREAKS]
    return ["x", 7, True, {}, {"0": "x"}, ["x"] * 51, *(["fine", item] for item in items)]


_NAME = (
    ["x", "x" * 100, "🏡" * 100, f"{' ' * 300}x{' ' * 300}"],
    ["", "  \u3000 ", "x" * 101, "🏡" * 101, f" {'x' * 101} ", *_line()],
)
_AMOUNT = (
    [0, 0.01, 0.5, -0.0, 10**12, 1e12],
    [-1, -0.01, 10**12 + 1, 1e12 + 0.5, 2**63, -(2**63) - 1, 10**400, 1e300, True, False, "350000", "", [1]],
)
_COUNTS = ("bedrooms_min", "bathrooms_min", "square_feet_min")

#: Field → values that it accepts, values that it rejects.
VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "first_name": _NAME,
    "last_name": _NAME,
    "email": (
        ["", " ", "a@b", "jordan@example.com", f"{'a' * 249}@b.cd", f" {'a' * 252}@b ",
         "jörg+test@exämple.com", *(f"{space}a@b{space}" for space in SPACES)],
        [f"{'a' * 250}@b.cd", "jordan", "@", "a@b@c", "@example.com", "jordan@",
         *(f"jor{space}dan@example.com" for space in SPACES[:-2]), *_line("{}@example.com")],
    ),
    "phone": (
        ["", " ", "1", "1" * 40, "(661) 555-0142", "+1 661 555 0123", "555-0142 ext. 7, evenings", *"٦१９",
         f"{' ' * 300}{'1' * 40}{' ' * 300}"],
        ["1" * 41, "none", "²", "①", *_line("1{}")],
    ),
    "client_type": (["buyer", "seller", "both"], ["Buyer", "tenant", " buyer", "", ["buyer"], *_line()]),
    "status": (["active", "inactive", "closed"], ["ACTIVE", "lost", "closed ", "", 0, *_line()]),
    "source": (["", "x", "x" * 100, "🏡" * 100], ["x" * 101, *_line()]),
    "budget_min": _AMOUNT,
    "budget_max": _AMOUNT,
    "preferred_locations": ([[], ["x"] * 50, ["x" * 200], [" "], [f" {'x' * 200} "]], _list(200)),
    "property_preferences": (
        [{}, dict.fromkeys(_COUNTS, 0), dict.fromkeys(_COUNTS, None), {"bathrooms_min": 2.5, "other": [1]},
         {"property_types": ["house", "condo"]}, {"property_types": []}, {"property_types": None},
         {"a\nb": "a\tb\r\n", "c": [[{"d": [True, None, 1.5]}]]}],
        [[], "x", 0, False,
         *({name: value} for name in _COUNTS for value in (-1, -0.5, True, "3", [3], {})),
         *({"property_types": value} for value in ("house", {"a": "b"}, 1, [1], [None])),
         *(place for text in (*_CONTROL, *_SURROGATES) for place in
           ({"view": text}, {text: 1}, {"property_types": ["house", text]}, {"a": [{"b": [{text: "x"}]}]}))],
    ),
    "pre_approved": ([True, False], [1, 0, "true", "", [], {}]),
    "pre_approval_amount": _AMOUNT,
    "notes": (["", " ", "x", "x" * 10_000, "a\nb\r\n\tc"],
              ["x" * 10_001, *_NOT_TEXT, *_CONTROL, *_SURROGATES]),
    "tags": ([[], [str(n) for n in range(50)], ["x" * 50], [f" {'x' * 50} "]], _list(50)),
}  # fmt: skip

#: Preferences at a limit that JSON Schema cannot express: value, whether it is accepted.
SIZES = [
    ({"a": "x" * (8 * 1024 - 8)}, True),
    ({"a": "x" * (8 * 1024 - 7)}, False),
    ({"a": "é" * 4093}, False),
    (json.loads('{"a":' * 20 + "1" + "}" * 20), True),
    (json.loads('{"a":' * 21 + "1" + "}" * 21), False),
    ({"a": [{"b": 2**53 + 1}, 1e308, -(10**308), 2**1024 - 2**970 - 1]}, True),
    ({"bedrooms_min": 2**1024 - 2**970}, False),
    ({"a": [{"b": -(10**309)}]}, False),
]
