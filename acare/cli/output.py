"""What commands print of files and servers."""

from __future__ import annotations

import re

# Control characters, line separators, surrogates, and what changes the direction of text.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """A text of a file or a server, with everything escaped that a terminal would interpret."""
    return _UNPRINTABLE.sub(lambda mark: mark[0].encode("unicode_escape").decode(), str(text))
