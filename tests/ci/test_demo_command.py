"""The README's command for the demo."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

from support.checkout import copy_checkout, readme_command

COMMAND = readme_command("/bin/acare demo")


def test_the_demo_runs_as_its_readme_says(tmp_path):
    """Its curl lines work when pasted: list, get, create, update, and a stale update that is refused."""
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(
        ["bash", "-c", COMMAND],
        cwd=copy_checkout(tmp_path / "checkout"),
        env=environment,
        stdout=subprocess.PIPE,
        start_new_session=True,  # a process group of its own, for a Ctrl-C like that of a terminal
    ) as demo:
        try:
            lines = curl_lines(demo.stdout)
            answers = [json.loads(subprocess.check_output(["bash", "-c", line])) for line in lines]
        finally:
            os.killpg(demo.pid, signal.SIGINT)
        assert demo.wait(30) == 0
    listed, got, created, updated, refused = answers
    assert len(listed["data"]["clients"]) == 5
    assert (got["data"]["version"], created["data"]["first_name"]) == (1, "Jordan")
    assert updated["data"]["version"] == 2
    assert refused["error"]["code"] == "VERSION_CONFLICT"
    assert list((tmp_path / "temporary").glob("acare-demo-*")) == []


def curl_lines(output):
    """The five commands that the demo prints."""
    found = []
    for line in output:
        found += re.findall(r"^ *(curl .*)$", line.decode())
        if len(found) == 5:
            return found
    raise AssertionError("the demo ended early")
