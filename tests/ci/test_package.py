"""The wheel, which is built from the sdist: its content, and an installation."""

import re
import shutil
import signal
import subprocess
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.environment import environment

NEEDED = {
    "acare/py.typed",
    "acare/database/migrations/5_to_6.sql",
    "acare/importing/columns.ini",
    "acare/importing/words.ini",
    "acare/cli/units/install.sh",
    "acare/cli/units/hardening.conf",
    "acare/cli/docs/install.md",
    "acare/cli/container/compose.yaml",
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


def test_the_wheel_has_types_units_pages_and_tables(wheel):
    assert set(zipfile.ZipFile(wheel).namelist()) >= NEEDED


@pytest.fixture(scope="module")
def acare(wheel, tmp_path_factory):
    """The command of an installation of the wheel alone."""
    return environment(tmp_path_factory.mktemp("installed") / "venv", wheel) / "acare"


@contextmanager
def running(acare, folder, *arguments):
    """What a server of the installation prints first, and its URL. It must stop by itself."""
    line = [acare, *arguments, "--listen", "127.0.0.1:0"]
    with subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        printed = server.stdout.readline()
        while "http://" not in printed:
            printed += server.stdout.readline()
        try:
            yield re.search(r"http://[^/\s]+", printed)[0]
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0


def read(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return answer.read().decode()


def test_an_installation_shows_its_demo_in_the_web_ui(acare, tmp_path):
    with running(acare, tmp_path, "demo") as url:
        page = read(url, Accept="text/html")
        assert "<title>Clients" in page
        for file in re.findall(r'(?:src|href)="\./(web/[^"]+)"', page):
            assert read(f"{url}/{file}")
