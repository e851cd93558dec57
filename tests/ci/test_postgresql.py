"""The program on the page about the API, changed as acare/cli/docs/year.md shows: a copy in PostgreSQL."""

import json
import os
import re
import subprocess
from contextlib import closing

import pytest
from api.test_copy_program import PROGRAM, line, listed, running
from support.environment import environment
from support.http import HttpCaller
from support.page import examples, replaced
from support.server import make_key, serving
from support.sockets import free_port, wait_for

from acare.maintenance.backup import back_up
from acare.maintenance.restore import restore

(DIFF,) = examples("diff")
CHANGES = {
    re.sub("^-", "", old, flags=re.M): re.sub(r"^\+", "", new, flags=re.M)
    for old, new in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", DIFF, re.M)
}
# Prints the variables with which PostgreSQL's programs find the server, and keeps that running.
VIRTUAL = ["pg_virtualenv", "-t", "sh", "-c", "env | grep ^PG; echo; exec cat"]


@pytest.fixture
def env():
    """The environment of a program that uses a new PostgreSQL server."""
    with subprocess.Popen(VIRTUAL, stdin=-1, stdout=-1, text=True) as process:
        printed = (line.strip() for line in iter(process.stdout.readline, "\n"))
        yield {**os.environ, **dict(line.split("=", 1) for line in printed if line.startswith("PG"))}
        process.communicate(timeout=60)  # ends it


def test_the_copy_in_postgresql_equals_the_list(tmp_path, env):
    database, address = tmp_path / "served.db", f"127.0.0.1:{free_port()}"
    key = make_key(database)
    python = environment(tmp_path / "venv", "psycopg[binary]") / "python"
    follow = [python, *line(replaced(PROGRAM, CHANGES), address, key)[1:], ""]
    select = ["psql", "-AtcSELECT json FROM clients"]  # fails until the program has made the table

    def is_equal():
        rows = subprocess.run(select, env=env, capture_output=True, text=True).stdout.splitlines()
        return {client["id"]: client for client in map(json.loads, rows)} == listed(address, key)

    for _ in range(2):
        with serving(database, "--listen", address), running(follow, env=env):
            with closing(HttpCaller(address, key)) as caller:
                client, deleted = caller.create(property_preferences={"acres": 1.50}), caller.create()
                wait_for(is_equal, seconds=20)
                caller.put(client, {"notes": "'%s' \\ \n"})
                caller.expect(200, "DELETE", f"/v1/clients/{deleted['id']}")
            wait_for(is_equal, seconds=20)
        restore(back_up(database, tmp_path / "backups"), database)  # ends the cursor
