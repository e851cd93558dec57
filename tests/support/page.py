"""The examples on the pages about operations, so that tests can run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "acare" / "cli" / "docs"
EXAMPLE = re.compile(r"^.*\]\(\.\./examples/(\S+\.(\w+))\).*\n", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _with_files(page):
    """The page with each example that is a file as a block below the line that links it."""
    folder = DOCS.parent / "examples"
    return EXAMPLE.sub(
        lambda link: f"{link[0]}```{link[2]}\n{(folder / link[1]).read_text('utf-8')}```\n", page
    )


PAGE = "\n".join(_with_files(path.read_text(encoding="utf-8")) for path in sorted(DOCS.iterdir()))


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


def shell(script, folder, **variables):
    """Runs a script of a page in a folder, with ``acare`` and ``python3`` on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    line = ["bash", "-eu", "-o", "pipefail", "-c", script]
    env = {**os.environ, "PATH": path, **variables}
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=60)
