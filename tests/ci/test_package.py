"""The wheel, which is built from the sdist: its content, and an installation."""

import json
import re
import shutil
import signal
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import pytest
from support.environment import environment

NEEDED = {
    "acare/schema.sql",
    "acare/store/verification.sql",
    "acare/database/migrations/4_to_5.sql",
    "acare/py.typed",
    "acare/api/openapi.json",
    "acare/importing/columns.ini",
    "acare/importing/words.ini",
    "acare/cli/units/acare.service.d/hardening.conf",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the checkout."""
    folder = tmp_path_factory.mktemp("built")
    left_out = shutil.ignore_patterns(
        ".git", ".venv", ".*_cache", "__pycache__", "build", "dist", "*.egg-info"
    )
    source = shutil.copytree(Path(__file__).parents[2], folder / "source", ignore=left_out)
    python = environment(folder / "venv", "build", "hatchling") / "python"
    line = [python, "-m", "build", "--no-isolation", "-o", folder, source]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_has_all_that_is_read_at_run_time(wheel):
    assert set(zipfile.ZipFile(wheel).namelist()) >= NEEDED


def test_an_installation_serves(wheel, tmp_path):
    acare = environment(tmp_path / "venv", wheel) / "acare"
    with subprocess.Popen(
        [acare, "serve", "--listen", "127.0.0.1:0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as server:
        url = re.search(r"http://[^/\s]+", server.stdout.readline())[0]
        with urllib.request.urlopen(f"{url}/readyz") as answer:
            assert json.load(answer)["success"]
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    listed = subprocess.run([acare, "key", "list"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert listed.stderr == ""
