"""The program that keeps a copy, changed as acare/cli/docs/year.md shows: the copy is in PostgreSQL."""

import json
import re
import subprocess

import pytest
from api.test_copy_program import PROGRAM, follow_to_the_end, line
from support.environment import environment
from support.page import examples, replaced

(DIFF,) = examples("diff")
CHANGES = {
    re.sub("^-", "", old, flags=re.M): re.sub(r"^\+", "", new, flags=re.M)
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", DIFF, re.M)
}
# Prints the variables with which PostgreSQL's programs find the server, and keeps that running.
VIRTUAL = ["pg_virtualenv", "-t", "sh", "-c", "env | grep ^PG; echo; exec cat"]


@pytest.fixture
def postgresql(monkeypatch):
    """A new PostgreSQL server, which its programs find."""
    with subprocess.Popen(VIRTUAL, stdin=-1, stdout=-1, text=True) as process:
        for printed in iter(process.stdout.readline, "\n"):
            if printed.startswith("PG"):
                monkeypatch.setenv(*printed.strip().split("=", 1))
        yield
        process.communicate(timeout=60)  # ends it


def test_the_copy_in_postgresql_equals_the_list_in_the_end(postgresql, tmp_path):
    python = environment(tmp_path / "venv", "psycopg[binary]") / "python"
    program = replaced(PROGRAM, CHANGES)

    def copied():
        rows = subprocess.check_output(["psql", "-AtcSELECT json FROM clients"], text=True).splitlines()
        return {client["id"]: client for client in map(json.loads, rows)}

    follow_to_the_end(tmp_path, lambda *server: [python, *line(program, *server)[1:], ""], copied)
