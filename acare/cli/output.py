"""What commands print: lines that are safe on a terminal, and JSON."""

from __future__ import annotations

import json
import re
import sys

# Control characters (C0, DEL and C1), line separators, surrogates, and what changes the direction of text.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """Text from a file, a database or a server, in one line, without what a terminal would obey."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), str(text))


def print_error(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"acare: {printable(text)}\n")


def print_json(value: object) -> None:
    """In ASCII, which has no character that a terminal would obey."""
    print(json.dumps(value, indent=2))
