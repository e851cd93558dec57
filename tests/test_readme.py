"""README.md is true: its commands are the ones that CI runs, its tables are complete, its code works."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from acare.api import envelope
from acare.config import SETTINGS, Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

DEMO = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/acare demo"
TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest"

SUBCOMMANDS = (
    "serve", "demo", "key create", "key list", "key revoke", "backup", "verify", "restore", "history",
    "undelete", "erase", "purge", "openapi",
)  # fmt: skip


class Block:
    """A fenced block: its language, its text, and the words above it."""

    def __init__(self, match):
        self.language, self.text = match["language"], match["text"]
        self.line = README.count("\n", 0, match.start()) + 1
        self.above = README[: match.start()].rstrip().rpartition("\n\n")[2]

    def __repr__(self):
        return f"{self.language} in line {self.line}"


FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [Block(match) for match in FENCE.finditer(README)]
PYTHON = [block for block in BLOCKS if block.language == "python"]
# A block that makes a virtual environment is for people and for .ci/run, not for a test.
SHELL = [block for block in BLOCKS if block.language in ("sh", "bash") and "venv" not in block.text]
SETTINGS_ROWS = dict(re.findall(r"^\| `(--[\w-]+).*?` \|(.*)\|$", README, re.MULTILINE))


def section(title):
    """The text under the heading that has ``title`` in it."""
    return re.search(rf"^## [^\n]*{title}[^\n]*\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def in_place_of_yours(start, tmp_path):
    """Puts a running server's address and key in the place of those that a text has."""
    server = start()

    def fill_in(text):
        return text.replace("http://127.0.0.1:8080", server.url).replace("YOUR_API_KEY", server.key)

    return fill_in


@pytest.fixture
def run(tmp_path):
    """Runs a shell script as a reader would, with ``acare`` and ``python3`` at hand; its output."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to(sys.executable)
    (tools / "acare").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m acare "$@"\n')
    (tools / "acare").chmod(0o755)

    def run(script):
        ended = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "ACARE_DATABASE": "served.db"},
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def values(text):
    """The JSON values that stand one after another in ``text``."""
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


# --- commands


@pytest.mark.parametrize("command", [DEMO, TEST])
def test_the_command_stands_in_a_line_of_its_own(command):
    assert [line.strip() for line in README.splitlines()].count(command) == 1


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_every_command_is_named(command):
    assert f"acare {command}" in README


# --- tables and lists


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_a_row_with_its_flag_and_its_variable(setting):
    assert f"`{setting.variable}`" in SETTINGS_ROWS[setting.flag]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_row_tells_the_default(setting):
    default = getattr(Settings(), setting.name)
    if setting.name == "rate_limit":
        default = f"{default.tokens}/{default.seconds}"
    cells = [cell.strip(" `") for cell in SETTINGS_ROWS[setting.flag].split("|")]
    assert {None: "none", (): "none", False: "false"}.get(default, str(default)) in cells


def test_no_row_is_of_a_setting_that_is_gone():
    assert SETTINGS_ROWS.keys() == {setting.flag for setting in SETTINGS}


@pytest.mark.parametrize("code", sorted({failure.code for failure in envelope.ERROR_RESPONSES.values()}))
def test_every_error_code_is_told(code):
    assert f"`{code}`" in README


def test_the_choices_where_the_sources_are_silent_are_listed():
    assert len(re.findall(r"^- ", section("Choices"), re.MULTILINE)) >= 25


def test_every_file_of_the_project_structure_is_there():
    named = re.findall(r"[\w.]+\.(?:py|sql|toml)\b", section("structure"))
    files = {path.name for path in (*ROOT.glob("*.*"), *(ROOT / "acare").rglob("*.*"))}
    assert named
    assert set(named) <= files


# --- code


def test_there_is_code_to_try():
    assert PYTHON
    assert any("curl " in block.text for block in SHELL)


@pytest.mark.parametrize("block", PYTHON, ids=repr)
def test_a_python_block_runs(in_place_of_yours, tmp_path, block):
    (tmp_path / "block.py").write_text(in_place_of_yours(block.text), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-W", "error", "block.py"],
        cwd=tmp_path, stderr=subprocess.PIPE, encoding="utf-8", timeout=30,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("block", SHELL, ids=repr)
def test_a_shell_block_runs(in_place_of_yours, run, block):
    printed = run(in_place_of_yours(block.text))
    if "curl " in block.text:
        assert [value["success"] for value in values(printed)] == [
            "refused" not in block.above
        ] * block.text.count("curl ")


@pytest.mark.parametrize(
    ("call", "shown"),
    [pair for pair in pairwise(BLOCKS) if pair[1].language == "json"],
    ids=repr,
)
def test_an_answer_is_as_it_is_shown(in_place_of_yours, run, call, shown):
    def without_what_differs(text):
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID", text)
        return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "a timestamp", text)

    (answer,) = values(without_what_differs(run(in_place_of_yours(call.text))))
    assert answer == json.loads(without_what_differs(shown.text))
