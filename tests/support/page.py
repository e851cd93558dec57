"""The examples on the pages about operations, so that tests can run them."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "acare" / "cli" / "docs"
PAGE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.iterdir()))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(language, section=""):
    """The blocks in this language, of all pages or below the heading ``section``."""
    text = re.search(rf"^## {section}.*?(?=^## |^# [A-Z]|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return [block for found, block in FENCE.findall(text[0] if section else PAGE) if found == language]


def replaced(text, values):
    """The text with each of these pieces replaced; fails if one is missing, since the example has changed."""
    for old, new in values.items():
        assert old in text, f"the page has no {old} any more"
        text = text.replace(old, str(new))
    return text
