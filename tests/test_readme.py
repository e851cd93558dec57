"""The pages are correct: commands and examples run, and tables, links and versions match the code.

Every fenced block is run here, page by page and in order, as a reader would, unless a comment on the line
above names the file that runs it, another test or .ci/run: ``<!-- tests/ci/test_offices.py -->``.
"""

import itertools
import json
import re
from pathlib import Path

import pytest
from support import command
from support.backups import back_up
from support.data import JORDAN
from support.http import ask
from support.page import shell

import acare
from acare.maintenance.status import read_status

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *(ROOT / "acare").rglob("*.md"), *(ROOT / "tests").rglob("README.md"))
}
BACKUP = PAGES["acare/cli/docs/backup.md"]

#: Blocks without commands: page and language.
NO_COMMANDS = {("acare/database/README.md", "sql")}

FENCE = re.compile(
    r"^(?:<!-- (?P<runner>\S+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(page):
    """The fenced blocks of a page: line, language, text, and the file that runs it."""
    text = PAGES[page]
    for match in FENCE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match["language"], match["text"], match["runner"]


def runnable(page):
    """The blocks that are run here."""
    for line, language, text, runner in blocks(page):
        if runner is None and language in ("sh", "bash", "python", "json"):
            yield line, language, text


# --- commands and examples


@pytest.mark.parametrize("page", [page for page in PAGES if any(runnable(page))])
def test_every_block_runs(page, start, tmp_path):
    """In one folder, with the address and key of a running server in place of the examples', and a client."""
    server = start()
    (tmp_path / "backups").mkdir()
    _, answer = ask(server, "POST", body=JORDAN, status=201)
    printed = ""
    for line, language, text in runnable(page):
        text = text.replace("http://127.0.0.1:8080", server.url).replace("YOUR_API_KEY", server.key)
        text = text.replace("/var/lib/acare-backups", "backups").replace("/var/lib/acare/", "")
        text = text.replace("CLIENT_ID", answer["data"]["id"])
        where = f"{page}, line {line}"
        if language == "json":
            shown, answer = (json.loads(comparable(each)) for each in (text, printed))
            assert {**answer, "data": {name: answer["data"][name] for name in shown["data"]}} == shown, where
            continue
        if language == "python":
            text = f"python3 -W error - <<'BLOCK'\n{text}\nBLOCK"
        ended = shell(text, tmp_path, ACARE_DATABASE="served.db", PYTHONPATH=str(ROOT))
        assert ended.returncode == 0, f"{where}: {ended.stderr}"
        printed = ended.stdout
        assert not re.search(r'"success": ?false', printed), where


@pytest.mark.parametrize("page", PAGES)
def test_no_block_is_left_out(page):
    ran = {line for line, *_ in runnable(page)}
    for line, language, _, runner in blocks(page):
        if runner is not None:
            text = (ROOT / runner).read_text(encoding="utf-8")
            assert "support.page" in text or Path(page).name in text, f"{runner} does not read {page}"
        elif (page, language) not in NO_COMMANDS:
            assert line in ran, f"nothing runs {page}, line {line}"


def sentences(page):
    """The page without its blocks and without the changes of each version."""
    return re.sub(FENCE, "", PAGES[page].partition("\n## Changes\n\nThe version is")[0])


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_a_sentence_has_the_options(page):
    for words in map(str.split, re.findall(r"`acare ([^`]+)`", sentences(page))):
        names = itertools.takewhile(re.compile("[a-z-]+").fullmatch, words)
        printed = command.run(*(name for name in names if name[0] != "-"), "--help")
        assert printed.code == 0, words
        assert {word for word in words if word[0] == "-"} <= {*re.findall(r"--[\w-]+", printed.out)}, words


def comparable(text):
    """An answer without the ids and timestamps, which differ each time."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "a timestamp", text)


# --- tables


def rows(page):
    """The rows of all tables of a page, as lists of cells."""
    return [re.split(r" ?\| ?", line.strip("| ")) for line in page.splitlines() if line.startswith("|")]


def test_every_check_of_status_has_a_row_with_its_figures(tmp_path):
    acare.create_app(database=tmp_path / "acare.db").close()
    back_up(tmp_path / "acare.db", tmp_path)
    checks = read_status(tmp_path / "acare.db", tmp_path, url="http://127.0.0.1:9")
    told = [(cells[0].strip("`"), re.findall(r"\w+", cells[2])) for cells in rows(BACKUP) if len(cells) == 3]
    assert told[2:] == [(check.name, [*check.figures]) for check in checks]


def test_the_newest_version_with_its_date_is_the_one_that_runs():
    versions = re.findall(r"^### (\d\S*) \((\d{4}-\d\d-\d\d)\)$", PAGES["acare/README.md"], re.M)
    assert versions[0][0] == acare.__version__
    assert versions == sorted(versions, reverse=True)
    assert len(versions) == len(re.findall("^### [0-9]", PAGES["acare/README.md"], re.M))


# --- references


def test_each_usual_change_names_its_files_and_a_test():
    section = PAGES["acare/README.md"].partition("## Where a change goes")[2].partition("\n## ")[0]
    changes = re.findall(r"^- \*\*(?:.|\n)+?(?=\n- |\n*\Z)", section, re.MULTILINE)
    files = [re.findall(r"\]\((\S+)\)", change) for change in changes]
    assert len(files) == 11
    assert all(len(names) >= 2 and "/test_" in names[-1] for names in files)


def anchors(page):
    titles = re.findall(r"^#+ (.+)$", re.sub(FENCE, "", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_has_a_target(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[page]):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text(encoding="utf-8")), target
